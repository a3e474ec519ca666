package nsexec

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// slots is which slots hold an open descriptor.
type slots [slotCount]bool

func (s slots) String() string {
	list := []int{}
	for i, open := range s {
		if open {
			list = append(list, i)
		}
	}
	return fmt.Sprint(list)
}

// walker follows a program on every way that it can take, one step at a time,
// and keeps what is open before each. All ways to a step must agree on that:
// later steps could not know what to close.
type walker struct {
	steps      []step
	before     []slots
	been       []bool
	complaints []string
}

// walk returns what is open at the end of the steps, and what is wrong on the way.
func walk(steps []step, open slots) (slots, []string) {
	w := &walker{steps: steps, before: make([]slots, len(steps)+1), been: make([]bool, len(steps)+1)}
	w.reach(0, open, "the beginning")
	for i := range steps {
		if w.been[i] {
			w.take(i)
		} else {
			w.complain("no way leads to step %d, %q", i, steps[i].doing)
		}
	}
	if !w.been[len(steps)] {
		w.complain("no way leads to the end")
	}
	return w.before[len(steps)], w.complaints
}

func (w *walker) complain(format string, args ...any) {
	w.complaints = append(w.complaints, fmt.Sprintf(format, args...))
}

func (w *walker) reach(i int, open slots, from string) {
	if i > len(w.steps) {
		w.complain("the skip of %s leads beyond the end, to step %d of %d", from, i, len(w.steps))
		return
	}
	if w.been[i] && w.before[i] != open {
		w.complain("from %s, step %d has %v open, else %v", from, i, open, w.before[i])
	}
	w.been[i], w.before[i] = true, open
}

func (w *walker) take(i int) {
	s, open := w.steps[i], w.before[i]
	from := fmt.Sprintf("step %d, %q", i, s.doing)
	for k, arg := range s.args {
		switch {
		case s.slots&(1<<k) == 0: // a number or an address
		case arg >= uintptr(slotCount):
			w.complain("%s takes slot %d of %d", from, arg, slotCount)
		case !open[arg]:
			w.complain("%s takes slot %d, which is empty", from, arg)
		}
	}
	after := open
	if s.nr == unix.SYS_CLOSE && s.slots&1 != 0 && s.args[0] < uintptr(slotCount) {
		after[s.args[0]] = false
	}
	switch {
	case s.into == none:
	case s.into < 0 || s.into >= slotCount:
		w.complain("%s fills slot %d of %d", from, s.into, slotCount)
	case after[s.into]:
		w.complain("%s fills slot %d, which is not empty", from, s.into)
	default:
		after[s.into] = true
	}
	w.reach(i+1+int(s.onOK), after, from)
	if s.pardon[0] != 0 {
		w.reach(i+1+int(s.onError), open, from)
	} else if s.onError != 0 {
		w.complain("%s skips %d steps after an error, but forgives none", from, s.onError)
	}
}

func TestSlots(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		left, complaints := walk(w.steps[w.joined:w.setup], slots{})
		_, more := walk(w.steps[w.setup:], left)
		for _, complaint := range append(complaints, more...) {
			t.Error(complaint)
		}
		// What is handed over is closed; the command's terminal stays.
		for i := range w.handed {
			if left[i] {
				t.Errorf("got slot %d open after the handover, want it closed", i)
			}
		}
		if w.tty != none && !left[w.tty] {
			t.Error("the command's terminal is closed after the set-up")
		}
	})
}

// Whatever is open when the command begins must be gone when it runs: every
// descriptor is opened to be closed at execve.
func TestCloseOnExec(t *testing.T) {
	flag := map[uintptr]struct {
		arg  int
		want uintptr
	}{
		unix.SYS_OPENAT:    {2, unix.O_CLOEXEC},
		unix.SYS_FSOPEN:    {1, unix.FSOPEN_CLOEXEC},
		unix.SYS_FSMOUNT:   {1, unix.FSMOUNT_CLOEXEC},
		unix.SYS_OPEN_TREE: {2, unix.OPEN_TREE_CLOEXEC},
		unix.SYS_SOCKET:    {1, unix.SOCK_CLOEXEC},
		unix.SYS_SIGNALFD4: {3, unix.SFD_CLOEXEC},
		unix.SYS_IOCTL:     {2, unix.O_CLOEXEC}, // TIOCGPTPEER
	}
	eachProgram(t, func(t *testing.T, w written) {
		for _, s := range w.steps {
			switch {
			case s.into == none:
			case s.nr == unix.SYS_OPENAT2:
				if how := kept[unix.OpenHow](t, w.program, s.args[2]); how.Flags&unix.O_CLOEXEC == 0 {
					t.Errorf("%q opens with flags %#x, want O_CLOEXEC", s.doing, how.Flags)
				}
			case flag[s.nr].want == 0:
				t.Errorf("%q opens something with system call %d, of which this test knows no flag", s.doing, s.nr)
			case s.args[flag[s.nr].arg]&flag[s.nr].want == 0:
				t.Errorf("%q opens what execve does not close", s.doing)
			}
		}
	})
}

// The walker itself has to notice what it is there for.
func TestWalkNotices(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"an empty slot", []step{{nr: unix.SYS_FCHDIR, args: [6]uintptr{7}, slots: 1, into: none}}},
		{"a slot out of range", []step{{nr: unix.SYS_FCHDIR, args: [6]uintptr{uintptr(slotCount)}, slots: 1, into: none}}},
		{"a slot filled twice", []step{{into: 7}, {into: 7}}},
		{"a skip beyond the end", []step{{into: none, pardon: [4]unix.Errno{unix.ENOENT}, onError: 1}}},
		{"a skip past closing", []step{{into: none, pardon: [4]unix.Errno{unix.ENOENT}, onError: 1}, {into: 7}, {into: none}}},
		{"a skip without pardon", []step{{into: none, onError: 1}, {into: none}}},
		{"a step that is never taken", []step{{into: none, onOK: 1}, {into: none}, {into: none}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, complaints := walk(test.steps, slots{}); len(complaints) == 0 {
				t.Error("got no complaint, want one")
			}
		})
	}
}
