package policy

import (
	"encoding/binary"
	"net/netip"
)

// Policy is what the machine's administrator says about the network. It is a
// value: nobody changes one after Load.
type Policy struct {
	Bridge  string       // name of the bridge
	Subnet  netip.Prefix // IPv4, masked; the first address is the gateway
	Subnet6 netip.Prefix // a /64, masked; the zero Prefix means no IPv6
	Overlay netip.Prefix // the network that Subnet is one machine's part of (flannel), or the zero Prefix
	MTU     int          // bytes; 0 means that of the route to the outside

	MaxPerUser     int // containers on the network
	MaxPorts       int // published ports of one user
	MaxConnections int // tracked connections of one container

	Isolated   bool   // only one's own containers can be reached
	NAT        bool   // forward and masquerade to the outside
	HostAccess bool   // containers reach services of the host through the gateway
	Publish    []Span // host ports that may be published, ascending, not touching

	everybody bool
	users     []uint32
	groups    []uint32
}

// Span is a range of ports, both ends included.
type Span struct{ First, Last uint16 }

// Ports is how many ports a bridge can have, and so how many addresses of a large
// subnet are ever leased (BR_MAX_PORTS in net/bridge/br_private.h, rounded up):
// the filter's lists are as long, and a number below it fits into a socket's mark.
const Ports = 1 << 10

// Gateway is the first address of the subnet, the bridge's own.
func (p *Policy) Gateway() netip.Addr { return p.Addr(1) }

// Gateway6 is the bridge's IPv6 address; invalid without IPv6.
func (p *Policy) Gateway6() netip.Addr { return p.Addr6(1) }

// Numbers returns the first and the last of the numbers of addresses that can be
// leased. Number 0 is the network's own address, 1 the gateway's, and the last
// one of the subnet is its broadcast address.
func (p *Policy) Numbers() (first, last uint32) {
	return 2, uint32(min(1<<(32-p.Subnet.Bits()), Ports+1) - 2)
}

// Addr is the IPv4 address with the given number, counted from the subnet's own.
func (p *Policy) Addr(number uint32) netip.Addr {
	first := p.Subnet.Addr().As4()
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], binary.BigEndian.Uint32(first[:])+number)
	return netip.AddrFrom4(ip)
}

// Number is the inverse of Addr, for addresses that can be leased.
func (p *Policy) Number(addr netip.Addr) (uint32, bool) {
	if !addr.Is4() || !p.Subnet.Contains(addr) {
		return 0, false
	}
	base, ip := p.Subnet.Addr().As4(), addr.As4()
	n := binary.BigEndian.Uint32(ip[:]) - binary.BigEndian.Uint32(base[:])
	first, last := p.Numbers()
	return n, first <= n && n <= last
}

// Addr6 is the IPv6 address that goes with Addr; invalid without IPv6.
func (p *Policy) Addr6(number uint32) netip.Addr {
	if !p.Subnet6.IsValid() {
		return netip.Addr{}
	}
	ip := p.Subnet6.Addr().As16()
	binary.BigEndian.PutUint32(ip[12:], number)
	return netip.AddrFrom16(ip)
}

// LinkLocal is the link-local IPv6 address that goes with Addr, which every
// IPv6 interface must have (RFC 4291, section 2.1).
func LinkLocal(number uint32) netip.Addr {
	ip := [16]byte{0: 0xfe, 1: 0x80}
	binary.BigEndian.PutUint32(ip[12:], number)
	return netip.AddrFrom16(ip)
}

// MayPublish tells whether the host port may be published.
func (p *Policy) MayPublish(port uint16) bool {
	for _, s := range p.Publish {
		if s.First <= port && port <= s.Last {
			return true
		}
	}
	return false
}

// Allows tells whether a user with these groups may use the network.
func (p *Policy) Allows(uid uint32, groups []uint32) bool {
	if p.everybody {
		return true
	}
	for _, u := range p.users {
		if u == uid {
			return true
		}
	}
	for _, g := range p.groups {
		for _, his := range groups {
			if g == his {
				return true
			}
		}
	}
	return false
}
