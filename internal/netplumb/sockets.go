package netplumb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/nlconn"
)

// markedSocket is a socket of the host that waits for connections or datagrams and
// has one of unc's marks.
type markedSocket struct {
	protocol string
	local    netip.AddrPort
	mark     uint32
	owner    uint32 // uid
}

// The structures and constants of linux/inet_diag.h (sock_diag(7)).
type diagRequest struct {
	family, protocol, ext, _ uint8
	states                   uint32
	_                        [48]byte // struct inet_diag_sockid: any
}

func (r *diagRequest) Len() int          { return int(unsafe.Sizeof(*r)) }
func (r *diagRequest) Serialize() []byte { return unsafe.Slice((*byte)(unsafe.Pointer(r)), r.Len()) }

const (
	diagMessageSize    = 72
	diagSourcePort     = 4 // in a message: family, state, timer, retrans, then the socket's id
	diagSource         = 8
	diagUID            = 64
	diagReqBytecode    = 1
	diagMark           = 15
	diagConditionMark  = 10
	tcpListen, udpOpen = 10, 7 // TCP_LISTEN, and TCP_CLOSE for a UDP socket that is not connected
)

// listMarked lists the sockets with unc's marks. The kernel picks them out, for who
// has the capability.
func listMarked() ([]markedSocket, error) {
	c, err := nlconn.Dial(unix.NETLINK_INET_DIAG)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var found []markedSocket
	for _, kind := range []struct {
		name     string
		protocol uint8
		state    int
	}{{"tcp", unix.IPPROTO_TCP, tcpListen}, {"udp", unix.IPPROTO_UDP, udpOpen}} {
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			var list []markedSocket
			err := c.Dump(func() *nl.NetlinkRequest {
				list = nil
				return nlconn.Request(unix.SOCK_DIAG_BY_FAMILY, 0,
					&diagRequest{family: family, protocol: kind.protocol, states: 1 << kind.state},
					nl.NewRtAttr(diagReqBytecode, onlyOurs()))
			}, func(payload []byte) {
				if s, ok := parseSocket(payload); ok {
					s.protocol = kind.name
					list = append(list, s)
				}
			})
			if err != nil && !errors.Is(err, unix.ENOENT) { // a kernel without that family
				return nil, fmt.Errorf("listing sockets: %w", err)
			}
			found = append(found, list...)
		}
	}
	return found, nil
}

// onlyOurs is a program of two instructions for the kernel: go on if the mark is
// one of unc's, else jump past the end, which is no.
func onlyOurs() []byte {
	mark, mask := filter.Magic()
	const size = 4 + 8
	op := []byte{diagConditionMark, size}
	op = binary.NativeEndian.AppendUint16(op, size+4)
	op = binary.NativeEndian.AppendUint32(op, mark)
	return binary.NativeEndian.AppendUint32(op, mask)
}

func parseSocket(payload []byte) (s markedSocket, ok bool) {
	if len(payload) < diagMessageSize {
		return s, false
	}
	port := binary.BigEndian.Uint16(payload[diagSourcePort:])
	size := 4
	if payload[0] == unix.AF_INET6 {
		size = 16
	}
	addr, _ := netip.AddrFromSlice(payload[diagSource : diagSource+size])
	s.local = netip.AddrPortFrom(addr, port)
	s.owner = binary.NativeEndian.Uint32(payload[diagUID:])
	attrs, err := nl.ParseRouteAttr(payload[diagMessageSize:])
	if err != nil {
		return s, false
	}
	for _, a := range attrs {
		if a.Attr.Type == diagMark && len(a.Value) == 4 {
			s.mark, ok = binary.NativeEndian.Uint32(a.Value), true
		}
	}
	return s, ok
}
