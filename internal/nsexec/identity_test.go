package nsexec

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/idmap"
)

// A single map is one line each, for the caller alone, and setgroups comes first. Any
// other is written by somebody else. Where there may be another user than root, the
// network is opened to him after that; the child writes to nothing else.
func TestIdentityMap(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		var got, want []string
		for i, s := range w.steps {
			if s.nr == unix.SYS_WRITE {
				if int(s.args[2]) != len(w.text(s.args[1])) || s.pardon[0] != 0 {
					t.Errorf("step %d writes %d bytes of %q, forgiving %v", i, s.args[2], w.text(s.args[1]), s.pardon)
				}
				got = append(got, w.text(w.steps[i-1].args[1])+": "+w.text(s.args[1]))
			}
		}
		if w.spec.IDs.IsSingle() && w.spec.Join == nil {
			want = []string{
				"/proc/self/setgroups: deny",
				fmt.Sprintf("/proc/self/uid_map: %d %d 1", w.spec.IDs.UIDs[0].Inside, os.Geteuid()),
				fmt.Sprintf("/proc/self/gid_map: %d %d 1", w.spec.IDs.GIDs[0].Inside, os.Getegid()),
			}
		}
		if w.spec.Network != HostNetwork && w.spec.Join == nil && (!w.spec.IDs.IsSingle() || w.spec.User.UID != 0) {
			first, last := w.spec.IDs.UsableGIDs()
			want = append(want,
				fmt.Sprintf("sys/net/ipv4/ping_group_range: %d %d", first, last),
				"sys/net/ipv4/ip_unprivileged_port_start: 0")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("files written (-want +got):\n%s", diff)
		}
	})
}

// becoming are the system calls that change who a process is, in the order in which
// they have to come: each takes a right that the next one takes away.
var becoming = []uintptr{unix.SYS_SETGROUPS, unix.SYS_SETRESGID, unix.SYS_SETRESUID}

func TestUser(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		u := w.spec.User
		ownUID, ownGID := w.spec.own()
		var got, want [][4]uintptr
		if u.UID != ownUID || u.GID != ownGID || u.Groups != nil {
			if u.Groups != nil {
				want = append(want, [4]uintptr{unix.SYS_SETGROUPS, uintptr(len(u.Groups))})
			}
			uid, gid := uintptr(u.UID), uintptr(u.GID)
			want = append(want, [4]uintptr{unix.SYS_SETRESGID, gid, gid, gid}, [4]uintptr{unix.SYS_SETRESUID, uid, uid, uid})
		}
		for i, s := range w.steps {
			if !slices.Contains(becoming, s.nr) {
				continue
			}
			if i < w.setup || i > w.last(t, unix.SYS_CAPSET) || s.pardon[0] != 0 {
				t.Errorf("got step %d, %q, want it in the command's process, before it loses the right to it, or the end", i, s.doing)
			}
			call := [4]uintptr{s.nr, s.args[0], s.args[1], s.args[2]}
			if s.nr == unix.SYS_SETGROUPS {
				first := kept[uint32](t, w.program, s.args[1])
				if diff := cmp.Diff(u.Groups, unsafe.Slice(first, s.args[0])); diff != "" {
					t.Errorf("groups (-want +got):\n%s", diff)
				}
				call[2], call[3] = 0, 0
			}
			got = append(got, call)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changes of identity (-want +got):\n%s", diff)
		}
	})
}

// Without it, a change from root to another user empties the permitted set.
func TestCapabilitiesAreKeptMeanwhile(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		keep, become := w.find(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS), w.find(unix.SYS_SETRESUID)
		if len(keep) != len(become) || len(become) > 0 && (keep[0] > become[0] || w.steps[keep[0]].args[1] != 1) {
			t.Errorf("got capabilities kept in steps %v, and another user in %v", keep, become)
		}
	})
}

