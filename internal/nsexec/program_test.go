package nsexec

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// text is the zero-terminated string that an argument of a step points to.
// Addresses are compared with those that the program keeps, never followed.
func (p *program) text(arg uintptr) string {
	for _, kept := range p.kept {
		if uintptr(kept) == arg {
			return unix.BytePtrToString((*byte)(kept))
		}
	}
	return ""
}

// kept is the object that an argument of a step points to.
func kept[T any](t *testing.T, p *program, arg uintptr) *T {
	t.Helper()
	for _, u := range p.kept {
		if uintptr(u) == arg {
			return (*T)(u)
		}
	}
	t.Fatalf("the program does not keep what is at %#x", arg)
	return nil
}

func TestCall(t *testing.T) {
	p := newProgram(&Spec{})
	got := *p.call("opening", unix.SYS_OPENAT, p.hosts.word(), p.str("name"), num(-1), p.resolv.word()).
		to(p.hostname).forgive(unix.ENOENT, unix.EACCES)
	if got := p.text(got.args[1]); got != "name" {
		t.Errorf("got string %q, want %q", got, "name")
	}
	got.args[1] = 0 // an address
	want := step{
		nr: unix.SYS_OPENAT, args: [6]uintptr{uintptr(p.hosts), 0, ^uintptr(0), uintptr(p.resolv)}, slots: 0b1001,
		into: p.hostname, pardon: [4]syscall.Errno{unix.ENOENT, unix.EACCES}, doing: "opening",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(step{})); diff != "" {
		t.Errorf("step (-want +got):\n%s", diff)
	}
	if got := p.call("nothing", unix.SYS_GETPID).into; got != none {
		t.Errorf("a result that nobody asked for goes into slot %d", got)
	}
}

func TestVector(t *testing.T) {
	p := &program{}
	list := []string{"sh", "", "-c"}
	v := kept[[4]uintptr](t, p, p.vector(list).value)
	for i, want := range list {
		if got := p.text(v[i]); got != want {
			t.Errorf("string %d: got %q, want %q", i, got, want)
		}
	}
	if v[3] != 0 {
		t.Errorf("got %#x at the end, want 0", v[3])
	}
	if empty := kept[uintptr](t, p, p.vector(nil).value); *empty != 0 {
		t.Errorf("an empty list: got %#x, want 0", *empty)
	}
}

// A step that decides leaves out exactly what is built for it.
func TestSkips(t *testing.T) {
	const steps = 3
	build := func(p *program) func() {
		return func() {
			for range steps {
				p.call("inner", unix.SYS_GETPID)
			}
		}
	}
	for _, test := range []struct {
		name          string
		add           func(p *program)
		onError, onOK uint8
	}{
		{"optional", func(p *program) { p.optional(build(p), unix.ENOENT) }, steps, 0},
		{"otherwise", func(p *program) { p.otherwise(build(p), unix.ENOENT) }, 0, steps},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &program{}
			p.call("deciding", unix.SYS_GETPID)
			test.add(p)
			s := p.steps[0]
			if s.onError != test.onError || s.onOK != test.onOK || s.pardon[0] != unix.ENOENT {
				t.Errorf("got skips %d and %d, pardon %v, want %d, %d and %v", s.onError, s.onOK, s.pardon, test.onError, test.onOK, unix.ENOENT)
			}
			if len(p.steps) != 1+steps {
				t.Errorf("got %d steps, want %d", len(p.steps), 1+steps)
			}
		})
	}
}

// run is the part of child.go that can be run here: it makes the calls and
// returns after the last one.
func TestRun(t *testing.T) {
	p := newProgram(&Spec{})
	dir, file := p.newSlot(), p.newSlot()
	p.call("opening a directory", unix.SYS_OPENAT, here, p.str(t.TempDir()), num(unix.O_DIRECTORY|unix.O_CLOEXEC)).to(dir)
	p.call("looking for a file", unix.SYS_FACCESSAT, dir.word(), p.str("file"), num(unix.F_OK))
	p.optional(func() { p.call("not reached", unix.SYS_GETPID).to(p.route) }, unix.ENOENT)
	p.create("making it", dir.word(), "file", file)
	p.call("looking again", unix.SYS_FACCESSAT, dir.word(), p.str("file"), num(unix.F_OK))
	p.otherwise(func() { p.call("not reached", unix.SYS_GETPID).to(p.hosts) }, unix.ENOENT)
	p.call("writing", unix.SYS_WRITE, file.word(), p.str("text"), num(4))
	p.call("asking for the size", unix.SYS_LSEEK, file.word(), num(0), num(unix.SEEK_END)).to(p.resolv)
	p.freeSlot(file)
	p.freeSlot(dir)

	run(&childState{table: p.table, hand: p.hand}, 0, len(p.steps))
	if got := p.hand.slot[p.resolv]; got != 4 {
		t.Errorf("got a file of %d bytes, want 4", got)
	}
	if got := []int32{p.hand.slot[p.route], p.hand.slot[p.hosts]}; !slices.Equal(got, []int32{0, 0}) {
		t.Errorf("got %v from steps that were to be left out, want nothing", got)
	}
	for _, s := range []slot{dir, file} {
		if _, err := unix.FcntlInt(uintptr(p.hand.slot[s]), unix.F_GETFD, 0); err == nil {
			t.Errorf("slot %d still holds an open descriptor", s)
		}
	}
}

func TestBugs(t *testing.T) {
	free := newProgram(&Spec{}).used
	for _, test := range []struct {
		name string
		do   func(p *program)
		want string
	}{
		{"out of slots", func(p *program) {
			for range slotCount {
				p.newSlot()
			}
		}, fmt.Sprintf("unc has a bug: the program needs more than %d slots", slotCount)},
		{"freed in the wrong order", func(p *program) {
			first := p.newSlot()
			p.newSlot()
			p.freeSlot(first)
		}, fmt.Sprintf("unc has a bug: slot %d is freed before %d", free, free+1)},
		{"taking what is not there", func(p *program) {
			p.call("trying", unix.SYS_CLOSE, p.terminal.word())
		}, "unc has a bug: the program takes what this container does not have"},
		{"forgiving too much", func(p *program) {
			p.call("trying", unix.SYS_GETPID).forgive(1, 2, 3, 4, 5)
		}, `unc has a bug: step "trying" forgives more than 4 errors`},
		{"too long a skip", func(p *program) {
			p.call("deciding", unix.SYS_GETPID)
			p.optional(func() {
				for range 256 {
					p.call("inner", unix.SYS_GETPID)
				}
			})
		}, "unc has a bug: a skip of 256 steps"},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				if got := recover(); got != test.want {
					t.Errorf("got panic %v, want %q", got, test.want)
				}
			}()
			test.do(newProgram(&Spec{}))
		})
	}
}

func TestExitCode(t *testing.T) {
	for _, test := range []struct {
		name   string
		status uint32
		want   uintptr
	}{
		{"success", 0, 0},
		{"failure", 1 << 8, 1},
		{"the largest", 255 << 8, 255},
		{"SIGKILL", uint32(unix.SIGKILL), 137},
		{"SIGSEGV with a core dump", uint32(unix.SIGSEGV) | 0x80, 139},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := exitCode(test.status); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
