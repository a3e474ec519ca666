package nlconn

import (
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Message is one netlink message (netlink(7)).
type Message struct {
	Kind    uint16 // RTM_NEWLINK, say
	Payload []byte

	flags uint16
	seq   uint32
}

// errno is the outcome in an NLMSG_ERROR or NLMSG_DONE, nil for success.
func (m Message) errno() error {
	if len(m.Payload) < 4 {
		return nil
	}
	if n := int32(nl.NativeEndian().Uint32(m.Payload)); n != 0 {
		return unix.Errno(-n)
	}
	return nil
}

// Next takes one message off the front of a datagram.
func Next(b []byte) (m Message, rest []byte, err error) {
	if len(b) < unix.NLMSG_HDRLEN {
		return m, nil, fmt.Errorf("a netlink message of %d bytes", len(b))
	}
	order := nl.NativeEndian()
	size := int(order.Uint32(b))
	if size < unix.NLMSG_HDRLEN || size > len(b) {
		return m, nil, fmt.Errorf("a netlink message claims %d of %d bytes", size, len(b))
	}
	m = Message{
		Kind: order.Uint16(b[4:]), flags: order.Uint16(b[6:]), seq: order.Uint32(b[8:]),
		Payload: b[unix.NLMSG_HDRLEN:size],
	}
	aligned := min((size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b))
	return m, b[aligned:], nil
}
