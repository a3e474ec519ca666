package nsexec

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// init1 is pid 1's end of a process table's socket, in the hands of a test.
type init1 struct {
	t  testing.TB
	fd int
}

func newTableWith1(t testing.TB) (*processTable, *init1) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	pt, one := newProcessTable(ends[0]), &init1{t, ends[1]}
	t.Cleanup(func() {
		one.end()
		pt.close()
	})
	return pt, one
}

func (one *init1) end() {
	if one.fd >= 0 {
		unix.Close(one.fd)
	}
	one.fd = -1
}

func (one *init1) say(text []byte, fds ...int) {
	one.t.Helper()
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if err := unix.Sendmsg(one.fd, text, rights, nil, unix.MSG_NOSIGNAL); err != nil && !errors.Is(err, unix.EPIPE) {
		one.t.Fatal(err)
	}
}

func (one *init1) answer(a answer) {
	one.t.Helper()
	one.say(bytesOf(&a))
}

// order is the next one.
func (one *init1) order() (o order) {
	one.t.Helper()
	n, err := unix.Read(one.fd, bytesOf(&o))
	if err != nil || n != int(orderSize) {
		one.t.Fatalf("got an order of %d bytes, %v", n, err)
	}
	return o
}

func newProcess(pt *processTable) *Process {
	return &Process{processes: pt, begun: make(chan error, 1), ended: make(chan struct{})}
}

