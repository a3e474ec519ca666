package control

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// maxMessage is how long a message can be, in bytes: more than what execve(2) takes of
	// arguments and environment (Texts).
	maxMessage = 16 << 20

	// maxFiles is how many descriptors come with one.
	maxFiles = 3
)

// Conn is one end of a conversation. One goroutine may send while another receives.
type Conn struct{ c *net.UnixConn }

// NewConn takes over the descriptor of a connected stream socket.
func NewConn(fd int) (*Conn, error) {
	file := os.NewFile(uintptr(fd), "control")
	defer file.Close()
	c, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("using the control socket: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("using the control socket: it is of another family")
	}
	return &Conn{u}, nil
}

// Close ends the conversation. The other side sees its end.
func (c *Conn) Close() error { return c.c.Close() }

// Send sends a message, and copies of the descriptors along with it. The error is ErrGone when
// the other side has ended the conversation.
func (c *Conn) Send(message any, files ...*os.File) error {
	text, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("writing a message: %w", err)
	}
	if len(text) > maxMessage {
		return fmt.Errorf("the message has %d bytes, and %d are the most: %w", len(text), maxMessage, unix.E2BIG)
	}
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	text = append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)
	n, _, err := c.c.WriteMsgUnix(text, rights, nil)
	for err == nil && n < len(text) {
		var more int
		more, err = c.c.Write(text[n:])
		n += more
	}
	switch {
	case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
		return ErrGone
	case err != nil:
		return fmt.Errorf("sending a message: %w", err)
	}
	return nil
}

// receive waits for a message and reads it into what message points to. It returns the
// descriptors that came with it, which are the caller's to close, and io.EOF when the
// other side has ended the conversation.
func (c *Conn) receive(message any) (files []*os.File, err error) {
	defer func() {
		if err != nil {
			CloseFiles(files)
			files = nil
		}
	}()
	var head [4]byte
	for n := 0; n < len(head); {
		rights := make([]byte, unix.CmsgSpace(4*maxFiles))
		more, nr, _, _, err := c.c.ReadMsgUnix(head[n:], rights)
		files = append(files, filesIn(rights[:nr])...)
		switch {
		case errors.Is(err, unix.ECONNRESET), errors.Is(err, io.EOF), err == nil && more == 0:
			return files, io.EOF
		case err != nil:
			return files, fmt.Errorf("receiving a message: %w", err)
		}
		n += more
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size > maxMessage {
		return files, fmt.Errorf("a message of %d bytes is announced, and %d are the most", size, maxMessage)
	}
	// What is not there yet is not made room for: who announces much has to send it.
	text, err := io.ReadAll(io.LimitReader(c.c, int64(size)))
	switch {
	case errors.Is(err, unix.ECONNRESET): // it has not read what we sent
		return files, io.EOF
	case err != nil:
		return files, fmt.Errorf("receiving a message: %w", err)
	}
	if len(text) < int(size) {
		return files, io.EOF
	}
	if len(files) > maxFiles {
		return files, fmt.Errorf("a message came with %d descriptors, and %d are the most", len(files), maxFiles)
	}
	if err := json.Unmarshal(text, message); err != nil {
		return files, fmt.Errorf("reading a message: %w", err)
	}
	return files, nil
}

// filesIn takes all descriptors out of a control message (cmsg(3)).
func filesIn(rights []byte) (files []*os.File) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files
}

// CloseFiles closes descriptors that came with a message.
func CloseFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