// A process that has become another user could be traced by that one. It is seen to while it
// still has more capabilities.
func TestOtherUsersAreKeptOut(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		for _, i := range w.find(unix.SYS_SETRESUID) {
			next := w.steps[i+1]
			if next.nr != unix.SYS_PRCTL || next.args[0] != unix.PR_SET_DUMPABLE || next.args[1] != 0 || next.pardon[0] != 0 {
				t.Errorf("got step %q after another user is taken on, want others kept out", next.doing)
			}
		}
	})
}

// The command itself, where it is pid 1, has to die with the supervisor, too; a change
// of user has it forget that.
func TestDiesWithTheSupervisor(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		armed := w.find(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG)
		looks := w.find(unix.SYS_RECVFROM)
		if !w.spec.NoInit || !w.spec.switches() {
			if len(armed) != 1 || len(looks) != 0 {
				t.Errorf("got steps %v and %v, want to die with the supervisor once", armed, looks)
			}
			return
		}
		if len(armed) != 2 || len(looks) != 1 {
			t.Fatalf("got steps %v and %v, want to die with the supervisor twice, and one look at whether it lives", armed, looks)
		}
		if armed[1] < w.one(t, unix.SYS_SETRESUID) || looks[0] < armed[1] {
			t.Errorf("got steps %v and %d, want them after the change of user in %d", armed, looks[0], w.one(t, unix.SYS_SETRESUID))
		}
		// A wait here would be for a word that never comes.
		s := w.steps[looks[0]]
		if s.args[0] != uintptr(w.sock) || s.args[3] != unix.MSG_DONTWAIT || !s.quiet || s.pardon != [4]unix.Errno{unix.EAGAIN} {
			t.Errorf("got step %+v, want a look at socket %d that ends quietly with it and does not wait", s, w.sock)
		}
	})
}

// Only the container's own terminal changes hands, and only for a user who is not the
// caller; pipes are opened to him.
func TestStreamsAreGiven(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	saved, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(saved)
	if err := unix.Dup3(int(reader.Fd()), 0, 0); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Dup3(saved, 0, 0); err != nil {
			t.Fatal(err)
		}
	}()
	for _, test := range []struct {
		name     string
		ids      idmap.Map
		uid      uint32
		terminal [3]bool
		stdin    bool
		tty      bool
	}{
		{"the caller as root", fullMap(0), 0, [3]bool{}, false, false},
		{"the caller as himself", callerIs(1000, 1000), 1000, [3]bool{1: true}, false, false},
		{"another user, a pipe", fullMap(0), 33, [3]bool{}, true, false},
		{"another user, a terminal beside the pipe", fullMap(0), 33, [3]bool{1: true}, true, true},
		{"another user, a terminal in place of the pipe", fullMap(0), 33, [3]bool{true, true, true}, false, true},
		{"root beside the caller", fullMap(1000), 0, [3]bool{}, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := &Spec{IDs: test.ids, User: User{UID: test.uid}, Terminal: test.terminal}
			w := written{program: newProgram(spec)}
			w.giveStreams(spec, [3]int{0, 1, 2})
			stdin, tty := false, false
			for _, i := range w.find(unix.SYS_FCHOWN) {
				s := w.steps[i]
				if s.args[1] != uintptr(test.uid) || uint32(s.args[2]) != ^uint32(0) {
					t.Errorf("got step %+v, want it given to uid %d, and its group left", s, test.uid)
				}
				if s.slots != 1 || s.args[0] != uintptr(w.tty) {
					t.Errorf("got step %+v, want nothing given but the terminal", s)
				}
				tty = true
			}
			for _, i := range w.find(unix.SYS_FCHMOD) {
				s := w.steps[i]
				stdin = stdin || s.slots == 0 && s.args[0] == 0 && s.args[1] == 0o666
			}
			if stdin != test.stdin || tty != test.tty {
				t.Errorf("got the pipe opened: %v, the terminal given: %v, want %v, %v", stdin, tty, test.stdin, test.tty)
			}
		})
	}
}
