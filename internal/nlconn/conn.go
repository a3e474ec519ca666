package nlconn

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Conn is a netlink socket.
type Conn struct{ fd int }

// Dial opens a socket of a netlink protocol, unix.NETLINK_ROUTE for example.
func Dial(protocol int) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	c := &Conn{fd}
	// Strict: the kernel heeds the filters of a dump, so that asking for one
	// link's addresses does not walk all links. And no copies of our requests.
	for _, option := range []int{unix.NETLINK_GET_STRICT_CHK, unix.NETLINK_CAP_ACK} {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, option, 1); err != nil {
			c.Close()
			return nil, fmt.Errorf("setting up a netlink socket: %w", err)
		}
	}
	return c, nil
}

// Use makes a Conn of a socket that was opened elsewhere. It stays its owner's to close.
func Use(fd int) *Conn { return &Conn{fd} }

// FD is the socket itself, for an ioctl.
func (c *Conn) FD() int { return c.fd }

// Close closes the socket.
func (c *Conn) Close() { unix.Close(c.fd) }

// Request starts a message; flags are added to NLM_F_REQUEST.
func Request(kind, flags int, parts ...nl.NetlinkRequestData) *nl.NetlinkRequest {
	req := nl.NewNetlinkRequest(kind, flags)
	for _, part := range parts {
		req.AddData(part)
	}
	return req
}

// Do sends the requests in one datagram and returns the kernel's answer to each.
func (c *Conn) Do(reqs ...*nl.NetlinkRequest) ([]error, error) {
	for _, req := range reqs {
		req.Flags |= unix.NLM_F_ACK
	}
	return c.exchange(reqs, func(int, []byte) {})
}

// Ask sends requests that are answered by one message each, all in one datagram.
// It calls f with the number of the request and the payload of the answer, and
// returns the kernel's errors.
func (c *Conn) Ask(reqs []*nl.NetlinkRequest, f func(n int, payload []byte)) ([]error, error) {
	return c.exchange(reqs, f)
}

func (c *Conn) exchange(reqs []*nl.NetlinkRequest, f func(n int, payload []byte)) ([]error, error) {
	var datagram []byte
	waiting := make(map[uint32]int, len(reqs))
	errs := make([]error, len(reqs))
	for i, req := range reqs {
		datagram = append(datagram, req.Serialize()...)
		waiting[req.Seq] = i
	}
	if err := c.send(datagram); err != nil {
		return nil, err
	}
	err := c.receive(func(m Message) (bool, error) {
		i, ours := waiting[m.seq]
		switch {
		case !ours:
		case m.Kind == unix.NLMSG_ERROR:
			errs[i] = m.errno()
			delete(waiting, m.seq)
			// Netfilter refuses a whole datagram with one answer (nfnetlink_rcv).
			if errors.Is(errs[i], unix.EPERM) {
				for _, other := range waiting {
					errs[other] = errs[i]
				}
				clear(waiting)
			}
		default:
			f(i, m.Payload)
			delete(waiting, m.seq)
		}
		return len(waiting) == 0, nil
	})
	return errs, err
}

// Transact has the requests take effect all together or not at all (struct
// nfgenmsg and NFNL_MSG_BATCH_BEGIN in linux/netfilter/nfnetlink.h), and returns
// what the kernel has against the first that it did not like. subsystem is
// unix.NFNL_SUBSYS_NFTABLES, say.
func (c *Conn) Transact(subsystem uint16, reqs ...*nl.NetlinkRequest) error {
	if len(reqs) == 0 {
		return nil // the kernel has no answer to that
	}
	frame := func(kind int) *nl.NetlinkRequest {
		return Request(kind, 0, rawData{unix.AF_UNSPEC, unix.NFNETLINK_V0, byte(subsystem >> 8), byte(subsystem)})
	}
	begin, end := frame(unix.NFNL_MSG_BATCH_BEGIN), frame(unix.NFNL_MSG_BATCH_END)
	datagram := begin.Serialize()
	waiting := make(map[uint32]bool, len(reqs))
	for _, req := range reqs {
		req.Flags |= unix.NLM_F_ACK
		datagram = append(datagram, req.Serialize()...)
		waiting[req.Seq] = true
	}
	if err := c.send(append(datagram, end.Serialize()...)); err != nil {
		return err
	}
	var failed error
	err := c.receive(func(m Message) (bool, error) {
		if m.Kind != unix.NLMSG_ERROR {
			return false, nil
		}
		// An answer to the frame is a refusal of all.
		framed := (m.seq == begin.Seq || m.seq == end.Seq) && m.errno() != nil
		if failed == nil && (framed || waiting[m.seq]) {
			failed = m.errno()
		}
		delete(waiting, m.seq)
		return framed || len(waiting) == 0, nil
	})
	return errors.Join(err, failed)
}

