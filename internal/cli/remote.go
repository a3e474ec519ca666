package cli

import (
	"golang.org/x/sys/unix"

	"unc/internal/control"
)

// remote is a command in a container that another process supervises.
type remote struct {
	conn     *control.Conn
	joined   bool // the supervisor waits to hear that its terminal is ready
	released bool
	failed   bool
}

// Release lets the command start.
func (r *remote) Release() error {
	r.released = true
	if !r.joined {
		return nil
	}
	return r.conn.Send(control.Order{Go: true})
}

// Started waits until it has, or returns why not.
func (r *remote) Started() error {
	_, files, err := r.conn.Hear()
	closeFiles(files)
	r.failed = err != nil
	return err
}

// Signal has a signal sent to it. One that does not end unc, before there is a command to
// get it, is nobody's.
func (r *remote) Signal(sig unix.Signal) error {
	if !r.released {
		return nil
	}
	return r.conn.Send(control.Order{Signal: int(sig)})
}

// Wait waits for its end.
func (r *remote) Wait() (int, error) {
	if r.failed {
		return 0, nil
	}
	return r.conn.HearCode()
}
