package cli

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/hint"
)

// answer has the conversation that begins with a request of the same user's.
func (c *container) answer(conn *control.Conn, r *control.Request, files []*os.File) {
	defer conn.Close()
	defer control.CloseFiles(files)
	var err error
	switch r.Verb {
	case control.Signal:
		heard := c.addWaiter()
		if heard == nil {
			return // there is nobody to send it to: the end of the conversation says so
		}
		defer heard() // an end that comes of it does not come before the answer
		if err = c.askedTo(r); err == nil {
			err = conn.Send(control.Reply{})
		}
	case control.Wait:
		err = c.tellEnd(conn)
	case control.Follow:
		err = c.tellReader(conn, control.Reply{})
	case control.Network:
		err = c.share(conn)
	case control.Attach:
		err = c.attach(conn)
	case control.Exec:
		err = c.exec(conn, r.Command, files)
	default:
		// Another version's.
		err = fmt.Errorf("this container's supervisor does not know how to %.80q: it is of another version of unc", r.Verb)
	}
	if err != nil {
		_ = conn.Send(control.Reply{Failed: failureOf(err)})
	}
}

func failureOf(err error) *control.Failure {
	return &control.Failure{Text: err.Error(), Hints: hint.Of(err), Code: exitCodeOf(err)}
}

// askedTo sends the command a signal that somebody asks for.
func (c *container) askedTo(r *control.Request) error {
	if err := checkSignal(r.Signal); err != nil {
		return err
	}
	if r.Stop {
		return c.stop(unix.Signal(r.Signal))
	}
	return c.Signal(unix.Signal(r.Signal))
}

// stop sends the command a signal that is to end it, whichever it is.
func (c *container) stop(sig unix.Signal) error {
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	return c.Signal(sig)
}

// Signal sends the command a signal. Whether it came over the socket or to this process, which a
// service manager knows as the main one (ready), it is somebody's wish.
func (c *container) Signal(sig unix.Signal) error {
	c.mu.Lock()
	c.sent |= signalBit(int(sig))
	c.mu.Unlock()
	return c.child.Signal(sig)
}

// Wait waits for the end of the container.
func (c *container) Wait() (int, error) { return c.child.Wait() }

// others are signals that programs take for something else than to end: to read their
// configuration again, most of all.
const others = 1<<(unix.SIGHUP-1) | 1<<(unix.SIGUSR1-1) | 1<<(unix.SIGUSR2-1) | 1<<(unix.SIGCONT-1) |
	1<<(unix.SIGCHLD-1) | 1<<(unix.SIGURG-1) | 1<<(unix.SIGWINCH-1)

// signalBit is a signal's, of 1 to 64 (sigset_t).
func signalBit(number int) uint64 { return 1 << (number - 1) }

// wanted tells whether it is what somebody wanted that the command ended so: some signal that it
// was sent is there to end it, or is what has ended it.
func (c *container) wanted(code int) bool {
	return c.stopped || c.sent&^others != 0 || code > 128 && c.sent&signalBit(code-128) != 0
}

// attach hands over where to write what the command reads. What it writes is in the log.
func (c *container) attach(conn *control.Conn) error {
	r, detached := c.console.(*recorder)
	if !detached {
		return hint.With(errors.New("the container's streams are those of the unc run that it was started with"),
			"unc exec "+c.name+" sh    # a shell of its own in it")
	}
	input := r.input
	if r.tty {
		input = r.stdout
	}
	var files []*os.File
	if input != nil {
		files = append(files, input)
	}
	return c.tellReader(conn, control.Reply{Terminal: r.tty}, files...)
}