// rawData is the payload of a message as it stands.
type rawData []byte

func (d rawData) Len() int          { return len(d) }
func (d rawData) Serialize() []byte { return d }

// Task is a request that is one of several about the same object.
type Task struct {
	Doing  string // to the object, for the error message
	Req    *nl.NetlinkRequest
	Pardon unix.Errno // an answer that is no failure
}

// Perform sends the requests of all tasks in one datagram, and returns what the
// kernel had against the first that failed.
func (c *Conn) Perform(object string, tasks ...Task) error {
	reqs := make([]*nl.NetlinkRequest, len(tasks))
	for i, t := range tasks {
		reqs[i] = t.Req
	}
	errs, err := c.Do(reqs...)
	if err != nil {
		return err
	}
	for i, t := range tasks {
		if errs[i] != nil && !errors.Is(errs[i], t.Pardon) {
			return fmt.Errorf("%s %s: %w", t.Doing, object, errs[i])
		}
	}
	return nil
}

// Must is Do for one request.
func (c *Conn) Must(req *nl.NetlinkRequest) error {
	errs, err := c.Do(req)
	if err != nil {
		return err
	}
	return errs[0]
}

// Get sends a request that is answered by one message and returns its payload.
func (c *Conn) Get(req *nl.NetlinkRequest) ([]byte, error) {
	var payload []byte
	errs, err := c.Ask([]*nl.NetlinkRequest{req}, func(_ int, p []byte) { payload = p })
	if err != nil {
		return nil, err
	}
	return payload, errs[0]
}

// errInterrupted means that what was listed changed meanwhile (NLM_F_DUMP_INTR).
var errInterrupted = errors.New("the list changed while it was read")

// Dump calls f with the payload of each message of a list, and starts again
// when the list changed meanwhile; f must be able to bear that.
func (c *Conn) Dump(build func() *nl.NetlinkRequest, f func(payload []byte)) error {
	for range 10 {
		err := c.dumpOnce(build(), f)
		if !errors.Is(err, errInterrupted) {
			return err
		}
	}
	return errInterrupted
}

func (c *Conn) dumpOnce(req *nl.NetlinkRequest, f func(payload []byte)) error {
	req.Flags |= unix.NLM_F_DUMP
	if err := c.send(req.Serialize()); err != nil {
		return err
	}
	interrupted := false
	err := c.receive(func(m Message) (bool, error) {
		if m.seq != req.Seq {
			return false, nil
		}
		interrupted = interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
		switch m.Kind {
		case unix.NLMSG_ERROR, unix.NLMSG_DONE:
			return true, m.errno()
		}
		f(m.Payload)
		return false, nil
	})
	if err == nil && interrupted {
		err = errInterrupted
	}
	return err
}

func (c *Conn) send(datagram []byte) error {
	if err := unix.Sendto(c.fd, datagram, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("asking the kernel: %w", err)
	}
	return nil
}

// receive hands messages from the kernel to f until it says that it is done.
func (c *Conn) receive(f func(Message) (done bool, err error)) error {
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
			var m Message
			if m, rest, err = Next(rest); err != nil {
				return err
			}
			if done, err := f(m); done || err != nil {
				return err
			}
		}
	}
}
