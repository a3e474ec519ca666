package filter

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
	"unc/internal/policy"
)

const (
	routed    = "routed"
	routed6   = "routed6"
	bridging  = "bridging"
	bridging6 = "bridging6"
	links     = "links"
	tracked   = "tracked"
	tracked6  = "tracked6"
)

// inetTable is what a packet meets where the host routes it.
func inetTable(p *policy.Policy, r Routed) table {
	t := table{
		family: nftables.TableFamilyINet,
		sets: []set{
			{name: routed, key: nftables.TypeIFName},
			{name: routed6, key: nftables.TypeIFName},
			{name: bridging, key: bridgingKey()},
			{name: bridging6, key: bridgingKey()},
			{name: links, key: nftables.TypeIFName, keys: func() [][]byte { return linkNames(p) }},
			{name: tracked, key: nftables.TypeIPAddr, dynamic: true, size: 2 * policy.Ports},
			{name: tracked6, key: nftables.TypeIP6Addr, dynamic: true, size: 2 * policy.Ports},
		},
	}
	listed := r.sets()
	for i, set := range t.sets {
		if keys := listed[set.name]; keys != nil {
			t.sets[i].keys = func() [][]byte { return keys }
		}
	}
	filter, nat, route := nftables.ChainTypeFilter, nftables.ChainTypeNAT, nftables.ChainTypeRoute
	prerouting := nftables.ChainHookPrerouting
	t.chains = []chain{
		{"strays", &base{filter, prerouting, beforeFragments}, strays(p)},
		{"published", &base{nat, prerouting, -105}, published(p)},
		{"seen", &base{filter, prerouting, -95}, seen(p)},
		{"connections", nil, connections(p)},
		{"marks", nil, marks(p)},
		{"unmarked", &base{route, nftables.ChainHookOutput, -310}, unmarked()},
		{"masqueraded", &base{nat, nftables.ChainHookPostrouting, 95}, masquerade(p)},
		{"forward", &base{filter, nftables.ChainHookForward, -5}, forward(p)},
		{"leaving", &base{filter, nftables.ChainHookPostrouting, 300}, leaving(p)},
		{"outbound", nil, outbound(p)},
		{"inbound", nil, inbound(p)},
	}
	if !p.HostAccess {
		t.chains = append(t.chains, chain{"host", &base{filter, nftables.ChainHookInput, -5}, host(p)})
	}
	return t
}

// beforeFragments is before the host puts fragments together, which must not take
// strays among them for parts of somebody else's packet (NF_IP_PRI_RAW_BEFORE_DEFRAG
// in linux/netfilter_ipv4.h).
const beforeFragments = -450

// strays drops what reached the host past the bridge and its guard: a frame to one
// of the addresses that a bridge keeps to itself (IEEE 802.1Q, table 8-1) is given
// to the host as the port's, whatever is in it.
//
// And what br_netfilter shows here of frames from container to container is not to be
// tracked, which would cost them half their speed, and fill the host's table with what
// is none of its business. What is for the host, or is routed by it, is sent to an
// address of the bridge.
func strays(p *policy.Policy) []rule {
	return []rule{
		all(inPort(expr.CmpOpEq), rule{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: reg(0)}, isIn(links)}, drop()),
		all(notIn(p.Bridge), accept()),
		all(header(linkLayer, etherDst, lease.InsideMAC(p.Gateway())...), accept()),
		all(toContainer(), rule{&expr.Notrack{}}),
	}
}

// toContainer is a condition on the beginning of the address that a frame is for:
// that of a container, or of the bridge.
func toContainer() rule {
	return header(linkLayer, etherDst, lease.InsideMAC(netip.IPv4Unspecified())[:2]...)
}

// linkNames are those of all leases that there can be.
func linkNames(p *policy.Policy) [][]byte {
	var names [][]byte
	first, last := p.Numbers()
	for n := first; n <= last; n++ {
		names = append(names, ifname(lease.Name(p.Addr(n))))
	}
	return names
}

// seen is where the host knows which connection a packet is of, and what has been
// made of its destination. Most packets are of one that goes on, and not to a
// published port, and pass by both rules.
func seen(p *policy.Policy) []rule {
	return []rule{
		all(redirected(), goTo("marks")),
		all(isNew(), in(p.Bridge), goTo("connections")),
	}
}

// connections bounds the tracked connections that a container may have begun, so that
// it can't fill the table of the whole host. Closed ones don't count: the kernel
// drops those itself when the table is full (early_drop in nf_conntrack_core.c).
func connections(p *policy.Policy) []rule {
	over := func(set string) rule {
		return rule{&expr.Dynset{
			SrcRegKey: reg(0), SetName: set, Operation: unix.NFT_DYNSET_OP_ADD,
			Exprs: []expr.Any{&expr.Connlimit{Count: uint32(p.MaxConnections), Flags: expr.NFT_CONNLIMIT_F_INV}},
		}}
	}
	var rules []rule
	for _, m := range metadata {
		rules = append(rules, all(begunTo(netip.MustParsePrefix(m)), drop()))
	}
	return append(rules,
		all(isIPv4(), rule{load(networkLayer, ip4Src, 4, 0)}, over(tracked), drop()),
		all(isIPv6(), rule{load(networkLayer, ip6Src, 16, 0)}, over(tracked6), drop()))
}

// begunTo is a condition on the address that a connection was first sent to, whatever
// somebody's redirection has made of it.
func begunTo(p netip.Prefix) rule {
	family := isIPv6()
	if p.Addr().Is4() {
		family = isIPv4()
	}
	return all(family, rule{&expr.Ct{Key: expr.CtKeyDST, Register: reg(0), Direction: original}}, inPrefix(expr.CmpOpEq, p))
}

func subnets(p *policy.Policy) []netip.Prefix {
	if !p.Subnet6.IsValid() {
		return []netip.Prefix{p.Subnet}
	}
	return []netip.Prefix{p.Subnet, p.Subnet6}
}
