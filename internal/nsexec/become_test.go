package nsexec

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The child's program is looked at here as what it is, a table. That it does
// what it should is seen end to end; that it can't do what it mustn't, on any
// of its ways, is easier to see here.

// written is a whole program, as Start writes it.
type written struct {
	*program
	spec  *Spec
	sock  int
	setup int // steps up to the loss of every privilege
}

// programs are written for every kind of container.
func programs() map[string]written {
	everything := &system{
		links: [][2]string{{"bin", "usr/bin"}, {"lib", "usr/lib"}}, layers: []string{"usr", "etc", "var"},
		binds: []string{"opt", "nix"}, fresh: freshDirs, hidden: []string{"var/mail", "var/tmp"},
	}
	list := map[string]written{}
	for name, spec := range map[string]Spec{
		"rootfs":   {Rootfs: "/srv/box"},
		"system":   {},
		"no init":  {Rootfs: "/srv/box", NoInit: true},
		"terminal": {Rootfs: "/srv/box", Terminal: [3]bool{true, true, true}},
		"output is a terminal, throw-away system": {Terminal: [3]bool{1: true}},
		"no network":                        {Rootfs: "/srv/box", Network: NoNetwork},
		"the host's network":                {Rootfs: "/srv/box", Network: HostNetwork},
		"the host's network, with terminal": {Network: HostNetwork, Terminal: [3]bool{true, true, true}},
	} {
		spec.Hostname, spec.Args, spec.Env = "box", []string{"sh", "-c", "true"}, []string{"HOME=/root"}
		for _, sock := range []int{3, 7} {
			w := written{program: newProgram(&spec), spec: &spec, sock: sock}
			var sys *system
			if spec.Rootfs == "" {
				sys = everything
			}
			w.writeSetup(&spec, sock, sys, 4096)
			w.setup = len(w.steps)
			w.writeCommand(&spec)
			list[fmt.Sprintf("%s, socket %d", name, sock)] = w
		}
	}
	return list
}

func eachProgram(t *testing.T, check func(t *testing.T, w written)) {
	for name, w := range programs() {
		t.Run(name, func(t *testing.T) { check(t, w) })
	}
}

// find lists the steps with this system call, and where given this first argument.
func (w written) find(nr uintptr, first ...uintptr) (list []int) {
	for i, s := range w.steps {
		if s.nr == nr && (len(first) == 0 || s.args[0] == first[0]) {
			list = append(list, i)
		}
	}
	return list
}

func (w written) one(t *testing.T, nr uintptr, first ...uintptr) int {
	t.Helper()
	list := w.find(nr, first...)
	if len(list) != 1 {
		t.Fatalf("got steps %v with system call %d and %v, want one", list, nr, first)
	}
	return list[0]
}

// mounting are the system calls that change mounts. All need CAP_SYS_ADMIN.
var mounting = []uintptr{
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT,
	unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_MOUNT_SETATTR,
}

