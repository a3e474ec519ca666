package nsexec

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// mounting are the system calls that change mounts. All need CAP_SYS_ADMIN.
var mounting = []uintptr{
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT,
	unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_MOUNT_SETATTR,
}

// making are the system calls that make a file or open one.
var making = []uintptr{unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_SYMLINKAT}

func TestOrder(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		if first := w.steps[w.joined]; first.nr != unix.SYS_PRCTL || first.args[0] != unix.PR_SET_PDEATHSIG || first.args[1] != uintptr(unix.SIGKILL) {
			t.Errorf("got first step %q, want to die with the supervisor", first.doing)
		}
		firstMount := slices.IndexFunc(w.steps, func(s step) bool { return slices.Contains(mounting, s.nr) })
		private := w.steps[firstMount]
		if private.nr != unix.SYS_MOUNT || w.text(private.args[1]) != "/" || private.args[3] != unix.MS_REC|unix.MS_PRIVATE {
			t.Errorf("got first mount step %q, want all mounts made private", private.doing)
		}
		hostname := w.one(t, unix.SYS_SETHOSTNAME)
		firstID, lastID := w.identified(t)
		if w.spec.Join != nil { // which has had its ids from the start
			firstID, lastID = hostname+1, hostname+1
		}
		capsets := w.find(unix.SYS_CAPSET)
		if len(capsets) != 2 {
			t.Fatalf("got capset in steps %v, want it for pid 1 and for the command", capsets)
		}
		order := []struct {
			what string
			at   int
		}{
			{"closing descriptors", w.find(unix.SYS_CLOSE_RANGE)[0]},
			{"the hostname", hostname},
			{"the first of the ids", firstID},
			{"the last of the ids", lastID + 1},
			{"the file mode mask", w.find(unix.SYS_UMASK, 0)[0] + 1},
			{"the first mount", firstMount + 1},
			{"the last file", w.last(t, making...) + 1},
			{"pivot_root", w.one(t, unix.SYS_PIVOT_ROOT) + 1},
			{"the last mount", w.last(t, mounting...) + 1},
			{"the first bounding capability", w.find(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP)[0] + 1},
			{"pid 1's capabilities", capsets[0] + 1},
			{"no_new_privs", w.one(t, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS) + 1},
			{"the wait for the network", w.last(t, unix.SYS_READ) + 1},
			{"a new session", w.one(t, unix.SYS_SETSID) + 1},
			{"the first limit", w.find(unix.SYS_PRLIMIT64)[0] + 1},
			{"the last limit", w.last(t, unix.SYS_PRLIMIT64) + 2},
			{"the command's capabilities", capsets[1] + 2},
			{"unblocking signals", w.one(t, unix.SYS_RT_SIGPROCMASK) + 2},
			{"the first execve", w.find(unix.SYS_EXECVE)[0] + 2},
		}
		for i := range order[1:] {
			if order[i].at >= order[i+1].at {
				t.Errorf("%s is step %d, %s is step %d, want it later", order[i].what, order[i].at, order[i+1].what, order[i+1].at)
			}
		}
	})
}

// Whoever waits does so for the parent, and ends without a word when that has ended.
func TestWaits(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		waits := w.find(unix.SYS_READ)
		want := []int{w.setup - 1}
		if !w.spec.IDs.IsSingle() || w.spec.Join != nil {
			first, _ := w.identified(t)
			want = []int{first, w.setup - 1}
		}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Fatalf("steps that wait (-want +got):\n%s", diff)
		}
		for _, i := range waits {
			if s := w.steps[i]; !s.quiet || s.args[0] != uintptr(w.sock) || s.pardon[0] != 0 {
				t.Errorf("got step %+v, want to wait on socket %d and to end quietly with it", s, w.sock)
			}
		}
		for i, s := range w.steps {
			if s.quiet && s.nr != unix.SYS_READ && s.nr != unix.SYS_RECVFROM {
				t.Errorf("step %d, %q, is quiet about a failure", i, s.doing)
			}
		}
	})
}

