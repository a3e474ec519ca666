package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// copier copies what is written to the container's terminal to ours, or to its log what it
// writes to a pipe. It ends when nobody has the other side open any more; when ours takes no
// more, which the container then gets to know as a hangup of its own; or when finish is
// called and all has been copied: a process elsewhere to which the container has
// handed its terminal does not keep unc.
type copier struct {
	out    io.Writer
	master *os.File
	stop   int // an eventfd
	done   chan struct{}
}

func startCopier(out io.Writer, master *os.File) (*copier, error) {
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an eventfd: %w", err)
	}
	c := &copier{out: out, master: master, stop: stop, done: make(chan struct{})}
	go c.run()
	return c, nil
}

// finish returns when all that was written before it is copied.
func (c *copier) finish() {
	_, _ = unix.Write(c.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-c.done
}

// atMost is how much is copied after finish, in bytes, beside what a pipe holds back: more than
// a terminal does, and an end to what somebody writes on and on.
const atMost = 256 << 10

// pipeSize is how much a pipe can hold back, which is its writer's to choose (F_SETPIPE_SZ), and 0
// of anything else.
func pipeSize(f *os.File) int {
	size, err := unix.FcntlInt(f.Fd(), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		return 0
	}
	return size
}

func (c *copier) run() {
	defer close(c.done)
	buf := make([]byte, 16<<10)
	for told, left := false, 0; !told || left > 0; {
		ready := []unix.PollFd{
			{Fd: int32(c.master.Fd()), Events: unix.POLLIN},
			{Fd: int32(c.stop), Events: unix.POLLIN},
		}
		_, err := unix.Poll(ready, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return
		case ready[0].Revents == 0:
			return // told to stop, and nothing to copy
		}
		n, err := c.master.Read(buf)
		if err != nil {
			return // EIO: nobody has the other side open
		}
		if _, err := c.out.Write(buf[:n]); err != nil {
			c.master.Close()
			return
		}
		if ready[1].Revents != 0 {
			if !told {
				told, left = true, atMost+pipeSize(c.master)
			}
			left -= n
		}
	}
}
