package netplumb

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/nlconn"
	"unc/internal/policy"
)

const (
	defaultMTU = 1500
	minMTU     = 1280 // what IPv6 asks of every link (RFC 8200, section 5)
	maxMTU     = 65535
)

// somewhere is an address that only a route to the outside leads to: one of
// TEST-NET-2 (RFC 5737), which nobody has. Nothing is ever sent there.
var somewhere = netip.AddrFrom4([4]byte{198, 51, 100, 1})

// somewhere6 is the same for IPv6, of the addresses for documentation (RFC 3849).
var somewhere6 = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1})

// egressMTU is the MTU of the host's route to the outside, so that containers
// don't send what has to be cut up on the way; 1500 when there is no such route.
func egressMTU(c *conn) (int, error) {
	r, err := lookUpRoute(c, somewhere)
	if r == nil || err != nil {
		return defaultMTU, err
	}
	if r.mtu == 0 {
		l, err := c.linkByIndex(r.out)
		if err != nil {
			return 0, fmt.Errorf("looking at the interface to the outside: %w", err)
		}
		r.mtu = l.mtu
	}
	return min(max(r.mtu, minMTU), maxMTU), nil
}

// lookUpRoute returns the route to an address, nil when there is none, or one that
// leads nowhere (ip-route(8): unreachable, prohibit, blackhole, throw).
func lookUpRoute(c *conn, to netip.Addr) (r *route, err error) {
	if to.Is6() {
		// The table's entry, without the address to send from, for which the kernel would look
		// at every link there is (ipv6_dev_get_saddr in net/ipv6/addrconf.c).
		r, err = askRoute(c, to, unix.RTM_F_FIB_MATCH)
	}
	// One that has several ways names none of them.
	if to.Is4() || r != nil && r.kind == unix.RTN_UNICAST && r.out == 0 {
		r, err = askRoute(c, to, 0)
	}
	if r == nil || r.kind != unix.RTN_UNICAST || r.out == 0 {
		return nil, err
	}
	return r, err
}

// askRoute returns what the kernel says of the route to an address, nil when there is none.
func askRoute(c *conn, to netip.Addr, flags uint32) (*route, error) {
	msg := nl.RtMsg{RtMsg: unix.RtMsg{Family: uint8(familyOf(to)), Dst_len: uint8(to.BitLen()), Flags: flags}}
	payload, err := c.Get(nlconn.Request(unix.RTM_GETROUTE, 0, &msg, nl.NewRtAttr(unix.RTA_DST, to.AsSlice())))
	switch {
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EACCES), errors.Is(err, unix.EINVAL):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking up the route to the outside: %w", err)
	}
	r, err := parseRoute(payload)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// route is what unc reads of one.
type route struct {
	dst  netip.Prefix
	out  int // interface
	mtu  int // 0: the interface's
	kind uint8
}

func parseRoute(payload []byte) (route, error) {
	if len(payload) < unix.SizeofRtMsg {
		return route{}, fmt.Errorf("a route message of %d bytes", len(payload))
	}
	msg := nl.DeserializeRtMsg(payload)
	attrs, err := nl.ParseRouteAttr(payload[unix.SizeofRtMsg:])
	if err != nil {
		return route{}, fmt.Errorf("reading a route message: %w", err)
	}
	r := route{dst: netip.PrefixFrom(netip.IPv4Unspecified(), int(msg.Dst_len)), kind: msg.Type}
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.RTA_DST:
			if addr, ok := netip.AddrFromSlice(a.Value); ok {
				r.dst = netip.PrefixFrom(addr, int(msg.Dst_len))
			}
		case unix.RTA_OIF:
			r.out = int(number(a.Value))
		case unix.RTA_METRICS:
			if err := inner(a.Value, unix.RTAX_MTU, func(v []byte) { r.mtu = int(number(v)) }); err != nil {
				return route{}, fmt.Errorf("reading a route message: %w", err)
			}
		}
	}
	return r, nil
}

// checkSubnetFree refuses a subnet of which the host reaches any part otherwise
// than by its default route, or the two halves of one that a VPN sets up, and than
// through the bridge with the given number, 0 while there is none. It lists all routes, which is why a
// start does it only when the bridge is to be created.
func checkSubnetFree(c *conn, p *policy.Policy, bridge int) error {
	var taken *route
	err := c.Dump(func() *nl.NetlinkRequest {
		return nlconn.Request(unix.RTM_GETROUTE, 0, &nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET}})
	}, func(payload []byte) {
		if r, err := parseRoute(payload); err == nil && r.dst.Bits() > 1 && r.dst.Overlaps(p.Subnet) && (bridge == 0 || r.out != bridge) {
			taken = &r
		}
	})
	if err != nil {
		return fmt.Errorf("listing the host's routes: %w", err)
	}
	if taken == nil {
		return nil
	}
	through := "nowhere"
	if l, err := c.linkByIndex(taken.out); err == nil {
		through = l.name
	}
	return hint.With(fmt.Errorf("the address range %v is taken: this host routes %v through %q", p.Subnet, taken.dst, through),
		"ip route show to match "+p.Subnet.Masked().Addr().String()+"    # the route that is in the way")
}
