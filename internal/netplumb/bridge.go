package netplumb

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/lease"
	"unc/internal/nlconn"
	"unc/internal/policy"
)

// findBridge returns the number of the bridge, 0 when makeBridge has something
// to do, and an error when its name is a stranger's.
//
// A bridge is ours when its MAC address is the one that follows from the
// gateway's; it carries that from the message that creates it on. Whatever else
// has its name is left alone.
func findBridge(c *conn, p *policy.Policy) (int, error) {
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

// named is whatever has the bridge's name; nil when nothing has.
func named(c *conn, p *policy.Policy) (*link, error) {
	l, err := c.link(p.Bridge)
	switch {
	case errors.Is(err, unix.ENODEV):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking for bridge %q: %w", p.Bridge, err)
	}
	return l, nil
}

// ourBridge looks the bridge up; nil when there is none.
func ourBridge(c *conn, p *policy.Policy) (*link, error) {
	l, err := named(c, p)
	switch {
	case l == nil || err != nil:
		return nil, err
	case l.kind != "bridge" || l.mac != string(lease.InsideMAC(p.Gateway())):
		return nil, hint.With(fmt.Errorf("interface %q exists but is not unc's bridge for %v", p.Bridge, p.Subnet),
			"ip -d link show "+p.Bridge+"    # if it is unc's, for another subnet: sudo unc net-setup remove; if it is not, choose another BRIDGE in /etc/unc/network.conf")
	}
	return l, nil
}

// anyOurs looks for a bridge of unc's that may have been made for another subnet; nil
// when there is none.
func anyOurs(c *conn, p *policy.Policy) (*link, error) {
	l, err := named(c, p)
	switch {
	case l == nil || err != nil:
		return nil, err
	case l.kind != "bridge" || !lease.IsInsideMAC(net.HardwareAddr(l.mac)):
		return nil, nil // a stranger's
	}
	return l, nil
}

// makeBridge creates the bridge or finishes one whose maker was killed, and
// returns its number. Every step bears being done twice, at the same time too:
// of many first containers one creates the bridge, and all of them finish it.
func makeBridge(c *conn, p *policy.Policy) (int, error) {
	l, err := ourBridge(c, p)
	if err != nil {
		return 0, err
	}
	if l == nil {
		taken := checkSubnetFree(c, p, 0)
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
			return 0, fmt.Errorf("bridge %q was deleted while it was made", p.Bridge)
		}
	}
	return l.index, finishBridge(c, p, l.index)
}

// createBridge makes the bridge with all that must be so before it is up: no
// spanning tree, so that ports forward at once, and no multicast snooping.
func createBridge(c *conn, p *policy.Policy) error {
	linkinfo := nl.NewRtAttr(unix.IFLA_LINKINFO|unix.NLA_F_NESTED, nil)
	linkinfo.AddRtAttr(unix.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	data := linkinfo.AddRtAttr(unix.IFLA_INFO_DATA|unix.NLA_F_NESTED, nil)
	data.AddRtAttr(nl.IFLA_BR_STP_STATE, nl.Uint32Attr(0))
	data.AddRtAttr(nl.IFLA_BR_FORWARD_DELAY, nl.Uint32Attr(0))
	data.AddRtAttr(nl.IFLA_BR_MCAST_SNOOPING, nl.Uint8Attr(0))
	data.AddRtAttr(nl.IFLA_BR_AGEING_TIME, nl.Uint32Attr(forGood))
	// Values and mask (struct br_boolopt_multi): it learns no address from frames to
	// 01:80:c2:00:00:02, which no port's mask (pastTheGuard) sends by way of the guard.
	data.AddRtAttr(unix.IFLA_BR_MULTI_BOOLOPT, slices.Concat(nl.Uint32Attr(noLinkLocalLearning), nl.Uint32Attr(noLinkLocalLearning)))
	err := c.Must(nlconn.Request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL,
		nl.NewIfInfomsg(unix.AF_UNSPEC),
		nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(p.Bridge)),
		// A fixed one: else the bridge takes the lowest of its ports' and changes as they come and go.
		nl.NewRtAttr(unix.IFLA_ADDRESS, lease.InsideMAC(p.Gateway())),
		linkinfo))
	switch {
	case errors.Is(err, unix.EEXIST):
		return nil // somebody else was faster; makeBridge looks at what it is
	case errors.Is(err, unix.EOPNOTSUPP):
		return hint.With(errors.New("this kernel has no bridges: its bridge module is missing"), "sudo modprobe bridge")
	case err != nil:
		return fmt.Errorf("creating bridge %q: %w", p.Bridge, err)
	}
	return nil
}

