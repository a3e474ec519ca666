package filter

import (
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
	"unc/internal/policy"
)

const (
	leases  = "leases"
	leases6 = "leases6"
	holders = "holders"
	owners  = "owners"
)

// ownersForget is how long a pair of owners stays in the set without a frame that
// needs it. The next such frame enters it again.
const ownersForget = time.Hour

// maxOwners is more than a bridge has ports.
const maxOwners = 4 * policy.Ports

// bridgeTable is what a frame meets on its way from one port of the bridge to
// another, or to the host.
func bridgeTable(p *policy.Policy) table {
	t := table{
		family: nftables.TableFamilyBridge,
		sets: []set{
			{name: leases, key: nftables.MustConcatSetType(nftables.TypeIFName, nftables.TypeEtherAddr, nftables.TypeIPAddr), keys: func() [][]byte { return leaseKeys(p) }},
			{name: doors, key: nftables.TypeIFIndex, verdict: true},
		},
		chains: []chain{
			guard(p),
			{name: "guard4", rules: []rule{
				all(l4proto(unix.IPPROTO_UDP), header(transport, 0, 0, dhcpServer), drop()),
				accept(),
			}},
			{name: "guardarp", rules: []rule{
				// Who has the gateway's address is a question to the host alone, as below, and that a
				// container has its own is news for nobody but the bridge.
				all(header(networkLayer, arpTargetIP, p.Gateway().AsSlice()...), toBridge(p)),
				all(known(senderMAC(), load(networkLayer, arpTargetIP, 4, 6), leases), toBridge(p)),
				accept(),
			}},
			entering(),
		},
	}
	if p.Subnet6.IsValid() {
		t.sets = append(t.sets,
			set{name: leases6, key: nftables.MustConcatSetType(nftables.TypeIFName, nftables.TypeEtherAddr, nftables.TypeIP6Addr), keys: func() [][]byte { return leaseKeys6(p) }})
		t.chains = append(t.chains, chain{name: "guard6", rules: []rule{
			// What each kernel tells routers by itself, and asks about the gateway, is for the host alone:
			// the bridge, which learns from it where the container is, would copy it to a thousand ports.
			all(l4proto(unix.IPPROTO_ICMPV6), typeWithin(listenerReport, routerSolicitation), toBridge(p)),
			all(l4proto(unix.IPPROTO_ICMPV6), header(transport, 0, listenerReport2), toBridge(p)),
			asksFor(p.Gateway6(), p),
			asksFor(policy.LinkLocal(1), p),
			all(l4proto(unix.IPPROTO_ICMPV6), header(transport, 0, routerAdvertisement), drop()),
			all(l4proto(unix.IPPROTO_ICMPV6), header(transport, 0, redirect), drop()),
			// Who says where an address is must have it: the host would believe it of others'.
			all(l4proto(unix.IPPROTO_ICMPV6), header(transport, 0, neighbourAdvertisement), rule{
				&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: reg(0)}, load(linkLayer, etherSrc, 6, 4), load(transport, neighbour, 16, 6),
				&expr.Lookup{SourceRegister: reg(0), SetName: leases6, Invert: true},
			}, drop()),
			all(l4proto(unix.IPPROTO_UDP), header(transport, 0, dhcp6Server>>8, dhcp6Server&0xff), drop()),
			accept(),
		}})
	}
	t.sets = append(t.sets, set{
		name: holders, key: nftables.MustConcatSetType(nftables.TypeIFName, nftables.TypeEtherAddr),
		keys: func() [][]byte { return keysOf(p, func(uint32) []netip.Addr { return []netip.Addr{{}} }) },
	})
	t.chains = append(t.chains, passing(p))
	if p.Isolated {
		t.sets = append(t.sets, set{
			name: owners, key: nftables.MustConcatSetType(nftables.TypeDevGroup, nftables.TypeDevGroup),
			dynamic: true, size: maxOwners, timeout: ownersForget,
		})
	}
	return t
}

const (
	dhcpServer  = 67  // RFC 2131, section 4.1
	dhcp6Server = 547 // RFC 8415, section 7.2

	listenerReport      = 131 // RFC 2710, section 3; 132 is the end of it
	routerSolicitation  = 133 // RFC 4861, section 4.1,
	routerAdvertisement = 134 // 4.2
	redirect            = 137 // and 4.5
	listenerReport2     = 143 // RFC 3810, section 5.2

	neighbourSolicitation  = 135 // and 4.3,
	neighbourAdvertisement = 136 // and 4.4,
	neighbour              = 8   // with the address that both are about
)

// typeWithin is a condition on the type of an ICMP message.
func typeWithin(first, last byte) rule {
	return rule{load(transport, 0, 1, 0), &expr.Range{Op: expr.CmpOpEq, Register: reg(0), FromData: []byte{first}, ToData: []byte{last}}}
}

// asksFor sends who asks for an address of the host's to the bridge.
func asksFor(addr netip.Addr, p *policy.Policy) rule {
	return all(l4proto(unix.IPPROTO_ICMPV6), header(transport, 0, neighbourSolicitation),
		header(transport, neighbour, addr.AsSlice()...), toBridge(p))
}

