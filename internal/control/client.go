package control

import (
	"errors"
	"fmt"
	"io"
	"os"

	"unc/internal/hint"
)

// ErrGone is when a supervisor ends the conversation before it has answered: it was
// killed, and its container with it.
var ErrGone = errors.New("the container has ended, and its supervisor with it")

// Error makes a Failure the error of whoever asked.
func (f *Failure) Error() string { return f.Text }

// Ask begins the conversation with a request, and waits for the first reply.
func (c *Conn) Ask(r *Request, files ...*os.File) (Reply, []*os.File, error) {
	if err := c.Send(r, files...); err != nil {
		return Reply{}, nil, err
	}
	return c.Hear()
}

// Hear waits for a reply, and the descriptors that come with it, which are the caller's to
// close. A reply that says what has failed is an error, a *Failure.
func (c *Conn) Hear() (Reply, []*os.File, error) {
	var reply Reply
	files, err := c.Receive(&reply)
	switch {
	case errors.Is(err, io.EOF):
		return Reply{}, nil, ErrGone
	case err != nil:
		return Reply{}, nil, fmt.Errorf("hearing from the container's supervisor: %w", err)
	case reply.Failed != nil:
		closeAll(files)
		return Reply{}, nil, hint.With(reply.Failed, reply.Failed.Hints...)
	}
	return reply, files, nil
}

// HearCode waits for the reply that has an exit code.
func (c *Conn) HearCode() (int, error) {
	reply, files, err := c.Hear()
	closeAll(files)
	if err != nil {
		return 0, err
	}
	if reply.Code == nil || *reply.Code < 0 || *reply.Code > 255 {
		return 0, errors.New("the container's supervisor has told no exit code")
	}
	return *reply.Code, nil
}
