package netplumb

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// conn is a route netlink socket (rtnetlink(7)). The messages are built with
// vishvananda/netlink's nl package; the exchange is our own, because it has to
// work on a socket that was opened in another network namespace, and because
// several messages in one datagram are one system call: a process can't be
// stopped between them.
type conn struct{ fd int }

func dial() (*conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	c := &conn{fd}
	if err := c.setStrict(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// setStrict makes the kernel heed the filters of a dump, so that asking for one
// link's addresses does not walk all links, and spare us copies of our requests.
func (c *conn) setStrict() error {
	for _, option := range []int{unix.NETLINK_GET_STRICT_CHK, unix.NETLINK_CAP_ACK} {
		if err := unix.SetsockoptInt(c.fd, unix.SOL_NETLINK, option, 1); err != nil {
			return fmt.Errorf("setting up a netlink socket: %w", err)
		}
	}
	return nil
}

func (c *conn) close() { unix.Close(c.fd) }

// request starts a message; flags are added to NLM_F_REQUEST.
func request(kind, flags int, parts ...nl.NetlinkRequestData) *nl.NetlinkRequest {
	req := nl.NewNetlinkRequest(kind, flags)
	for _, part := range parts {
		req.AddData(part)
	}
	return req
}

// do sends the requests in one datagram and returns the kernel's answer to each.
func (c *conn) do(reqs ...*nl.NetlinkRequest) ([]error, error) {
	var datagram []byte
	answers := make(map[uint32]*error, len(reqs))
	errs := make([]error, len(reqs))
	for i, req := range reqs {
		req.Flags |= unix.NLM_F_ACK
		datagram = append(datagram, req.Serialize()...)
		answers[req.Seq] = &errs[i]
	}
	if err := c.send(datagram); err != nil {
		return nil, err
	}
	err := c.receive(func(m message) (bool, error) {
		if answer, ours := answers[m.seq]; ours && m.kind == unix.NLMSG_ERROR {
			*answer = m.errno()
			delete(answers, m.seq)
		}
		return len(answers) == 0, nil
	})
	return errs, err
}

// task is a request that is one of several about the same object.
type task struct {
	doing  string // to the object, for the error message
	req    *nl.NetlinkRequest
	pardon unix.Errno // an answer that is no failure
}

// perform sends the requests of all tasks in one datagram, and returns what the
// kernel had against the first that failed.
func (c *conn) perform(object string, tasks ...task) error {
	reqs := make([]*nl.NetlinkRequest, len(tasks))
	for i, t := range tasks {
		reqs[i] = t.req
	}
	errs, err := c.do(reqs...)
	if err != nil {
		return err
	}
	for i, t := range tasks {
		if errs[i] != nil && !errors.Is(errs[i], t.pardon) {
			return fmt.Errorf("%s %s: %w", t.doing, object, errs[i])
		}
	}
	return nil
}

// must is do for one request.
func (c *conn) must(req *nl.NetlinkRequest) error {
	errs, err := c.do(req)
	if err != nil {
		return err
	}
	return errs[0]
}

// get sends a request that is answered by one message and returns its payload.
func (c *conn) get(req *nl.NetlinkRequest) ([]byte, error) {
	if err := c.send(req.Serialize()); err != nil {
		return nil, err
	}
	var payload []byte
	err := c.receive(func(m message) (bool, error) {
		switch {
		case m.seq != req.Seq:
			return false, nil
		case m.kind == unix.NLMSG_ERROR:
			return true, m.errno()
		}
		payload = m.payload
		return true, nil
	})
	return payload, err
}

// errInterrupted means that what was listed changed meanwhile (NLM_F_DUMP_INTR).
var errInterrupted = errors.New("the list changed while it was read")

// dump calls f with the payload of each message of a list, and starts again
// when the list changed meanwhile; f must be able to bear that.
func (c *conn) dump(build func() *nl.NetlinkRequest, f func(payload []byte)) error {
	for range 10 {
		err := c.dumpOnce(build(), f)
		if !errors.Is(err, errInterrupted) {
			return err
		}
	}
	return errInterrupted
}

func (c *conn) dumpOnce(req *nl.NetlinkRequest, f func(payload []byte)) error {
	req.Flags |= unix.NLM_F_DUMP
	if err := c.send(req.Serialize()); err != nil {
		return err
	}
	interrupted := false
	err := c.receive(func(m message) (bool, error) {
		if m.seq != req.Seq {
			return false, nil
		}
		interrupted = interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
		switch m.kind {
		case unix.NLMSG_ERROR, unix.NLMSG_DONE:
			return true, m.errno()
		}
		f(m.payload)
		return false, nil
	})
	if err == nil && interrupted {
		err = errInterrupted
	}
	return err
}

func (c *conn) send(datagram []byte) error {
	if err := unix.Sendto(c.fd, datagram, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("asking the kernel: %w", err)
	}
	return nil
}

// message is one netlink message (netlink(7)).
type message struct {
	kind, flags uint16
	seq         uint32
	payload     []byte
}

// errno is the outcome in an NLMSG_ERROR or NLMSG_DONE, nil for success.
func (m message) errno() error {
	if len(m.payload) < 4 {
		return nil
	}
	if n := int32(nl.NativeEndian().Uint32(m.payload)); n != 0 {
		return unix.Errno(-n)
	}
	return nil
}

// receive hands messages from the kernel to f until it says that it is done.
func (c *conn) receive(f func(message) (done bool, err error)) error {
	buf := make([]byte, 32<<10)
	for {
		n, from, err := unix.Recvfrom(c.fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("hearing from the kernel: %w", err)
		}
		if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 {
			continue // any process may write to a netlink socket; only the kernel is port 0
		}
		for rest := buf[:n]; len(rest) > 0; {
			var m message
			if m, rest, err = nextMessage(rest); err != nil {
				return err
			}
			if done, err := f(m); done || err != nil {
				return err
			}
		}
	}
}

// nextMessage takes one message off the front of a datagram.
func nextMessage(b []byte) (m message, rest []byte, err error) {
	if len(b) < unix.NLMSG_HDRLEN {
		return m, nil, fmt.Errorf("a netlink message of %d bytes", len(b))
	}
	order := nl.NativeEndian()
	size := int(order.Uint32(b))
	if size < unix.NLMSG_HDRLEN || size > len(b) {
		return m, nil, fmt.Errorf("a netlink message claims %d of %d bytes", size, len(b))
	}
	m = message{
		kind: order.Uint16(b[4:]), flags: order.Uint16(b[6:]), seq: order.Uint32(b[8:]),
		payload: b[unix.NLMSG_HDRLEN:size],
	}
	aligned := min((size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b))
	return m, b[aligned:], nil
}