func TestOrder(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		if first := w.steps[0]; first.nr != unix.SYS_PRCTL || first.args[0] != unix.PR_SET_PDEATHSIG || first.args[1] != uintptr(unix.SIGKILL) {
			t.Errorf("got first step %q, want to die with the supervisor", first.doing)
		}
		lastMount, firstMount := 0, len(w.steps)
		for i, s := range w.steps {
			if slices.Contains(mounting, s.nr) {
				lastMount, firstMount = i, min(firstMount, i)
			}
		}
		private := w.steps[firstMount]
		if private.nr != unix.SYS_MOUNT || w.text(private.args[1]) != "/" || private.args[3] != unix.MS_REC|unix.MS_PRIVATE {
			t.Errorf("got first mount step %q, want all mounts made private", private.doing)
		}
		pivot := w.one(t, unix.SYS_PIVOT_ROOT)
		wait := w.one(t, unix.SYS_READ)
		order := []struct {
			what string
			at   int
		}{
			{"closing descriptors", w.find(unix.SYS_CLOSE_RANGE)[0]},
			{"the user map", w.opening(t, "/proc/self/uid_map")},
			{"the first mount", firstMount},
			{"pivot_root", pivot},
			{"the last mount", lastMount},
			{"the first bounding capability", w.find(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP)[0]},
			{"capset", w.one(t, unix.SYS_CAPSET)},
			{"no_new_privs", w.one(t, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS)},
			{"the wait for the network", wait},
			{"a new session", w.one(t, unix.SYS_SETSID)},
			{"the first execve", w.find(unix.SYS_EXECVE)[0]},
		}
		for i := range order[1:] {
			if order[i].at >= order[i+1].at {
				t.Errorf("%s is step %d, %s is step %d, want it later", order[i].what, order[i].at, order[i+1].what, order[i+1].at)
			}
		}
		if wait != w.setup-1 || !w.steps[wait].quiet || w.steps[wait].args[0] != uintptr(w.sock) {
			t.Errorf("got step %q at the end of the set-up, want to wait on socket %d and to end quietly with it", w.steps[w.setup-1].doing, w.sock)
		}
		// After pivot_root the host's tree is still there, on top of the new root:
		// until it is detached, nothing may look up a path.
		detached := w.find(unix.SYS_UMOUNT2)
		for _, s := range w.steps[pivot+1 : detached[0]] {
			if s.nr != unix.SYS_SENDMSG && s.nr != unix.SYS_CLOSE {
				t.Errorf("got step %q before the host's tree is detached", s.doing)
			}
		}
		if after := w.steps[detached[len(detached)-1]+1]; after.nr != unix.SYS_CHDIR || w.text(after.args[0]) != "/" {
			t.Errorf("got step %q after that, want to enter the new root", after.doing)
		}
		for _, i := range detached {
			if w.text(w.steps[i].args[0]) != "." || w.steps[i].args[1] != unix.MNT_DETACH || w.steps[i].pardon[0] != 0 {
				t.Errorf("got step %d %+v, want the old root detached, or the end", i, w.steps[i])
			}
		}
		if before := w.steps[pivot-1]; before.nr != unix.SYS_FCHDIR {
			t.Errorf("got step %q before pivot_root, want to enter the new root", before.doing)
		}
	})
}

func (w written) opening(t *testing.T, path string) int {
	t.Helper()
	for i, s := range w.steps {
		if s.nr == unix.SYS_OPENAT && w.text(s.args[1]) == path {
			return i
		}
	}
	t.Fatalf("nothing opens %q", path)
	return 0
}

// The maps are one line each, for the caller alone, and setgroups comes first.
func TestIdentityMap(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		var got []string
		for i, s := range w.steps {
			if s.nr == unix.SYS_WRITE {
				if int(s.args[2]) != len(w.text(s.args[1])) {
					t.Errorf("step %d writes %d bytes of %q", i, s.args[2], w.text(s.args[1]))
				}
				got = append(got, w.text(w.steps[i-1].args[1])+": "+w.text(s.args[1]))
			}
		}
		want := []string{
			"/proc/self/setgroups: deny",
			fmt.Sprintf("/proc/self/uid_map: 0 %d 1", os.Geteuid()),
			fmt.Sprintf("/proc/self/gid_map: 0 %d 1", os.Getegid()),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("files written (-want +got):\n%s", diff)
		}
	})
}

// No descriptor of the caller's survives but 0 to 2 and the child's end of the
// conversation, which has to be closed at execve.
func TestDescriptorsAreClosed(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		open := map[uintptr]bool{}
		for fd := range uintptr(20) {
			open[fd] = true
		}
		for _, i := range w.find(unix.SYS_CLOSE_RANGE) {
			for fd := range open {
				if s := w.steps[i]; s.args[0] <= fd && fd <= s.args[1] {
					delete(open, fd)
				}
			}
		}
		if diff := cmp.Diff(map[uintptr]bool{0: true, 1: true, 2: true, uintptr(w.sock): true}, open); diff != "" {
			t.Errorf("descriptors left open (-want +got):\n%s", diff)
		}
	})
}

// keptMask is the list of design section 10 by number, as Docker's default has
// it less MKNOD and AUDIT_WRITE: 0xa80425fb without bits 27 and 29.
const keptMask = 0x800425fb

