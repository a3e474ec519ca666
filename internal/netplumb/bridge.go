package netplumb

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// findBridge returns the number of the bridge, 0 when makeBridge has something
// to do, and an error when its name is a stranger's.
//
// A bridge is ours when its MAC address is the one that follows from the
// gateway's; it carries that from the message that creates it on. Whatever else
// has its name is left alone.
func findBridge(c *conn, p policy) (int, error) {
	l, err := ourBridge(c, p)
	if l == nil || err != nil || !l.up {
		return 0, err
	}
	complete, err := hasAddress(c, l.index, gatewayPrefix(p))
	if err != nil || !complete {
		return 0, err
	}
	return l.index, nil
}

// ourBridge looks the bridge up; nil when there is none.
func ourBridge(c *conn, p policy) (*link, error) {
	l, err := c.link(p.bridge)
	switch {
	case errors.Is(err, unix.ENODEV):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking for bridge %q: %w", p.bridge, err)
	case l.kind != "bridge" || l.mac != string(macOf(insideMAC, p.gateway())):
		return nil, hint.With(fmt.Errorf("interface %q exists but is not unc's bridge for %v", p.bridge, p.subnet),
			"ip -d link show "+p.bridge+"    # if nothing needs it: sudo ip link del "+p.bridge)
	}
	return l, nil
}

// makeBridge creates the bridge or finishes one whose maker was killed, and
// returns its number. Every step bears being done twice, at the same time too:
// of many first containers one creates the bridge, and all of them finish it.
func makeBridge(c *conn, p policy) (int, error) {
	l, err := ourBridge(c, p)
	if err != nil {
		return 0, err
	}
	if l == nil {
		taken := checkSubnetFree(c, p)
		if taken == nil {
			if err := createBridge(c, p); err != nil {
				return 0, err
			}
		}
		// Whatever was in the way may be our own, made by another meanwhile.
		if l, err = ourBridge(c, p); err != nil {
			return 0, err
		}
		switch {
		case l == nil && taken != nil:
			return 0, taken
		case l == nil:
			return 0, fmt.Errorf("bridge %q was deleted while it was made", p.bridge)
		}
	}
	return l.index, finishBridge(c, p, l.index)
}

func gatewayPrefix(p policy) netip.Prefix { return netip.PrefixFrom(p.gateway(), p.subnet.Bits()) }

// createBridge makes the bridge with all that must be so before it is up: no
// spanning tree, so that ports forward at once, and no multicast snooping.
func createBridge(c *conn, p policy) error {
	linkinfo := nl.NewRtAttr(unix.IFLA_LINKINFO|unix.NLA_F_NESTED, nil)
	linkinfo.AddRtAttr(unix.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	data := linkinfo.AddRtAttr(unix.IFLA_INFO_DATA|unix.NLA_F_NESTED, nil)
	data.AddRtAttr(nl.IFLA_BR_STP_STATE, nl.Uint32Attr(0))
	data.AddRtAttr(nl.IFLA_BR_FORWARD_DELAY, nl.Uint32Attr(0))
	data.AddRtAttr(nl.IFLA_BR_MCAST_SNOOPING, nl.Uint8Attr(0))
	err := c.must(request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL,
		nl.NewIfInfomsg(unix.AF_UNSPEC),
		nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(p.bridge)),
		// A fixed one: else the bridge takes the lowest of its ports' and changes as they come and go.
		nl.NewRtAttr(unix.IFLA_ADDRESS, macOf(insideMAC, p.gateway())),
		linkinfo))
	switch {
	case errors.Is(err, unix.EEXIST):
		return nil // somebody else was faster; makeBridge looks at what it is
	case errors.Is(err, unix.EOPNOTSUPP):
		return hint.With(errors.New("this kernel has no bridges: its bridge module is missing"), "sudo modprobe bridge")
	case err != nil:
		return fmt.Errorf("creating bridge %q: %w", p.bridge, err)
	}
	return nil
}

// bridgeSysctls are all the kernel settings that unc changes. The bridge is a
// router's leg: it takes no part in what others on it may announce.
var bridgeSysctls = []struct{ family, name, value string }{
	{"ipv4", "accept_redirects", "0"},
	{"ipv4", "route_localnet", "0"},
	{"ipv6", "accept_ra", "0"},
	{"ipv6", "accept_redirects", "0"},
}

// finishBridge does all that creation can't carry, and brings the bridge up last.
func finishBridge(c *conn, p policy, index int) error {
	for _, s := range bridgeSysctls {
		path := fmt.Sprintf("/proc/sys/net/%s/conf/%s/%s", s.family, p.bridge, s.name)
		err := os.WriteFile(path, []byte(s.value), 0)
		if err != nil && !errors.Is(err, unix.ENOENT) { // a kernel without IPv6
			return fmt.Errorf("setting up bridge %q: %w", p.bridge, err)
		}
	}
	return c.perform("bridge "+strconv.Quote(p.bridge),
		withoutLinkLocal(index),
		task{"giving its address to", newAddress(index, gatewayPrefix(p)), unix.EEXIST},
		task{"bringing up", setUp(index), 0},
	)
}

// in6AddrGenModeNone is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
const in6AddrGenModeNone = 1

// withoutLinkLocal keeps the kernel from giving a link an IPv6 address of its own,
// with which everybody on the bridge could talk to the host. A kernel without
// IPv6 does not anyway.
func withoutLinkLocal(index int) task {
	spec := nl.NewRtAttr(unix.IFLA_AF_SPEC|unix.NLA_F_NESTED, nil)
	inet6 := spec.AddRtAttr(unix.AF_INET6|unix.NLA_F_NESTED, nil)
	inet6.AddRtAttr(unix.IFLA_INET6_ADDR_GEN_MODE, nl.Uint8Attr(in6AddrGenModeNone))
	return task{"turning link-local addresses off on", setLink(index, spec), unix.EAFNOSUPPORT}
}

// hasAddress asks for the addresses of one link; see setStrict.
func hasAddress(c *conn, index int, want netip.Prefix) (bool, error) {
	found := false
	err := c.dump(func() *nl.NetlinkRequest {
		info := nl.NewIfAddrmsg(unix.AF_INET)
		info.Index = uint32(index)
		return request(unix.RTM_GETADDR, 0, info)
	}, func(payload []byte) {
		if len(payload) < unix.SizeofIfAddrmsg {
			return
		}
		info := nl.DeserializeIfAddrmsg(payload)
		attrs, err := nl.ParseRouteAttr(payload[unix.SizeofIfAddrmsg:])
		if err != nil {
			return
		}
		for _, a := range attrs {
			if a.Attr.Type == unix.IFA_LOCAL && bytes.Equal(a.Value, want.Addr().AsSlice()) {
				found = found || int(info.Prefixlen) == want.Bits()
			}
		}
	})
	if err != nil {
		return false, fmt.Errorf("listing the addresses of the bridge: %w", err)
	}
	return found, nil
}