// noLinkLocalLearning is the bit of BR_BOOLOPT_NO_LL_LEARN in linux/if_bridge.h.
const noLinkLocalLearning = 1

// forGood is the longest time for which a bridge remembers a silent port's address, in
// hundredths of a second; it forgets with the port. What is for an address that it
// does not know goes to no port.
const forGood = 1<<31 - 1

// bridgeSysctls are the kernel settings of the bridge alone. It is a router's leg:
// it takes no part in what others on it may announce.
var bridgeSysctls = []struct{ family, name, value string }{
	{"ipv4", "accept_redirects", "0"},
	{"ipv4", "route_localnet", "0"},
	{"ipv6", "accept_ra", "0"},
	{"ipv6", "accept_redirects", "0"},
}

// finishBridge does all that creation can't carry, and brings the bridge up last.
// The IPv4 address, by which findBridge knows a complete one, comes after all others.
func finishBridge(c *conn, p *policy.Policy, index int) error {
	for _, s := range bridgeSysctls {
		if err := setSysctl(s.family, p.Bridge, s.name, s.value); err != nil && !errors.Is(err, unix.ENOENT) { // a kernel without IPv6
			return err
		}
	}
	tasks := []nlconn.Task{withoutLinkLocal(index)}
	if p.Subnet6.IsValid() {
		for _, address := range []netip.Prefix{netip.PrefixFrom(p.Gateway6(), p.Subnet6.Bits()), netip.PrefixFrom(policy.LinkLocal(1), 64)} {
			tasks = append(tasks, nlconn.Task{Doing: "giving its IPv6 address to", Req: newAddress(index, address), Pardon: unix.EEXIST})
		}
	}
	return c.Perform("bridge "+strconv.Quote(p.Bridge), append(tasks,
		nlconn.Task{Doing: "giving its address to", Req: newAddress(index, gatewayPrefix(p)), Pardon: unix.EEXIST},
		nlconn.Task{Doing: "bringing up", Req: setUp(index)},
	)...)
}

// in6AddrGenModeNone is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
const in6AddrGenModeNone = 1

// withoutLinkLocal keeps the kernel from giving a link an IPv6 address of its own,
// with which everybody on the bridge could talk to the host. A kernel without
// IPv6 does not anyway.
func withoutLinkLocal(index int) nlconn.Task {
	spec := nl.NewRtAttr(unix.IFLA_AF_SPEC|unix.NLA_F_NESTED, nil)
	inet6 := spec.AddRtAttr(unix.AF_INET6|unix.NLA_F_NESTED, nil)
	inet6.AddRtAttr(unix.IFLA_INET6_ADDR_GEN_MODE, nl.Uint8Attr(in6AddrGenModeNone))
	return nlconn.Task{Doing: "turning link-local addresses off on", Req: setLink(index, spec), Pardon: unix.EAFNOSUPPORT}
}

// withoutIPv6 keeps the host's own IPv6 off the port with this name, which only passes frames
// on. Each link that has it has a route for its groups in the one table, and those of a
// thousand ports are looked at one after the other, for every frame to a group and whenever a link
// changes (addrconf_add_mroute in net/ipv6/addrconf.c). A kernel without IPv6 has no such setting,
// nor has a link that its owner has deleted meanwhile; a name is never one of anything but a port.
func withoutIPv6(name string) error {
	if err := setSysctl("ipv6", name, "disable_ipv6", "1"); err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	return nil
}

// hasAddress tells whether a link has an address.
func hasAddress(c *conn, index int, want netip.Prefix) (found bool, err error) {
	err = c.addresses(index, func(_ int, addr netip.Addr) { found = found || addr == want.Addr() })
	return found, err
}