func TestCapabilities(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		bounding := ^uint64(0)
		for _, i := range w.find(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP) {
			bounding &^= 1 << w.steps[i].args[1]
			if diff := cmp.Diff([]uintptr{0, 0, 0}, w.steps[i].args[2:5]); diff != "" {
				t.Errorf("unused arguments of prctl (-want +got):\n%s", diff)
			}
			if got := w.steps[i].pardon[0]; got != unix.EINVAL {
				t.Errorf("got pardon for %v, want only for what this kernel doesn't know", got)
			}
		}
		if bounding != keptMask {
			t.Errorf("got bounding set %#x, want %#x", bounding, keptMask)
		}
		capset := w.steps[w.one(t, unix.SYS_CAPSET)]
		if got := kept[unix.CapUserHeader](t, w.program, capset.args[0]); *got != (unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}) {
			t.Errorf("got header %+v, want version 3 and the process itself", *got)
		}
		want := [2]unix.CapUserData{{Effective: keptMask, Permitted: keptMask}}
		if diff := cmp.Diff(want, *kept[[2]unix.CapUserData](t, w.program, capset.args[1])); diff != "" {
			t.Errorf("capset (-want +got):\n%s", diff)
		}
		if capset.pardon[0] != 0 {
			t.Error("a capset that fails is forgiven")
		}
	})
}

func TestNoNewPrivs(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		s := w.steps[w.one(t, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS)]
		if s.args[1] != 1 || s.pardon[0] != 0 {
			t.Errorf("got step %+v, want no_new_privs set, or the end", s)
		}
	})
}

// What is mounted is never a device, nor a way to root.
func TestMountsAreTame(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		for _, i := range w.find(unix.SYS_FSMOUNT) {
			if w.steps[i].args[2]&unix.MOUNT_ATTR_NOSUID == 0 {
				t.Errorf("step %q makes a mount that is not nosuid", w.steps[i].doing)
			}
		}
		for i, s := range w.steps {
			if s.nr != unix.SYS_OPEN_TREE || s.slots&1 != 0 {
				continue // of our own filesystems, which are tame
			}
			next := w.steps[i+1]
			if next.nr != unix.SYS_MOUNT_SETATTR {
				t.Errorf("step %q brings in a mount of the host's as it is", s.doing)
				continue
			}
			attrs := kept[unix.MountAttr](t, w.program, next.args[3])
			if attrs.Attr_set&unix.MOUNT_ATTR_NOSUID == 0 || attrs.Propagation != unix.MS_PRIVATE {
				t.Errorf("step %q: got %+v, want nosuid and private", next.doing, *attrs)
			}
			device := strings.HasPrefix(w.text(s.args[1]), "/dev/")
			if !device && attrs.Attr_set&unix.MOUNT_ATTR_NODEV == 0 {
				t.Errorf("step %q: got %+v, want nodev", next.doing, *attrs)
			}
			if recursive := s.args[2] & unix.AT_RECURSIVE; next.args[2]&unix.AT_RECURSIVE != recursive {
				t.Errorf("step %q is done to other mounts than were brought in", next.doing)
			}
		}
	})
}

// Places in the rootfs are named by a descriptor and one component, or opened
// without following anything.
func TestRootfsIsNotTrusted(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		for _, i := range w.find(unix.SYS_OPENAT2) {
			how := kept[unix.OpenHow](t, w.program, w.steps[i].args[2])
			if want := uint64(unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS); how.Resolve != want {
				t.Errorf("step %q resolves with %#x, want %#x", w.steps[i].doing, how.Resolve, want)
			}
		}
		for _, s := range w.steps {
			switch s.nr {
			case unix.SYS_OPENAT, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_SYMLINKAT, unix.SYS_MOVE_MOUNT:
			default:
				continue
			}
			name := w.text(s.args[1])
			if s.nr == unix.SYS_SYMLINKAT {
				name = w.text(s.args[2])
			}
			if s.nr == unix.SYS_MOVE_MOUNT {
				name = w.text(s.args[3])
			}
			ours := strings.HasPrefix(name, "/proc/self/") || s.nr == unix.SYS_MOVE_MOUNT && (name == "/" || name == "/tmp")
			// Below what is ours: /proc and /sys as the kernel made them, our own /run, the throw-away system's /var.
			deep := slices.Concat([]string{"sysrq-trigger", "run/lock", "var/mail", "var/tmp"}, sysNoDir, sysMounted)
			if strings.Contains(name, "/") && !ours && !slices.Contains(deep, name) {
				t.Errorf("step %q goes to %q, want one component", s.doing, name)
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
		if diff := cmp.Diff(candidates("sh"), paths); diff != "" {
			t.Errorf("programs tried (-want +got):\n%s", diff)
		}
		if last := w.find(unix.SYS_EXECVE); last[0] != len(w.steps)-len(paths) {
			t.Errorf("got execve at %v of %d steps, want them last", last, len(w.steps))
		}
	})
}
