package filter

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
	"unc/internal/policy"
)

const (
	routed   = "routed"
	routed6  = "routed6"
	tracked  = "tracked"
	tracked6 = "tracked6"
)

// Routed are the interfaces for which unc, and nobody else, turned forwarding on:
// what arrives there is still routed nowhere but to the bridge.
type Routed struct {
	IPv4, IPv6 []string
	AllIPv6    bool // on a kernel that has but one switch for all interfaces
}

// metadata are addresses at which cloud providers tell a machine its secrets,
// trusting that who asks is the machine: the link-local range of RFC 3927, which
// no router may forward anyway, and those that AWS and Google use for IPv6.
var metadata = [...]string{"169.254.0.0/16", "fd00:ec2::254/128", "fd20:ce::254/128"}

// inetTable is what a packet meets where the host routes it.
func inetTable(p *policy.Policy, r Routed) table {
	t := table{
		family: nftables.TableFamilyINet,
		sets: []set{
			{name: routed, key: nftables.TypeIFName, keys: func() [][]byte { return ifnames(r.IPv4) }},
			{name: routed6, key: nftables.TypeIFName, keys: func() [][]byte { return ifnames(r.IPv6) }},
			{name: tracked, key: nftables.TypeIPAddr, dynamic: true, size: 2 * policy.Ports},
			{name: tracked6, key: nftables.TypeIP6Addr, dynamic: true, size: 2 * policy.Ports},
		},
	}
	filter, nat, route := nftables.ChainTypeFilter, nftables.ChainTypeNAT, nftables.ChainTypeRoute
	prerouting := nftables.ChainHookPrerouting
	t.chains = []chain{
		{"strays", &base{filter, prerouting, -310}, strays()},
		{"limits", &base{filter, prerouting, -150}, limits(p)},
		{"published", &base{nat, prerouting, -105}, published(p)},
		{"hairpin", &base{filter, prerouting, -95}, hairpin(p)},
		{"unmarked", &base{route, nftables.ChainHookOutput, -310}, unmarked()},
		{"masquerade", &base{nat, nftables.ChainHookPostrouting, 95}, masquerade(p)},
		{"forward", &base{filter, nftables.ChainHookForward, -5}, forward(p, r)},
		{"outbound", nil, outbound(p)},
		{"inbound", nil, inbound(p)},
	}
	if !p.HostAccess {
		t.chains = append(t.chains, chain{"host", &base{filter, nftables.ChainHookInput, -5}, host(p)})
	}
	return t
}

// strays drops what reached the host past the bridge and its guard: a frame to one
// of the addresses that a bridge keeps to itself (IEEE 802.1Q, table 8-1) is given
// to the host as the port's, whatever is in it.
func strays() []rule {
	return []rule{all(inPrefix(expr.CmpOpEq, lease.Prefix), drop())}
}

// limits bounds the tracked connections that a container may have begun, so that
// it can't fill the table of the whole host. Closed ones don't count: the kernel
// drops those itself when the table is full (early_drop in nf_conntrack_core.c).
func limits(p *policy.Policy) []rule {
	over := func(set string) rule {
		return rule{&expr.Dynset{
			SrcRegKey: reg(0), SetName: set, Operation: unix.NFT_DYNSET_OP_ADD,
			Exprs: []expr.Any{&expr.Connlimit{Count: uint32(p.MaxConnections), Flags: expr.NFT_CONNLIMIT_F_INV}},
		}}
	}
	return []rule{
		all(notIn(p.Bridge), accept()),
		all(notNew(), accept()),
		all(isIPv4(), rule{load(networkLayer, ip4Src, 4, 0)}, over(tracked), drop()),
		all(isIPv6(), rule{load(networkLayer, ip6Src, 16, 0)}, over(tracked6), drop()),
	}
}

// published sends what is for a socket that net-setup has marked to the container
// that the mark names. Only for the host's own addresses: to the look-up of
// sockets, one that listens on all of them listens on the whole world's.
func published(p *policy.Policy) []rule {
	mask := []byte{2: magicMask, 3: 0}
	marked := all(
		rule{&expr.Fib{Register: reg(0), FlagDADDR: true, ResultADDRTYPE: true}, compare(expr.CmpOpEq, 0, binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL))},
		rule{&expr.Socket{Key: expr.SocketKeyMark, Register: reg(4)}, bits(4, 0, mask, nil), compare(expr.CmpOpEq, 0, magicMark())})
	port := bits(4, 5, []byte{0xff, 0xff, 0, 0}, nil)
	number := []byte{0, 0, 0xff &^ magicMask, 0xff}

	base4 := p.Subnet.Addr().AsSlice()
	rules := []rule{all(isIPv4(), marked, rule{
		port, bits(4, 0, hostBits(p, number), base4),
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: reg(0), RegProtoMin: reg(5)},
	})}
	if p.Subnet6.IsValid() {
		base6 := p.Subnet6.Addr().AsSlice()
		rules = append(rules, all(isIPv6(), marked, rule{
			port, bits(4, 3, number, nil),
			&expr.Immediate{Register: reg(0), Data: base6[0:4]}, &expr.Immediate{Register: reg(1), Data: base6[4:8]}, &expr.Immediate{Register: reg(2), Data: base6[8:12]},
			&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV6, RegAddrMin: reg(0), RegProtoMin: reg(5)},
		}))
	}
	return rules
}

