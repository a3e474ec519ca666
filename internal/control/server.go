package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// again is when a connection is tried again that could not be taken, for want of
// descriptors mostly, of which others have to be closed first.
const again = 50 * time.Millisecond

// Serve takes over a listening socket and answers who connects to it, each in a
// goroutine of its own: with handle, which gets the descriptors that came with the
// request and closes them and the connection. It returns when it can't be used, and else
// begins and lets its caller go on; it ends with the process.
func Serve(listening *os.File, handle func(c *Conn, r *Request, files []*os.File)) error {
	defer listening.Close()
	l, err := net.FileListener(listening)
	if err != nil {
		return fmt.Errorf("listening on the control socket: %w", err)
	}
	u, ok := l.(*net.UnixListener)
	if !ok {
		l.Close()
		return errors.New("listening on the control socket: it is of another family")
	}
	go accept(u, handle)
	return nil
}

// AnswerWaiting is Serve for the last moment: it answers those who have connected by now and
// nobody else, and returns at once. Whoever is being answered is one of those in all.
func AnswerWaiting(listening *os.File, all *sync.WaitGroup, handle func(c *Conn, r *Request, files []*os.File)) error {
	defer listening.Close()
	fd := int(listening.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("listening on the control socket: %w", err)
	}
	for {
		switch peer, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC); {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil:
			return fmt.Errorf("answering at the control socket: %w", err)
		default:
			if c, err := NewConn(peer); err == nil {
				all.Go(func() { begin(c, handle) })
			}
		}
	}
}

func accept(l *net.UnixListener, handle func(*Conn, *Request, []*os.File)) {
	for {
		c, err := l.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			<-time.After(again)
		default:
			go begin(&Conn{c}, handle)
		}
	}
}

// isOwn tells whether the same user is on the other side: whoever opened the socket
// there, even if he handed it on.
func isOwn(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	own := false
	err = raw.Control(func(fd uintptr) {
		peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		own = err == nil && peer.Uid == uint32(os.Geteuid())
	})
	return err == nil && own
}

// begin reads the request of a conversation, if it is the same user's.
func begin(c *Conn, handle func(*Conn, *Request, []*os.File)) {
	if !isOwn(c.c) {
		c.Close()
		return
	}
	var r Request
	files, err := c.receive(&r)
	if err != nil {
		_ = c.Send(Reply{Failed: &Failure{Text: err.Error(), Code: 125}}) // who only looked in is not there any more
		c.Close()
		return
	}
	handle(c, &r, files)
}

// HearOrder waits for what a client says in the course of a conversation. The error is io.EOF when
// he has left. Descriptors are not taken.
func (c *Conn) HearOrder() (Order, error) {
	var order Order
	files, err := c.receive(&order)
	CloseFiles(files)
	return order, err
}
