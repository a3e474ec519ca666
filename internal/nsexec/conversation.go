package nsexec

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Ready waits until the container is furnished and takes what it hands over.
func (c *Child) Ready() (*Handles, error) {
	if err := c.identify(); err != nil {
		return nil, err
	}
	told, fds, err := c.hear()
	switch want := int(c.prog.handed); {
	case err != nil:
	case told == nil:
		err = errors.New("the container's first process ended before it was ready")
	case told.Step != reportReady:
		err = c.explain(*told)
	case len(fds) != want:
		err = fmt.Errorf("the container handed over %d descriptors, want %d", len(fds), want)
	}
	if err != nil {
		closeAll(fds)
		return nil, err
	}
	return newHandles(c.prog, fds), nil
}

// hear receives one report, with the descriptors that it brings; nil is the end of the
// conversation.
func (c *Child) hear() (*report, []int, error) {
	var told report
	control := make([]byte, unix.CmsgSpace(4*int(c.prog.handed)))
	n, nc, _, _, err := unix.Recvmsg(int(c.sock.Fd()), bytesOf(&told), control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("hearing from the container: %w", err)
	}
	fds, err := passedIn(control[:nc])
	switch {
	case err != nil:
		err = fmt.Errorf("hearing from the container: %w", err)
	case n != 0 && n != int(reportSize):
		err = fmt.Errorf("the container sent %d bytes, want %d", n, reportSize)
	}
	if err != nil || n == 0 {
		closeAll(fds)
		return nil, nil, err
	}
	return &told, fds, nil
}

// passedIn lists the descriptors in control messages.
func passedIn(control []byte) (fds []int, err error) {
	messages, err := unix.ParseSocketControlMessage(control)
	for _, m := range messages {
		got, failed := unix.ParseUnixRights(&m)
		fds, err = append(fds, got...), errors.Join(err, failed)
	}
	return fds, err
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// Release lets the container run the command.
func (c *Child) Release() error {
	if _, err := unix.Write(int(c.sock.Fd()), []byte{1}); err != nil {
		return fmt.Errorf("releasing the container: %w", err)
	}
	return nil
}

// Started waits until the command runs, and returns why not when it does not.
func (c *Child) Started() error {
	told, fds, err := c.hear()
	closeAll(fds)
	if err != nil || told == nil {
		return err
	}
	return c.explain(*told)
}

// Abort ends the container at once and waits for its end. It returns what the
// container itself had to complain about, if anything.
func (c *Child) Abort() error {
	_ = c.Signal(unix.SIGKILL)
	told, fds, err := c.hear()
	closeAll(fds)
	if _, waitErr := c.Wait(); waitErr != nil {
		return waitErr
	}
	if err != nil || told == nil || told.Step == reportReady {
		return nil
	}
	return c.explain(*told)
}
