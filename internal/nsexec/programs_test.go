package nsexec

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// The child's program is looked at in these tests as what it is, a table. That it does
// what it should is seen end to end; that it can't do what it mustn't, on any
// of its ways, is easier to see here.

// written is a whole program, as Start writes it.
type written struct {
	*program
	spec *Spec
	sock int
	ends childEnds
	args cloneArgs
}

// openFiles is the hard limit of open files in these tests.
const openFiles = 4096

// programs are written for every kind of container.
func programs() map[string]written {
	list := map[string]written{}
	for name, spec := range specs() {
		spec.Hostname, spec.Args, spec.Env = "box", []string{"sh", "-c", "true"}, []string{"HOME=/root"}
		switch {
		case spec.Join != nil:
			spec.IDs = spec.Join.IDs
		case spec.IDs.UIDs == nil:
			spec.IDs = callerIs(0, 0)
		}
		switch spec.Capabilities {
		case 0:
			spec.Capabilities = DefaultCapabilities
		case noCapabilities:
			spec.Capabilities = 0
		}
		for _, sock := range []int{3, 7} {
			w := written{program: newProgram(&spec), spec: &spec, sock: sock, ends: childEnds{sock, int(none)}, args: spec.cloneArgs()}
			if !spec.NoInit {
				w.ends.orders = 5
			}
			if spec.Join != nil {
				w.args = w.writeJoiner(&spec, w.args)
			}
			var sys *system
			if spec.Rootfs == "" {
				sys = fullSystem(spec.ReadOnly)
			}
			w.writeSetup(&spec, w.ends, sys)
			w.writeCommand(&spec, sock, openFiles)
			list[fmt.Sprintf("%s, socket %d", name, sock)] = w
		}
	}
	return list
}

// fullSystem is a host's system with something of everything, as readSystem has it.
func fullSystem(readOnly bool) *system {
	sys := &system{
		links: [][2]string{{"bin", "usr/bin"}, {"lib", "usr/lib"}}, layers: []string{"usr", "etc", "var"},
		binds: []string{"opt", "nix"}, fresh: freshDirs, hidden: []string{"var/mail", "var/tmp"}, readOnly: readOnly,
	}
	if readOnly {
		sys.binds, sys.layers = append(sys.binds, sys.layers...), nil
	}
	return sys
}

func eachProgram(t *testing.T, check func(t *testing.T, w written)) {
	for name, w := range programs() {
		t.Run(name, func(t *testing.T) { check(t, w) })
	}
}

// What these tests look at is what Start would take.
func TestProgramsAreValid(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		if err := w.spec.validate(); err != nil {
			t.Error(err)
		}
	})
}

// find lists the steps with this system call, and where given this first argument, but for
// those of a joiner.
func (w written) find(nr uintptr, first ...uintptr) (list []int) {
	for i, s := range w.steps {
		if i >= w.joined && s.nr == nr && (len(first) == 0 || s.args[0] == first[0]) {
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

// last is the last step with one of these system calls.
func (w written) last(t *testing.T, nrs ...uintptr) int {
	t.Helper()
	for i, s := range slices.Backward(w.steps) {
		if slices.Contains(nrs, s.nr) {
			return i
		}
	}
	t.Fatalf("got no step with a system call of %v", nrs)
	return 0
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

// identified is the step after which the container has its ids, and the one with which
// that begins.
func (w written) identified(t *testing.T) (first, last int) {
	t.Helper()
	if w.spec.IDs.IsSingle() && w.spec.Join == nil {
		return w.opening(t, "/proc/self/setgroups"), w.opening(t, "/proc/self/gid_map") + 2
	}
	wait := w.find(unix.SYS_READ)[0]
	return wait, wait
}
