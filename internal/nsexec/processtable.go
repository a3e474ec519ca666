package nsexec

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrEnded is why nothing can be started in a container any more, and none join it.
var ErrEnded = errors.New("the container has ended")

// processTable is which processes there are, by what pid 1 answers. That is believed as far as
// it makes sense: the first answer that doesn't is the last one heard.
type processTable struct {
	turn sync.Mutex // of whom a start is waited for

	mu     sync.Mutex
	fd     int           // the supervisor's end of the orders
	file   *os.File      // the same, once answers are listened to
	over   bool          // nothing is said or heard any more, and fd is nobody's
	silent chan struct{} // closed when nothing more will be heard
	slots  []*Process
}

func newProcessTable(fd int) *processTable { return &processTable{fd: fd, silent: make(chan struct{})} }

// start asks for p's process, and returns when there is one.
func (pt *processTable) start(p *Process, size int, fds []int) error {
	pt.turn.Lock()
	defer pt.turn.Unlock()
	if err := pt.enter(p, size, fds); err != nil {
		return err
	}
	err := <-p.begun
	switch {
	case errors.Is(err, unix.EAGAIN):
		return fmt.Errorf("starting the command's process: %w: a limit on processes leaves no room for it in the container", err)
	case errors.Is(err, unix.EMFILE):
		return fmt.Errorf("starting the command's process: %w: somebody in the container has lowered the limit of its first process", err)
	case err != nil && !errors.Is(err, ErrEnded):
		return fmt.Errorf("starting the command's process: %w", err)
	}
	return err
}

// enter gives p a slot, and sends the order for it.
func (pt *processTable) enter(p *Process, size int, fds []int) error {
	pt.mu.Lock()
	defer pt.mu.Unlock()
	if err := pt.listen(); err != nil {
		return err
	}
	i := slices.Index(pt.slots, nil)
	if i < 0 {
		i = len(pt.slots)
	}
	if i == maxProcesses {
		return fmt.Errorf("there are %d commands in the container that were started in it, and more can't be", maxProcesses)
	}
	p.slot = int32(i)
	if err := pt.send(order{orderStart, p.slot, int64(size)}, fds...); err != nil {
		return err
	}
	if i == len(pt.slots) {
		pt.slots = append(pt.slots, nil)
	}
	pt.slots[i] = p
	return nil
}

// signal sends p a signal by way of pid 1; one that has ended gets none.
func (pt *processTable) signal(p *Process, sig unix.Signal) error {
	pt.mu.Lock()
	defer pt.mu.Unlock()
	if pt.over || pt.slots[p.slot] != p {
		return nil
	}
	return pt.send(order{orderSignal, p.slot, int64(sig)})
}

// send does not wait: the socket is full only while pid 1 is stopped.
func (pt *processTable) send(o order, fds ...int) error {
	if pt.over {
		return ErrEnded
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	err := unix.Sendmsg(pt.fd, bytesOf(&o), rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	switch {
	case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
		return ErrEnded
	case errors.Is(err, unix.EAGAIN):
		return fmt.Errorf("sending an order to the container's first process, which is stopped: %w", err)
	case err != nil:
		return fmt.Errorf("sending an order to the container's first process: %w", err)
	}
	return nil
}

// listen begins to listen to answers: not before something is asked, which in most
// containers nothing ever is.
func (pt *processTable) listen() error {
	if pt.over || pt.file != nil {
		return nil
	}
	if err := unix.SetNonblock(pt.fd, true); err != nil {
		return fmt.Errorf("listening to the container's first process: %w", err)
	}
	pt.file = os.NewFile(uintptr(pt.fd), "orders")
	go func() {
		pt.hear()
		pt.end()
		pt.file.Close()
		close(pt.silent)
	}()
	return nil
}

// hear takes in all answers, to the last. No room is given for descriptors, so none can
// come (unix(7), MSG_CTRUNC).
func (pt *processTable) hear() {
	for {
		var a answer
		n, err := pt.file.Read(bytesOf(&a)) // an error is an end, too
		if err != nil || n != int(answerSize) || !pt.take(a) {
			return
		}
	}
}

// maxErrno is the largest error number (MAX_ERRNO in linux/err.h).
const maxErrno = 4095

// take enters an answer, and tells whether it makes sense.
func (pt *processTable) take(a answer) bool {
	pt.mu.Lock()
	defer pt.mu.Unlock()
	if a.slot < 0 || int(a.slot) >= len(pt.slots) || pt.slots[a.slot] == nil {
		return false
	}
	p := pt.slots[a.slot]
	switch {
	case a.kind == answerBegun && !p.running && a.value == 0:
		p.running = true
		p.begun <- nil
	case a.kind == answerBegun && !p.running && a.value > 0 && a.value <= maxErrno:
		pt.slots[a.slot] = nil
		p.begun <- syscall.Errno(a.value)
	case a.kind == answerEnded && p.running:
		pt.slots[a.slot] = nil
		p.end(int(exitCode(uint32(a.value))))
	default:
		return false
	}
	return true
}

// end is the end of all that is not known to have ended.
func (pt *processTable) end() {
	pt.mu.Lock()
	defer pt.mu.Unlock()
	for _, p := range pt.slots {
		switch {
		case p == nil:
		case p.running:
			p.end(128 + int(unix.SIGKILL))
		default:
			p.begun <- ErrEnded
		}
	}
	pt.over, pt.slots = true, nil
}

// close is for when pid 1 has ended. It returns when all that it has said is entered.
func (pt *processTable) close() {
	pt.mu.Lock()
	if pt.file == nil {
		if !pt.over {
			pt.over = true
			unix.Close(pt.fd)
		}
		pt.mu.Unlock()
		return
	}
	if !pt.over {
		// Whoever else may have got hold of the other end says nothing any more.
		_ = unix.Shutdown(pt.fd, unix.SHUT_RDWR)
	}
	pt.mu.Unlock()
	<-pt.silent
}
