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

// somewhere are addresses that only a route to the outside leads to: those of
// documentation (RFC 5737, RFC 3849), which nobody has. Nothing is ever sent there.
var somewhere = [...]netip.Addr{netip.AddrFrom4([4]byte{198, 51, 100, 1}), netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1})}

// egress is the host's way to the outside.
type egress struct {
	mtu  int       // of IPv4; 1500 when there is no such way
	over [2]string // the interfaces for IPv4 and IPv6, empty when there is none
}

// findEgress looks up the routes to the outside. Their MTU is the containers' too,
// so that these don't send what has to be cut up on the way.
func findEgress(c *conn, p *policy.Policy) (e egress, err error) {
	e.mtu = defaultMTU
	for i, addr := range somewhere {
		if addr.Is6() && !p.Subnet6.IsValid() {
			continue
		}
		r, err := lookUpRoute(c, addr)
		if err != nil {
			return e, err
		}
		if r == nil {
			continue
		}
		l, err := c.linkByIndex(r.out)
		if err != nil {
			return e, fmt.Errorf("looking at the interface to the outside: %w", err)
		}
		e.over[i] = l.name
		if r.mtu == 0 {
			r.mtu = l.mtu
		}
		if addr.Is4() {
			e.mtu = min(max(r.mtu, minMTU), maxMTU)
		}
	}
	return e, nil
}

// lookUpRoute returns the route to an address, nil when there is none, or one that
// leads nowhere (ip-route(8): unreachable, prohibit, blackhole, throw).
func lookUpRoute(c *conn, to netip.Addr) (*route, error) {
	family := uint8(unix.AF_INET)
	if to.Is6() {
		family = unix.AF_INET6
	}
	msg := nl.RtMsg{RtMsg: unix.RtMsg{Family: family, Dst_len: uint8(to.BitLen())}}
	payload, err := c.Get(nlconn.Request(unix.RTM_GETROUTE, 0, &msg, nl.NewRtAttr(unix.RTA_DST, to.AsSlice())))
	switch {
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EACCES), errors.Is(err, unix.EINVAL):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking up the route to the outside: %w", err)
	}
	r, err := parseRoute(payload)
	if err != nil || r.kind != unix.RTN_UNICAST || r.out == 0 {
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
			if len(a.Value) >= 4 {
				r.out = int(nl.NativeEndian().Uint32(a.Value))
			}
		case unix.RTA_METRICS:
			metrics, err := nl.ParseRouteAttr(a.Value)
			if err != nil {
				return route{}, fmt.Errorf("reading a route message: %w", err)
			}
			for _, m := range metrics {
				if m.Attr.Type == unix.RTAX_MTU && len(m.Value) >= 4 {
					r.mtu = int(nl.NativeEndian().Uint32(m.Value))
				}
			}
		}
	}
	return r, nil
}

// checkSubnetFree refuses a subnet of which the host reaches any part otherwise
// than by its default route. It lists all routes, which is why it runs only
// when the bridge is to be created.
func checkSubnetFree(c *conn, p *policy.Policy) error {
	var taken *route
	err := c.Dump(func() *nl.NetlinkRequest {
		return nlconn.Request(unix.RTM_GETROUTE, 0, &nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET}})
	}, func(payload []byte) {
		if r, err := parseRoute(payload); err == nil && r.dst.Bits() > 0 && r.dst.Overlaps(p.Subnet) {
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
