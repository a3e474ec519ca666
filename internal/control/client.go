package control

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"unc/internal/hint"
)

// ErrGone is when a supervisor ends the conversation before it has answered: its container has
// ended. Perhaps it has never heard the request. After HearAccepted it was killed, for it does not
// end otherwise without telling the code.
var ErrGone = errors.New("the container has ended, and its supervisor with it")

// ErrSilent is when a supervisor does not answer that has nothing to wait for: somebody has
// stopped it (SIGSTOP), mostly.
var ErrSilent = errors.New("the container's supervisor does not answer")

// answering is how long it may take for that, on a machine that has much to do.
const answering = 10 * time.Second

// Error makes a Failure the error of whoever asked.
func (f *Failure) Error() string { return f.Text }

// Ask begins the conversation with a request that takes no time, and waits for the first
// reply. The error is ErrSilent when there is none.
func (c *Conn) Ask(r *Request, files ...*os.File) (Reply, []*os.File, error) {
	if err := c.c.SetDeadline(time.Now().Add(answering)); err != nil {
		return Reply{}, nil, fmt.Errorf("asking the container's supervisor: %w", err)
	}
	defer c.c.SetDeadline(time.Time{})
	if err := c.Send(r, files...); err != nil {
		return Reply{}, nil, err
	}
	reply, passed, err := c.Hear()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ErrSilent
	}
	return reply, passed, err
}

// Hear waits for a reply, and the descriptors that come with it, which are the caller's to
// close. A reply that says what has failed is an error, a *Failure.
func (c *Conn) Hear() (Reply, []*os.File, error) {
	var reply Reply
	files, err := c.receive(&reply)
	switch {
	case errors.Is(err, io.EOF):
		return Reply{}, nil, ErrGone
	case err != nil:
		return Reply{}, nil, fmt.Errorf("hearing from the container's supervisor: %w", err)
	case reply.Failed != nil:
		CloseFiles(files)
		return Reply{}, nil, hint.With(reply.Failed, reply.Failed.Hints...)
	}
	return reply, files, nil
}

// HearAccepted waits for the reply that says no more than that there will be another.
func (c *Conn) HearAccepted() error {
	_, files, err := c.Hear()
	CloseFiles(files)
	return err
}

// HearCode waits for the reply that has an exit code.
func (c *Conn) HearCode() (int, error) {
	reply, files, err := c.Hear()
	CloseFiles(files)
	if err != nil {
		return 0, err
	}
	if reply.Code == nil || *reply.Code < 0 || *reply.Code > 255 {
		return 0, errors.New("the container's supervisor has told no exit code")
	}
	return *reply.Code, nil
}

// AwaitEnd waits until the supervisor ends the conversation.
func (c *Conn) AwaitEnd() error {
	switch err := c.HearAccepted(); {
	case err == nil:
		return errors.New("the container's supervisor goes on to speak")
	case errors.Is(err, ErrGone):
		return nil
	default:
		return err
	}
}