// hostBits are those of the four bytes in mask that a host's number can have in the subnet.
func hostBits(p *policy.Policy, mask []byte) []byte {
	_, last := p.Numbers()
	highest := p.Addr(last | 1).As4() // the broadcast address, or the last number that fits a mark
	first := p.Subnet.Addr().As4()
	bits := make([]byte, 4)
	for i := range bits {
		bits[i] = mask[i] & (highest[i] ^ first[i])
	}
	return bits
}

// bits is four bytes of one register, masked and then changed where xor has ones, in another.
func bits(src, dst uint32, mask, xor []byte) expr.Any {
	if xor == nil {
		xor = make([]byte, 4)
	}
	return &expr.Bitwise{SourceRegister: reg(src), DestRegister: reg(dst), Len: 4, Mask: mask, Xor: xor}
}

// hairpin is for what one container sends to another's published port where
// br_netfilter is loaded: rewritten, it does not come up to be routed, but goes on
// from port to port, and the isolation has to know it. No container can set a mark
// that is seen here: the kernel clears it between namespaces.
func hairpin(p *policy.Policy) []rule {
	return []rule{all(in(p.Bridge), redirected(), setMark(magicMark()))}
}

// isMarked is a condition on the mark of a packet, which it leaves in register 4.
func isMarked() rule {
	mask := []byte{2: magicMask, 3: 0}
	return rule{&expr.Meta{Key: expr.MetaKeyMARK, Register: reg(4)}, bits(4, 0, mask, nil), compare(expr.CmpOpEq, 0, magicMark())}
}

func magicMark() []byte { return []byte{2: magic, 3: 0} }

func setMark(mark []byte) rule {
	return rule{&expr.Immediate{Register: reg(0), Data: mark}, &expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: reg(0)}}
}

// unmarked takes the mark off what a published socket sends, before any firewall
// or routing rule of the host's could take it for one of its own. Nothing but the
// socket needs it.
func unmarked() []rule {
	return []rule{all(isMarked(), setMark(make([]byte, 4)))}
}

// masquerade gives what leaves the bridge the host's address, and a port that
// nobody takes for that of a privileged service. What a container sends to a
// published port of this host comes back to the bridge, and its answer only comes
// back to the host when it seems to come from there.
func masquerade(p *policy.Policy) []rule {
	var rules []rule
	for _, subnet := range subnets(p) {
		outside := all(notOut(p.Bridge))
		if !p.Isolated && p.Overlay.IsValid() && subnet.Addr().Is4() {
			outside = all(outside, notTo(p.Overlay))
		}
		rules = append(rules, all(from(subnet), out(p.Bridge), redirected(), rule{&expr.Masq{}}))
		if p.NAT {
			rules = append(rules, all(from(subnet), outside, rule{
				&expr.Immediate{Register: reg(0), Data: []byte{1024 >> 8, 1024 & 0xff}},
				&expr.Immediate{Register: reg(1), Data: []byte{0xff, 0xff}},
				&expr.Masq{ToPorts: true, RegProtoMin: reg(0), RegProtoMax: reg(1)},
			}))
		}
	}
	return rules
}

func ifnames(names []string) [][]byte {
	var keys [][]byte
	for _, n := range names {
		keys = append(keys, ifname(n))
	}
	return keys
}

func subnets(p *policy.Policy) []netip.Prefix {
	if !p.Subnet6.IsValid() {
		return []netip.Prefix{p.Subnet}
	}
	return []netip.Prefix{p.Subnet, p.Subnet6}
}

// forward is for all that the host routes: from the bridge, to it, and what it
// would not route if unc had not turned forwarding on.
func forward(p *policy.Policy, r Routed) []rule {
	// An address of the bridge's own: with br_netfilter, what goes from port to
	// port comes by here as well, and has a container's instead.
	toContainer := []byte{0x02, 0x75}
	bridged := func() rule { return all(in(p.Bridge), out(p.Bridge)) }
	arrivedAt := func(set string) rule {
		return rule{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: reg(0)}, isIn(set)}
	}
	elsewhere6 := all(isIPv6(), arrivedAt(routed6), drop())
	if r.AllIPv6 {
		elsewhere6 = all(isIPv6(), drop())
	}
	return []rule{
		all(established(), accept()),
		all(redirected(), accept()),
		all(bridged(), header(linkLayer, etherDst, lease.InsideMAC(p.Gateway())...), drop()),
		all(bridged(), header(linkLayer, etherDst, toContainer...), accept()),
		all(bridged(), rule{load(linkLayer, etherDst, 1, 0), &expr.Bitwise{
			SourceRegister: reg(0), DestRegister: reg(0), Len: 1, Mask: []byte{1}, Xor: []byte{0},
		}, compare(expr.CmpOpEq, 0, []byte{1})}, accept()),
		all(bridged(), drop()),
		all(in(p.Bridge), jump("outbound")),
		all(out(p.Bridge), jump("inbound")),
		all(isIPv4(), arrivedAt(routed), drop()),
		elsewhere6,
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