// startIn has a process begun by pid 1.
func startIn(t testing.TB, pt *processTable, one *init1) *Process {
	t.Helper()
	p := newProcess(pt)
	failed := make(chan error)
	go func() { failed <- pt.start(p, 5, nil) }()
	o := one.order()
	if want := (order{orderStart, o.slot, 5}); o != want {
		t.Fatalf("got order %v, want %v", o, want)
	}
	one.answer(answer{answerBegun, o.slot, 0})
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProcessTable(t *testing.T) {
	pt, one := newTableWith1(t)
	first, second := startIn(t, pt, one), startIn(t, pt, one)
	if first.slot != 0 || second.slot != 1 {
		t.Fatalf("got slots %d and %d, want 0 and 1", first.slot, second.slot)
	}
	if err := second.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(order{orderSignal, 1, int64(unix.SIGTERM)}, one.order(), cmp.AllowUnexported(order{})); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	one.answer(answer{answerEnded, 0, 3 << 8})
	if got := first.Wait(); got != 3 {
		t.Errorf("got exit code %d, want 3", got)
	}
	if third := startIn(t, pt, one); third.slot != 0 {
		t.Errorf("got slot %d, want 0 again", third.slot)
	}
	one.end()
	if got := second.Wait(); got != 137 {
		t.Errorf("got exit code %d when pid 1 is gone, want 137", got)
	}
	pt.close()
	if err := pt.start(newProcess(pt), 5, nil); !errors.Is(err, ErrEnded) {
		t.Errorf("got error %v, want %v", err, ErrEnded)
	}
}

func TestProcessTableErrors(t *testing.T) {
	for _, test := range []struct {
		errno unix.Errno
		want  string
	}{
		{unix.ENOMEM, "starting the command's process: cannot allocate memory"},
		{unix.EMFILE, "starting the command's process: too many open files: somebody in the container has lowered the limit of its first process"},
		{unix.EAGAIN, "starting the command's process: resource temporarily unavailable: a limit on processes leaves no room for it in the container"},
	} {
		t.Run(test.errno.Error(), func(t *testing.T) {
			pt, one := newTableWith1(t)
			failed := make(chan error)
			go func() { failed <- pt.start(newProcess(pt), 5, nil) }()
			one.order()
			one.answer(answer{answerBegun, 0, int32(test.errno)})
			if err := <-failed; errText(err) != test.want || !errors.Is(err, test.errno) {
				t.Errorf("got error %q, want %q", errText(err), test.want)
			}
			if p := startIn(t, pt, one); p.slot != 0 {
				t.Errorf("got slot %d after that, want 0 again", p.slot)
			}
		})
	}
}

func TestProcessTableIsFull(t *testing.T) {
	pt, one := newTableWith1(t)
	var all []*Process
	for range maxProcesses {
		all = append(all, startIn(t, pt, one))
	}
	want := fmt.Sprintf("there are %d commands in the container that were started in it, and more can't be", maxProcesses)
	if err := pt.start(newProcess(pt), 5, nil); errText(err) != want {
		t.Errorf("got error %q, want %q", errText(err), want)
	}
	one.answer(answer{answerEnded, 7, 0})
	all[7].Wait()
	if p := startIn(t, pt, one); p.slot != 7 {
		t.Errorf("got slot %d, want the one that is free", p.slot)
	}
}

// A pid 1 that takes nothing, being stopped, keeps who signals waiting no longer than it takes.
func TestProcessTableDoesNotWait(t *testing.T) {
	pt, one := newTableWith1(t)
	p := startIn(t, pt, one)
	var err error
	for range 100000 {
		if err = p.Signal(unix.SIGTERM); err != nil {
			break
		}
	}
	if !errors.Is(err, unix.EAGAIN) || !strings.HasPrefix(errText(err), "sending an order to the container's first process, which is stopped") {
		t.Errorf("got error %v, want %v", err, unix.EAGAIN)
	}
}

// What makes no sense is the last that is heard: whatever else comes, all that was started
// counts as ended.
func TestProcessTableNonsense(t *testing.T) {
	running, asked := int32(0), int32(1)
	whole := func(a answer) []byte {
		return slices.Clone(bytesOf(&a))
	}
	for _, test := range []struct {
		name string
		text []byte
	}{
		{"too short", whole(answer{answerEnded, running, 0})[:answerSize-1]},
		{"too long", append(whole(answer{answerEnded, 5, 0}), 0)},
		{"nothing", []byte{}},
		{"no kind", whole(answer{0, running, 0})},
		{"another kind", whole(answer{3, running, 0})},
		{"no slot", whole(answer{answerEnded, -1, 0})},
		{"a slot too far", whole(answer{answerEnded, 2, 0})},
		{"a slot beyond all", whole(answer{answerEnded, 1 << 30, 0})},
		{"begun twice", whole(answer{answerBegun, running, 0})},
		{"ended before it has begun", whole(answer{answerEnded, asked, 0})},
		{"a negative error", whole(answer{answerBegun, asked, -1})},
		{"no error number", whole(answer{answerBegun, asked, maxErrno + 1})},
	} {
		t.Run(test.name, func(t *testing.T) {
			pt, one := newTableWith1(t)
			p, failed := startIn(t, pt, one), make(chan error)
			go func() { failed <- pt.start(newProcess(pt), 5, nil) }()
			one.order()
			one.say(test.text)
			if err := <-failed; !errors.Is(err, ErrEnded) {
				t.Errorf("got error %v, want %v", err, ErrEnded)
			}
			if got := p.Wait(); got != 137 {
				t.Errorf("got exit code %d, want 137", got)
			}
		})
	}
}

// Descriptors that pid 1 sends are nobody's.
func TestProcessTableTakesNoDescriptors(t *testing.T) {
	pt, one := newTableWith1(t)
	p := startIn(t, pt, one)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	a := answer{answerEnded, p.slot, 0}
	one.say(bytesOf(&a), int(w.Fd()))
	w.Close()
	if got := p.Wait(); got != 0 {
		t.Errorf("got exit code %d, want 0", got)
	}
	if err := r.SetReadDeadline(soon()); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !strings.Contains(errText(err), "EOF") {
		t.Errorf("got %d bytes and %v from a pipe that nobody should have, want its end", n, err)
	}
}

// Whoever has pid 1's end besides pid 1, a container that has ended is at its end.
func TestProcessTableCloses(t *testing.T) {
	pt, one := newTableWith1(t)
	over, p := startIn(t, pt, one), startIn(t, pt, one)
	one.answer(answer{answerEnded, over.slot, 4 << 8})
	pt.close() // and the test still has it
	if got := [2]int{over.Wait(), p.Wait()}; got != [2]int{4, 137} {
		t.Errorf("got exit codes %v, want 4, which had been said, and 137", got)
	}
}

// Whatever pid 1 says, in whatever order: every process gets one answer of each kind at
// most, and all of them are at an end when pid 1 is.
func FuzzProcessTable(f *testing.F) {
	f.Add([]byte{answerBegun, 0, 0, answerEnded, 0, 3})
	f.Add([]byte{answerBegun, 0, 11, answerEnded, 0, 3})
	f.Add([]byte{answerBegun, 1, 0, answerBegun, 0, 0, answerEnded, 1, 137, answerEnded, 1, 0})
	f.Fuzz(func(t *testing.T, text []byte) {
		pt := newProcessTable(-1)
		var all []*Process
		enter := func() {
			p := newProcess(pt)
			p.slot = int32(len(pt.slots))
			pt.slots, all = append(pt.slots, p), append(all, p)
		}
		enter()
		enter()
		for ; len(text) >= 3; text = text[3:] {
			a := answer{int32(text[0]), int32(int8(text[1])), int32(int8(text[2])) << (text[0] >> 4)}
			if !pt.take(a) {
				break
			}
			enter()
		}
		pt.end()
		for i, p := range all {
			var err error
			select {
			case err = <-p.begun:
			default:
				t.Fatalf("process %d never got an answer", i)
			}
			select {
			case err := <-p.begun:
				t.Fatalf("process %d got another answer, %v", i, err)
			default:
			}
			if err == nil {
				if code := p.Wait(); code < 0 || code > 255 {
					t.Fatalf("process %d has exit code %d", i, code)
				}
			}
		}
	})
}

// A report is anything that a hostile process cares to send.
func FuzzReport(f *testing.F) {
	f.Add(int32(0), int32(2))
	f.Add(int32(reportMapping), int32(12))
	f.Add(int32(1<<30), int32(-1))
	spec := &Spec{Args: []string{"sh"}, IDs: callerIs(0, 0)}
	prog, err := newArena(testAddresses(f)).writeExec(spec, []int{0, 1, 2}, 100)
	if err != nil {
		f.Fatal(err)
	}
	p := &Process{spec: spec, prog: prog}
	f.Fuzz(func(t *testing.T, step, errno int32) {
		if err := p.explain(report{step, errno}); errText(err) == "" {
			t.Errorf("got no error for step %d, errno %d", step, errno)
		}
	})
}

var addressesOfTests unsafe.Pointer

// testAddresses is one for all, because none is ever given back.
func testAddresses(t testing.TB) unsafe.Pointer {
	t.Helper()
	if addressesOfTests == nil {
		var err error
		if addressesOfTests, err = reserveAddresses(); err != nil {
			t.Fatal(err)
		}
	}
	return addressesOfTests
}
