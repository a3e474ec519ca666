package nsexec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestArena(t *testing.T) {
	reserved := testAddresses(t)
	base := uintptr(reserved) + unsafe.Sizeof(childState{})
	a := newArena(reserved)
	for _, test := range []struct {
		name  string
		text  string
		align uintptr
		want  uintptr
		full  bool
	}{
		{"the first", "abc", 1, base, false},
		{"next to it", "d", 1, base + 3, false},
		{"aligned", "efghijkl", 8, base + 8, false},
		{"too much", strings.Repeat("x", reservedSize), 1, 0, true},
		{"what would fit, after that", "m", 1, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := a.add([]byte(test.text), test.align)
			if got != test.want || a.full != test.full {
				t.Errorf("got address %#x, full: %v, want %#x, %v", got, a.full, test.want, test.full)
			}
		})
	}
	if got, want := string(a.data[unsafe.Sizeof(childState{}):]), "abcd\x00\x00\x00\x00efghijkl"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestArenaIsFilledToTheEnd(t *testing.T) {
	a := newArena(testAddresses(t))
	rest := reservedSize - len(a.data)
	if a.add(make([]byte, rest), 1); a.full || len(a.data) != reservedSize {
		t.Errorf("got %d bytes, full: %v, want all %d", len(a.data), a.full, reservedSize)
	}
	if a.add([]byte{0}, 1); !a.full {
		t.Error("got room for more than there is")
	}
}

// Every address in a command's program leads into the arena, or to nothing: pid 1 has
// nothing else at addresses of today. Only execve's and seccomp's lead on from there.
func TestArenaHoldsAll(t *testing.T) {
	for name, spec := range specs() {
		if spec.NoInit {
			continue
		}
		t.Run(name, func(t *testing.T) {
			spec.Args, spec.Env = []string{"sh", "-c", "true"}, []string{"HOME=/root"}
			if spec.IDs.UIDs == nil {
				spec.IDs = callerIs(0, 0)
			}
			a := newArena(testAddresses(t))
			p, err := a.writeExec(&spec, []int{0, 1, 2}, openFiles)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.kept) > 0 {
				t.Errorf("got %d things kept on the heap, want none", len(p.kept))
			}
			inside := func(address uintptr) bool {
				return uintptr(a.reserved) <= address && address < uintptr(a.reserved)+uintptr(len(a.data))
			}
			text := func(address uintptr) string {
				rest := a.data[address-uintptr(a.reserved):]
				return string(rest[:slices.Index(rest, 0)])
			}
			state := (*childState)(unsafe.Pointer(&a.data[0]))
			steps := unsafe.Slice((*step)(unsafe.Pointer(&a.data[uintptr(unsafe.Pointer(&state.steps[0]))-uintptr(a.reserved)])), len(state.steps))
			if len(steps) != len(p.steps) || state.sock != conversationFD || !inside(uintptr(unsafe.Pointer(state.hand))) {
				t.Errorf("got %d steps, socket %d, slots at %p", len(steps), state.sock, state.hand)
			}
			var tried []string
			for i, s := range steps {
				if s.doing != "" || s.explain != nil {
					t.Errorf("step %d, %q, takes its text along", i, p.steps[i].doing)
				}
				for _, arg := range s.args {
					if arg > 1<<32 && arg < ^uintptr(0)>>1 && !inside(arg) {
						t.Errorf("step %d, %q, has %#x, which is outside", i, p.steps[i].doing, arg)
					}
				}
				if s.nr == unix.SYS_EXECVE {
					tried = append(tried, text(s.args[0]))
					argv := unsafe.Slice((*uintptr)(unsafe.Pointer(&a.data[s.args[1]-uintptr(a.reserved)])), 4)
					if got := fmt.Sprint(text(argv[0]), text(argv[1]), text(argv[2]), argv[3]); got != "sh-ctrue0" {
						t.Errorf("got arguments %q", got)
					}
				}
			}
			if !slices.Equal(tried, candidates("sh", Path)) {
				t.Errorf("got %q tried, want %q", tried, candidates("sh", Path))
			}
			var open slots
			if p.tty != none {
				open[p.tty] = true
			}
			if _, complaints := walk(p.steps, open); len(complaints) > 0 {
				t.Error(complaints)
			}
		})
	}
}

// What pid 1 gets can't be changed any more.
func TestArenaFileIsSealed(t *testing.T) {
	a := newArena(testAddresses(t))
	fd, err := a.file()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.Pwrite(fd, []byte{1}, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("writing: got %v, want %v", err, unix.EPERM)
	}
	if err := unix.Ftruncate(fd, 1); !errors.Is(err, unix.EPERM) {
		t.Errorf("cutting it short: got %v, want %v", err, unix.EPERM)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Size != int64(len(a.data)) {
		t.Errorf("got %d bytes, %v, want %d", st.Size, err, len(a.data))
	}
}
