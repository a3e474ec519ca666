package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/hint"
)

// answer has the conversation that begins with a request of the same user's.
func (c *container) answer(conn *control.Conn, r *control.Request, files []*os.File) {
	defer conn.Close()
	defer closeFiles(files)
	var err error
	switch r.Verb {
	case control.Signal:
		if err = c.askedTo(r); err == nil {
			err = conn.Send(control.Reply{})
		}
	case control.Wait:
		err = c.tellEnd(conn)
	case control.Follow:
		err = c.tellReader(conn)
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
		c.mu.Lock()
		c.asked = true
		c.mu.Unlock()
	}
	return c.signal(r.Signal)
}

// ends are those signals that are sent to end a command. With any other, which may tell it
// to read its configuration, it ends because something is wrong.
var ends = [...]unix.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGKILL}

// signal sends the command a signal. An end that comes of one of those is what somebody wanted.
func (c *container) signal(number int) error {
	if slices.Contains(ends[:], unix.Signal(number)) {
		c.mu.Lock()
		c.asked = true
		c.mu.Unlock()
	}
	return c.child.Signal(unix.Signal(number))
}

func checkSignal(number int) error {
	if number < 1 || number > 64 {
		return fmt.Errorf("there is no signal %d", number)
	}
	return nil
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
	reply, files := control.Reply{Terminal: r.tty}, []*os.File{}
	if input != nil {
		files = append(files, input)
	}
	if err := conn.Send(reply, files...); err != nil {
		return err
	}
	return c.tellReader(conn)
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
