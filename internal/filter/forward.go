package filter

import (
	"net"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
	"unc/internal/policy"
)

// Routed are the interfaces for which unc, and nobody else, turned forwarding on:
// what arrives there is still routed nowhere but to the bridge.
type Routed struct {
	IPv4, IPv6 []string

	// Bridges has the MAC addresses of those that are bridges. With br_netfilter, what
	// a bridge passes from port to port looks routed, but for being addressed to
	// somebody else.
	Bridges map[string]net.HardwareAddr
}

// sets are the keys of the four sets: interfaces by name, and bridges by name and
// address.
func (r Routed) sets() map[string][][]byte {
	keys := map[string][][]byte{}
	for _, family := range []struct {
		names            []string
		routed, bridging string
	}{{r.IPv4, routed, bridging}, {r.IPv6, routed6, bridging6}} {
		for _, name := range family.names {
			if mac := r.Bridges[name]; mac != nil {
				keys[family.bridging] = append(keys[family.bridging], append(append(ifname(name), mac...), 0, 0))
				continue
			}
			keys[family.routed] = append(keys[family.routed], ifname(name))
		}
	}
	return keys
}

func bridgingKey() nftables.SetDatatype {
	return nftables.MustConcatSetType(nftables.TypeIFName, nftables.TypeEtherAddr)
}

// metadata are addresses at which cloud providers tell a machine its secrets,
// trusting that who asks is the machine: the link-local range of RFC 3927, which
// no router may forward anyway, and those that AWS and Google use for IPv6.
var metadata = [...]string{"169.254.0.0/16", "fd00:ec2::254/128", "fd20:ce::254/128"}

// forward is for all that the host routes: from the bridge, to it, and what it
// would not route if unc had not turned forwarding on.
func forward(p *policy.Policy) []rule {
	// An address of the bridge's own: with br_netfilter, what goes from port to
	// port comes by here as well, and has a container's instead.
	bridged := func() rule { return all(in(p.Bridge), out(p.Bridge)) }
	arrivedAt := func(set string) rule {
		return rule{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: reg(0)}, isIn(set)}
	}
	sentTo := func(set string) rule {
		return rule{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: reg(0)}, load(linkLayer, etherDst, 6, 4), isIn(set)}
	}
	return []rule{
		// Anybody's redirection, but not of what containers send to elsewhere.
		all(notIn(p.Bridge), redirected(), accept()),
		all(out(p.Bridge), redirected(), accept()),
		all(bridged(), header(linkLayer, etherDst, lease.InsideMAC(p.Gateway())...), drop()),
		all(bridged(), toContainer(), accept()),
		all(bridged(), toGroup(), accept()),
		all(bridged(), drop()),
		// After these: an error that one container reports of another's connection
		// is a part of that, to the kernel.
		all(established(), accept()),
		all(in(p.Bridge), goTo("outbound")),
		all(out(p.Bridge), goTo("inbound")),
		all(isIPv4(), arrivedAt(routed), drop()),
		all(isIPv4(), sentTo(bridging), drop()),
		all(isIPv6(), arrivedAt(routed6), drop()),
		all(isIPv6(), sentTo(bridging6), drop()),
	}
}

// outbound is what containers begin.
func outbound(p *policy.Policy) []rule {
	if !p.NAT {
		return []rule{drop()}
	}
	var rules []rule
	rules = append(rules, all(notNew(), drop())) // nothing that NAT would not see leaves
	for _, m := range metadata {
		rules = append(rules, all(to(netip.MustParsePrefix(m)), drop()))
	}
	for _, subnet := range subnets(p) {
		rules = append(rules, all(from(subnet), accept()))
	}
	return append(rules, drop())
}

// inbound is what others begin, but for published ports.
func inbound(p *policy.Policy) []rule {
	if !p.Isolated && p.Overlay.IsValid() {
		return []rule{all(from(p.Overlay), accept()), drop()}
	}
	return []rule{drop()}
}

// host is what containers may send the host when they have no access to its
// services: answers, and what IP itself needs.
func host(p *policy.Policy) []rule {
	return []rule{
		all(notIn(p.Bridge), accept()),
		all(established(), accept()),
		all(l4proto(unix.IPPROTO_ICMP), accept()),
		all(l4proto(unix.IPPROTO_ICMPV6), accept()),
		drop(),
	}
}
