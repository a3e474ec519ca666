package control

import (
	"errors"
	"fmt"
	"net"
	"os"
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

func accept(l *net.UnixListener, handle func(*Conn, *Request, []*os.File)) {
	for {
		c, err := l.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			<-time.After(again)
		case !isOwn(c):
			c.Close()
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

// begin reads the request of a conversation.
func begin(c *Conn, handle func(*Conn, *Request, []*os.File)) {
	var r Request
	files, err := c.Receive(&r)
	if err != nil {
		_ = c.Send(Reply{Failed: &Failure{Text: err.Error(), Code: 125}}) // who only looked in is not there any more
		c.Close()
		return
	}
	handle(c, &r, files)
}
