package cli

import (
	"errors"

	"golang.org/x/sys/unix"

	"unc/internal/control"
)

// remote is a command in a container that another process supervises.
type remote struct {
	conn   *control.Conn
	joined bool // the supervisor waits to hear that its terminal is ready
}

// begin lets the command start, and waits until it has, or returns why not. Signals are not for it
// until then: who supervises the container may not answer, and if he does, he ends the
// command of an asker who is gone.
func (r *remote) begin() error {
	if r.joined {
		if err := r.conn.Send(control.Order{Go: true}); err != nil {
			return err
		}
	}
	reply, files, err := r.conn.Hear()
	control.CloseFiles(files)
	if err == nil && !reply.Started {
		err = errors.New("the container's supervisor has not told that the command runs")
	}
	return err
}

// Signal has a signal sent to it.
func (r *remote) Signal(sig unix.Signal) error { return r.conn.Send(control.Order{Signal: int(sig)}) }

// Wait waits for its end.
func (r *remote) Wait() (int, error) { return r.conn.HearCode() }
