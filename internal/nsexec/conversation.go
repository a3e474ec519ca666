package nsexec

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Handles are the descriptors that the child has opened for its parent. Those of
// the network are nil unless that is OwnNetwork, but for Socket. A network namespace stays, with
// what leads into it, as long as any socket in it is open: they are to be closed
// with the container, if not before.
type Handles struct {
	Route     *os.File // a route netlink socket in the container's network namespace
	DNSPacket *os.File // UDP, bound to DNSAddress in there
	DNSStream *os.File // TCP, listening on DNSAddress in there; both non-blocking

	OrphanRetries *os.File // for LetGo

	Socket *os.File // one in the network namespace, for Offer; of NoNetwork only

	Root *os.File // the container's root and its devpts, to look into (O_PATH): what is
	Pts  *os.File // in the one is the container's to arrange; see NewTerminal for the other

	Hosts    *os.File // what is mounted over /etc/hosts, /etc/resolv.conf and
	Resolv   *os.File // /etc/hostname, empty and open for writing
	Hostname *os.File

	Terminal *os.File // the controlling side of the pseudo-terminal, or nil
}

// Ready waits until the container is furnished and takes what it hands over.
func (c *Child) Ready() (*Handles, error) {
	if err := c.identify(); err != nil {
		return nil, err
	}
	var fds []int
	told, err := c.hear(&fds)
	switch {
	case err != nil:
		return nil, err
	case told == nil:
		return nil, errors.New("the container's first process ended before it was ready")
	case told.Step != reportReady:
		return nil, c.explain(*told)
	}
	if want := int(c.prog.handed); len(fds) != want {
		return nil, fmt.Errorf("the container handed over %d descriptors, want %d", len(fds), want)
	}
	file := func(s slot, name string) *os.File {
		if s == none {
			return nil
		}
		return os.NewFile(uintptr(fds[s]), name)
	}
	p := c.prog
	return &Handles{
		Root:      file(p.root, "root"),
		Pts:       file(p.pts, "pts"),
		Route:     file(p.route, "route"),
		DNSPacket: file(p.dnsPacket, "DNS packets"),
		DNSStream: file(p.dnsStream, "DNS connections"),

		OrphanRetries: file(p.orphanRetries, "tcp_orphan_retries"),
		Socket:        file(p.socketInside, "socket"),
		Hosts:         file(p.hosts, "hosts"),
		Resolv:        file(p.resolv, "resolv.conf"),
		Hostname:      file(p.hostname, "hostname"),
		Terminal:      file(p.terminal, "terminal"),
	}, nil
}

// hear receives one report; nil is the end of the conversation.
func (c *Child) hear(fds *[]int) (*report, error) {
	var told report
	text := unsafe.Slice((*byte)(unsafe.Pointer(&told)), reportSize)
	control := make([]byte, unix.CmsgSpace(4*int(c.prog.handed)))
	n, nc, _, _, err := unix.Recvmsg(int(c.sock.Fd()), text, control, unix.MSG_CMSG_CLOEXEC)
	switch {
	case err != nil:
		return nil, fmt.Errorf("hearing from the container: %w", err)
	case n == 0:
		return nil, nil
	case n != int(reportSize):
		return nil, fmt.Errorf("the container sent %d bytes, want %d", n, reportSize)
	}
	messages, err := unix.ParseSocketControlMessage(control[:nc])
	if err != nil {
		return nil, fmt.Errorf("hearing from the container: %w", err)
	}
	for _, m := range messages {
		got, err := unix.ParseUnixRights(&m)
		if err != nil {
			return nil, fmt.Errorf("hearing from the container: %w", err)
		}
		*fds = append(*fds, got...)
	}
	return &told, nil
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
	var none []int
	told, err := c.hear(&none)
	if err != nil || told == nil {
		return err
	}
	return c.explain(*told)
}

// Abort ends the container at once and waits for its end. It returns what the
// container itself had to complain about, if anything.
func (c *Child) Abort() error {
	_ = c.Signal(unix.SIGKILL)
	var fds []int
	told, err := c.hear(&fds)
	for _, fd := range fds {
		unix.Close(fd)
	}
	if _, waitErr := c.Wait(); waitErr != nil {
		return waitErr
	}
	if err != nil || told == nil || told.Step == reportReady {
		return nil
	}
	return c.explain(*told)
}