// After pivot_root the host's tree is still there, on top of the new root: until it is
// detached, nothing may look up a path.
func TestPivot(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		pivot, detach := w.one(t, unix.SYS_PIVOT_ROOT), w.one(t, unix.SYS_UMOUNT2)
		if before := w.steps[pivot-1]; before.nr != unix.SYS_FCHDIR {
			t.Errorf("got step %q before pivot_root, want to enter the new root", before.doing)
		}
		for _, s := range w.steps[pivot+1 : detach] {
			if s.nr != unix.SYS_SENDMSG && s.nr != unix.SYS_CLOSE {
				t.Errorf("got step %q before the host's tree is detached", s.doing)
			}
		}
		if s := w.steps[detach]; w.text(s.args[0]) != "." || s.args[1] != unix.MNT_DETACH || s.pardon[0] != 0 {
			t.Errorf("got step %+v, want the old root detached, or the end", s)
		}
		if after := w.steps[detach+1]; after.nr != unix.SYS_CHDIR || w.text(after.args[0]) != "/" {
			t.Errorf("got step %q after that, want to enter the new root", after.doing)
		}
	})
}

// No descriptor of the caller's survives the beginning but 0 to 2 and the child's ends of
// its sockets. Those of the orders are pid 1's: the command's process has none but that of
// the conversation, which has to be closed at execve.
func TestDescriptorsAreClosed(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		for _, part := range []struct {
			name  string
			steps []step
			want  []int
		}{
			{"setup", w.steps[w.joined:w.setup], append([]int{0, 1, 2}, w.ends.list()...)},
			{"command", w.steps[w.setup:], []int{0, 1, 2, w.sock}},
		} {
			var open []int
			for fd := range 20 {
				if !slices.ContainsFunc(part.steps, func(s step) bool {
					return s.nr == unix.SYS_CLOSE_RANGE && s.args[0] <= uintptr(fd) && uintptr(fd) <= s.args[1]
				}) {
					open = append(open, fd)
				}
			}
			slices.Sort(part.want)
			if diff := cmp.Diff(part.want, open); diff != "" {
				t.Errorf("descriptors left open by the %s (-want +got):\n%s", part.name, diff)
			}
		}
	})
}

func TestCommand(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		var paths []string
		for _, i := range w.find(unix.SYS_EXECVE) {
			s := w.steps[i]
			paths = append(paths, w.text(s.args[0]))
			argv := kept[[4]uintptr](t, w.program, s.args[1])
			got := []string{w.text(argv[0]), w.text(argv[1]), w.text(argv[2])}
			if diff := cmp.Diff(w.spec.Args, got); diff != "" || argv[3] != 0 {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			env := kept[[2]uintptr](t, w.program, s.args[2])
			if w.text(env[0]) != "HOME=/root" || env[1] != 0 {
				t.Errorf("got environment %q and more, want %q", w.text(env[0]), w.spec.Env)
			}
		}
		if diff := cmp.Diff(candidates("sh", Path), paths); diff != "" {
			t.Errorf("programs tried (-want +got):\n%s", diff)
		}
		if last := w.find(unix.SYS_EXECVE); last[0] != len(w.steps)-len(paths) {
			t.Errorf("got execve at %v of %d steps, want them last", last, len(w.steps))
		}
	})
}

// Where the command starts, it must be let in as the user that it is, with what
// capabilities he has.
func TestWorkdir(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		want := []string{"/"}
		if w.spec.Workdir != "" {
			want = append(want, w.spec.Workdir)
		}
		var got []string
		for _, i := range w.find(unix.SYS_CHDIR) {
			got = append(got, w.text(w.steps[i].args[0]))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("directories entered by name (-want +got):\n%s", diff)
		}
		if entered := w.last(t, unix.SYS_CHDIR); len(want) > 1 && entered < w.last(t, unix.SYS_CAPSET) {
			t.Errorf("the working directory is entered in step %d, before the command's capabilities are set in %d", entered, w.last(t, unix.SYS_CAPSET))
		}
		if len(w.steps[w.setup:]) < 5 || slices.ContainsFunc(w.steps[w.setup:], func(s step) bool { return s.nr == unix.SYS_FCHDIR }) {
			t.Error("the command's process enters a directory that it does not name")
		}
	})
}
