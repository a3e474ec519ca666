package relay

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A pair is two connections that are to look like one: each direction ends by
// itself, and what breaks one connection breaks the other.
type pair struct {
	client, container half

	mu     sync.Mutex
	closed bool
}

// half is one of the two.
type half struct {
	*net.TCPConn
	finished bool // it was sent the end of the other one's data; guarded by pair.mu
}

// run returns when both are closed.
func (p *pair) run() {
	var other sync.WaitGroup
	other.Go(func() { p.flow(&p.client, &p.container) })
	p.flow(&p.container, &p.client)
	other.Wait()
}

// flow passes one direction on, to its end and that of the pair.
func (p *pair) flow(to, from *half) {
	if err := move(to.TCPConn, from.TCPConn); err != nil {
		p.abort()
		return
	}
	if p.finish(to) {
		return
	}
	// Nothing more is read from there, so that a reset would be noticed only when
	// something is to be written: by a container that waits for more, never.
	if hungUp(from.TCPConn) {
		p.abort()
	}
}

// finish sends the end of the data, and closes both after it was the second end.
func (p *pair) finish(to *half) (over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return true
	}
	if err := to.CloseWrite(); err != nil {
		p.closeBoth()
		return true
	}
	to.finished = true
	if p.client.finished && p.container.finished {
		p.closeBoth()
	}
	return p.closed
}

// abort closes both, in the middle of their data.
func (p *pair) abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closeBoth()
	}
}

// closeBoth resets a connection that is owed more data. One that has all of it and
// its end is closed in the ordinary way: a reset would take back what the kernel
// has not delivered yet. Should its peer go on sending, the kernel answers with a
// reset of its own.
func (p *pair) closeBoth() {
	p.closed = true
	for _, h := range []*half{&p.client, &p.container} {
		if h.finished {
			h.Close()
		} else {
			reset(h.TCPConn)
		}
	}
}

// reset closes a connection so that the peer sees it broken, not ended (SO_LINGER
// in socket(7)).
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	conn.Close()
}

// move copies until the end of what from sends. The data stay in the kernel: the
// net package hands them from socket to socket with splice(2). It needs a pipe to
// do so and has it while it waits for data as well, so it is asked only for what
// is there already: an idle connection costs two descriptors, not six, and none of
// the user's share of pipe buffers (pipe-user-pages-soft in pipe(7)).
func move(to, from *net.TCPConn) error {
	raw, err := from.SyscallConn()
	if err != nil {
		return err
	}
	available := &io.LimitedReader{R: from}
	for {
		n, err := readable(raw)
		if n == 0 || err != nil {
			return err
		}
		available.N = int64(n)
		if _, err := to.ReadFrom(available); err != nil {
			return err
		}
	}
}

// readable waits for data and returns how many bytes there are; 0 at their end.
func readable(raw syscall.RawConn) (n int, err error) {
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		var first [1]byte
		n, _, failed = unix.Recvfrom(int(fd), first[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if n <= 0 {
			return !errors.Is(failed, unix.EAGAIN)
		}
		var queued int
		queued, failed = unix.IoctlGetInt(int(fd), unix.SIOCINQ)
		n = max(n, queued) // SIOCINQ counts up to urgent data only, see tcp(7)
		return true
	})
	if err == nil {
		err = failed
	}
	return n, err
}

// hungUp waits until a connection is broken, and tells whether that is why it
// returns: otherwise it has been closed here.
func hungUp(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Read(func(fd uintptr) bool {
		state := []unix.PollFd{{Fd: int32(fd)}} // POLLERR and POLLHUP need not be asked for
		n, err := unix.Poll(state, 0)
		return err == nil && n > 0
	})
	return err == nil
}