// toBridge sends a frame to the bridge itself, whomever it was for.
func toBridge(p *policy.Policy) rule {
	return rule{
		&expr.Immediate{Register: reg(0), Data: lease.InsideMAC(p.Gateway())},
		&expr.Payload{OperationType: expr.PayloadWrite, SourceRegister: reg(0), Base: linkLayer, Offset: etherDst, Len: 6},
	}
}

// known is a condition on a frame: that port, MAC address and IP address go together. What
// loads the last two puts them behind the first, of 16 bytes.
func known(mac, ip expr.Any, set string) rule {
	return rule{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: reg(0)}, mac, ip, isIn(set)}
}

func senderMAC() expr.Any { return load(linkLayer, etherSrc, 6, 4) }

// guard lets in what comes from who it says: the port, the sender's MAC address
// and its IP address must go together. All else is dropped, and that without
// knowing what it is: a frame with a VLAN tag, say, has the tag's type where the
// guard looks for IP's or ARP's.
func guard(p *policy.Policy) chain {
	rules := []rule{
		all(inPort(expr.CmpOpNeq), accept()),
		all(header(linkLayer, etherType, 0x08, 0x00), known(senderMAC(), load(networkLayer, ip4Src, 4, 6), leases), goTo("guard4")),
		all(header(linkLayer, etherType, 0x08, 0x06),
			// Ethernet and IPv4, with addresses of 6 and 4 bytes; what is read below lies elsewhere in others.
			header(networkLayer, 0, 0, 1, 8, 0, 6, 4),
			known(senderMAC(), load(networkLayer, arpSenderIP, 4, 6), leases),
			known(load(networkLayer, arpSenderMAC, 6, 4), load(networkLayer, arpSenderIP, 4, 6), leases),
			goTo("guardarp")),
	}
	if p.Subnet6.IsValid() {
		rules = append(rules,
			all(header(linkLayer, etherType, 0x86, 0xdd), known(senderMAC(), load(networkLayer, ip6Src, 16, 6), leases6), goTo("guard6")))
	}
	return chain{
		name:  "guard",
		base:  &base{nftables.ChainTypeFilter, nftables.ChainHookPrerouting, bridgePriorityFirst},
		rules: append(rules, all(inPort(expr.CmpOpEq), drop())),
	}
}

// bridgePriorityFirst is before all that others have in the bridge's hooks
// (NF_BR_PRI_NAT_DST_BRIDGED in linux/netfilter_bridge.h).
const bridgePriorityFirst = -310

// toGroup is a condition on a frame: that it is for more than one (IEEE 802.3, section 3.2.3).
func toGroup() rule {
	return rule{load(linkLayer, etherDst, 1, 0), &expr.Bitwise{
		SourceRegister: reg(0), DestRegister: reg(0), Len: 1, Mask: []byte{1}, Xor: []byte{0},
	}, compare(expr.CmpOpEq, []byte{1})}
}

// passing is where frames go from port to port.
//
// A port takes back what it has sent, for the sake of a container that asks for its
// own published port where br_netfilter is loaded; but what is for all others, a
// container does not hear of itself.
//
// Only the ports of one owner talk. The set holds each owner paired with himself. It
// fills itself: what is added is always the sending port's group twice, so a pair of
// two owners never gets in.
func passing(p *policy.Policy) chain {
	key := func(second expr.MetaKey) rule {
		return rule{&expr.Meta{Key: expr.MetaKeyIIFGROUP, Register: reg(0)}, &expr.Meta{Key: second, Register: reg(1)}}
	}
	ofOne := func() rule { return all(key(expr.MetaKeyOIFGROUP), rule{isIn(owners)}, accept()) }
	c := chain{
		name: "passing",
		base: &base{nftables.ChainTypeFilter, nftables.ChainHookForward, bridgePriorityFirst},
		rules: []rule{
			all(toGroup(), rule{&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: reg(0)}, load(linkLayer, etherSrc, 6, 4), isIn(holders)}, drop()),
		},
	}
	if p.Isolated {
		c.rules = append(c.rules,
			all(inPort(expr.CmpOpNeq), accept()),
			all(outPort(expr.CmpOpNeq), accept()),
			ofOne(),
			all(isMarked(), accept()), // on the way to a published port
			all(key(expr.MetaKeyIIFGROUP), rule{&expr.Dynset{
				SrcRegKey: reg(0), SetName: owners, Operation: unix.NFT_DYNSET_OP_ADD, Timeout: ownersForget,
			}}),
			ofOne(),
			drop(),
		)
	}
	return c
}

func leaseKeys(p *policy.Policy) [][]byte {
	return keysOf(p, func(n uint32) []netip.Addr { return []netip.Addr{p.Addr(n)} })
}

func leaseKeys6(p *policy.Policy) [][]byte {
	return keysOf(p, func(n uint32) []netip.Addr { return []netip.Addr{p.Addr6(n), policy.LinkLocal(n)} })
}

// keysOf lists port, MAC address and each IP address of all leases that there can be.
func keysOf(p *policy.Policy, addresses func(number uint32) []netip.Addr) [][]byte {
	var keys [][]byte
	first, last := p.Numbers()
	for n := first; n <= last; n++ {
		holder := append(ifname(lease.Name(p.Addr(n))), lease.InsideMAC(p.Addr(n))...)
		holder = append(holder, 0, 0) // to a whole register
		for _, addr := range addresses(n) {
			keys = append(keys, append(holder[:len(holder):len(holder)], addr.AsSlice()...))
		}
	}
	return keys
}
