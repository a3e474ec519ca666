package nsexec

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// defaultMask is the list of DefaultCapabilities by number, as Docker's default has it
// less MKNOD and AUDIT_WRITE: 0xa80425fb without bits 27 and 29.
const defaultMask = 0x800425fb

func TestBoundingSet(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		bounding := ^Capabilities(0)
		for _, i := range w.find(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP) {
			s := w.steps[i]
			bounding &^= 1 << s.args[1]
			if diff := cmp.Diff([]uintptr{0, 0, 0}, s.args[2:5]); diff != "" {
				t.Errorf("unused arguments of prctl (-want +got):\n%s", diff)
			}
			if got, want := s.pardon, ([4]unix.Errno{unix.EINVAL}); got != want {
				t.Errorf("got pardon for %v, want only for what this kernel doesn't know", got)
			}
			if i >= w.setup {
				t.Errorf("step %q comes after the set-up, and not to pid 1", s.doing)
			}
		}
		if bounding != w.spec.Capabilities {
			t.Errorf("got bounding set %#x, want %#x", bounding, w.spec.Capabilities)
		}
	})
}

// sets is what a step sets with capset(2).
type sets struct{ effective, permitted, inheritable Capabilities }

func (w written) capset(t *testing.T, i int) sets {
	t.Helper()
	s := w.steps[i]
	if got := kept[unix.CapUserHeader](t, w.program, s.args[0]); *got != (unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}) {
		t.Errorf("got header %+v, want version 3 and the process itself", *got)
	}
	if s.pardon[0] != 0 {
		t.Error("a capset that fails is forgiven")
	}
	data := kept[[2]unix.CapUserData](t, w.program, s.args[1])
	join := func(low, high uint32) Capabilities { return Capabilities(low) | Capabilities(high)<<32 }
	return sets{
		join(data[0].Effective, data[1].Effective), join(data[0].Permitted, data[1].Permitted),
		join(data[0].Inheritable, data[1].Inheritable),
	}
}

// pid 1 has what it starts the command with, and the command what it is to have: never
// anything inheritable that is not ambient.
func TestCapabilitySets(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		first, last := w.find(unix.SYS_CAPSET)[0], w.last(t, unix.SYS_CAPSET)
		if first >= w.setup || last < w.setup {
			t.Errorf("got capset in steps %d and %d, want one on either side of %d", first, last, w.setup)
		}
		pid1 := w.spec.Capabilities | startCaps
		if got, want := w.capset(t, first), (sets{pid1, pid1, 0}); got != want {
			t.Errorf("pid 1: got %#x, want %#x", got, want)
		}
		want := sets{w.spec.Ambient, w.spec.Ambient, w.spec.Ambient}
		if w.spec.User.UID == 0 {
			want = sets{w.spec.Capabilities, w.spec.Capabilities, 0}
		}
		if got := w.capset(t, last); got != want {
			t.Errorf("the command: got %#x, want %#x", got, want)
		}
	})
}

// Raising takes a capability that is inheritable, and this user's for good: a change of
// user after it takes all of them away (capabilities(7)).
func TestAmbientCapabilities(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		var got, want Capabilities
		if w.spec.User.UID != 0 {
			want = w.spec.Ambient
		}
		for _, i := range w.find(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT) {
			s := w.steps[i]
			if s.args[1] != unix.PR_CAP_AMBIENT_RAISE || s.args[3] != 0 || s.args[4] != 0 || s.pardon[0] != 0 {
				t.Errorf("got step %+v, want one to raise a capability, or the end", s)
			}
			if i < w.last(t, unix.SYS_CAPSET) || i > w.find(unix.SYS_EXECVE)[0] {
				t.Errorf("step %d raises a capability that is not inheritable yet", i)
			}
			got |= 1 << s.args[2]
		}
		if got != want {
			t.Errorf("got ambient set %#x, want %#x", got, want)
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

// A filter may forbid whatever the child does, so there is nothing left to do under it.
func TestFilter(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		list := w.find(unix.SYS_SECCOMP)
		if len(w.spec.Filter) == 0 {
			if len(list) > 0 {
				t.Errorf("got a filter in steps %v, want none", list)
			}
			return
		}
		if len(list) != 1 {
			t.Fatalf("got a filter in steps %v, want one", list)
		}
		s := w.steps[list[0]]
		if s.args[0] != unix.SECCOMP_SET_MODE_FILTER || s.args[1] != unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW || s.pardon[0] != 0 {
			t.Errorf("got step %+v, want a filter, or the end", s)
		}
		prog := kept[unix.SockFprog](t, w.program, s.args[2])
		if got := kept[unix.SockFilter](t, w.program, uintptr(unsafe.Pointer(prog.Filter))); got != &w.spec.Filter[0] || int(prog.Len) != len(w.spec.Filter) {
			t.Errorf("got a filter of %d instructions, want the spec's %d", prog.Len, len(w.spec.Filter))
		}
		for _, after := range w.steps[list[0]+1:] {
			if after.nr != unix.SYS_EXECVE {
				t.Errorf("got step %q under the filter, want nothing but execve", after.doing)
			}
		}
	})
}

// Limits are the command's, and of open files there is one in any case.
func TestLimits(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		want := slices.Clone(w.spec.Limits)
		if !slices.ContainsFunc(want, func(l Limit) bool { return l.Resource == unix.RLIMIT_NOFILE }) {
			want = append(want, Limit{unix.RLIMIT_NOFILE, maxFiles, openFiles})
		}
		if diff := cmp.Diff(want, w.limits(t)); diff != "" {
			t.Errorf("limits (-want +got):\n%s", diff)
		}
	})
}

// limits are those that a program sets for the command itself, and not for pid 1.
func (w written) limits(t *testing.T) (list []Limit) {
	t.Helper()
	for _, i := range w.find(unix.SYS_PRLIMIT64) {
		s := w.steps[i]
		if s.args[0] != 0 || s.args[3] != 0 || s.pardon[0] != 0 || i < w.setup {
			t.Errorf("got step %d %+v, want a limit for the command's process, or the end", i, s)
		}
		l := kept[unix.Rlimit](t, w.program, s.args[2])
		list = append(list, Limit{int(s.args[1]), l.Cur, l.Max})
	}
	return list
}

func TestLimitOfOpenFiles(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits []Limit
		hard   uint64
		want   []Limit
	}{
		{"much", nil, 1 << 20, []Limit{{unix.RLIMIT_NOFILE, 1024, 1 << 20}}},
		{"no limit", nil, unix.RLIM_INFINITY, []Limit{{unix.RLIMIT_NOFILE, 1024, unix.RLIM_INFINITY}}},
		{"little", nil, 256, []Limit{{unix.RLIMIT_NOFILE, 256, 256}}},
		{"the caller's", []Limit{{unix.RLIMIT_NOFILE, 2000, 3000}}, 256, []Limit{{unix.RLIMIT_NOFILE, 2000, 3000}}},
		{
			"another of the caller's",
			[]Limit{{unix.RLIMIT_CORE, 0, 0}},
			256,
			[]Limit{{unix.RLIMIT_CORE, 0, 0}, {unix.RLIMIT_NOFILE, 256, 256}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			given := slices.Clone(test.limits)
			w := written{program: &program{}}
			w.limit(test.limits, test.hard)
			if diff := cmp.Diff(test.want, w.limits(t)); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(given, test.limits); diff != "" {
				t.Errorf("the caller's list has changed (-want +got):\n%s", diff)
			}
		})
	}
}
