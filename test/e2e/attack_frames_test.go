package e2e

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// street is a host where an attacker has two containers and a victim has one.
type street struct {
	*host
	lan               *host
	a, a2, v          *leg
	from              *tap // the attacker's eth0
	toA2, toV, toHost *tap // what the others get
	toLAN             *tap
	bridgeNF          bool // br_netfilter is on
}

// onAStreet runs a test with br_netfilter on and off.
func onAStreet(t *testing.T, test func(t *testing.T, s *street)) {
	t.Parallel()
	for name, on := range map[string]bool{"with br_netfilter": true, "without br_netfilter": false} {
		t.Run(name, func(t *testing.T) {
			h, lan := newNeighbours(t)
			h.bridgeNetfilter(t, on)
			s := &street{host: h, lan: lan, bridgeNF: on, a: h.leg(h.alice), a2: h.leg(h.alice), v: h.leg(h.bob)}
			s.from, s.toA2, s.toV = newTap(t, s.a, "eth0"), newTap(t, s.a2, "eth0"), newTap(t, s.v, "eth0")
			s.toHost, s.toLAN = newTap(t, h, "unc0"), newTap(t, lan, "gw0")
			test(t, s)
			for _, l := range []*leg{s.a, s.a2, s.v} {
				l.end()
			}
		})
	}
}

// fence returns when all that the attacker has sent so far is where it will ever be.
func (s *street) fence() {
	s.t.Helper()
	mark := token()
	s.from.send(udpFrame(s.a2.mac, s.a.mac, s.a.addr, s.a2.addr, mark))
	s.toA2.waits(mark)
}

// where lists who has got a frame with this in it.
func (s *street) where(what []byte) (places []string) {
	for _, p := range []struct {
		name string
		tap  *tap
	}{{"the host", s.toHost}, {"the other container", s.toA2}, {"the victim", s.toV}, {"the LAN", s.toLAN}} {
		if p.tap.got(what) {
			places = append(places, p.name)
		}
	}
	return places
}

// wrappings are ways to send a frame so that a filter may take it for something else.
var wrappings = []struct {
	name string
	wrap func(frame []byte) []byte
}{
	{"plain", func(f []byte) []byte { return f }},
	{"with a priority tag", func(f []byte) []byte { return tagged(f, typeVLAN, 0) }},
	{"with a priority", func(f []byte) []byte { return tagged(f, typeVLAN, 7<<13) }},
	{"in VLAN 5", func(f []byte) []byte { return tagged(f, typeVLAN, 5) }},
	{"in VLAN 1", func(f []byte) []byte { return tagged(f, typeVLAN, 1) }},
	{"with two tags", func(f []byte) []byte { return tagged(f, typeVLAN, 0, typeVLAN, 0) }},
	{"with two tags of VLANs", func(f []byte) []byte { return tagged(f, typeVLAN, 5, typeVLAN, 6) }},
	{"in 802.1ad", func(f []byte) []byte { return tagged(f, typeQinQ, 0) }},
	{"in 802.1ad and a tag", func(f []byte) []byte { return tagged(f, typeQinQ, 5, typeVLAN, 0) }},
	{"in LLC and SNAP", snap},
	{"in PPPoE", func(f []byte) []byte {
		protocol := 0x21
		if f[12] == 0x86 {
			protocol = 0x57
		}
		return join(f[:12], be16(typePPPoE), []byte{0x11, 0, 0, 1}, be16(len(f)-12), be16(protocol), f[14:])
	}},
	{"in MPLS", func(f []byte) []byte { return join(f[:12], be16(typeMPLS), []byte{0, 1, 1, 64}, f[14:]) }},
}

// TestSpoofedFramesGetNowhere: an address of somebody else's, of either layer, in
// whatever wrapping, to whatever address.
func TestSpoofedFramesGetNowhere(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		a := s.a
		// What must not matter is where a frame is sent: the guard is before all.
		destinations := []net.HardwareAddr{a.gatewayMAC, a.outerMAC, s.a2.mac, s.v.mac, broadcast, {0x01, 0, 0x5e, 0, 0, 1}, {0x33, 0x33, 0, 0, 0, 1}, a.mac, s.v.outerMAC}
		for n := range byte(16) {
			destinations = append(destinations, kept(n))
		}
		targets := map[bool][]netip.Addr{
			true:  {a.gateway, s.a2.addr, s.v.addr, netip.MustParseAddr(neighbourAddr), netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("224.0.0.1")},
			false: {a.gateway6, s.a2.addr6, s.v.addr6, netip.MustParseAddr(neighbourAddr6), netip.MustParseAddr("ff02::1")},
		}

		// All of it is seen where it should be when the addresses are right.
		for _, own := range []netip.Addr{a.addr, a.addr6, a.linkLocal} {
			for mac, seen := range map[string]*tap{string(a.gatewayMAC): s.toHost, string(a.outerMAC): s.toHost, string(s.a2.mac): s.toA2, string(broadcast): s.toHost} {
				mark := token()
				s.from.send(udpFrame(net.HardwareAddr(mac), a.mac, own, targets[own.Is4()][1], mark))
				seen.waits(mark)
			}
		}
		mark := token()
		s.from.send(arpFrame(broadcast, a.mac, 1, a.mac, a.addr, make(net.HardwareAddr, 6), s.a2.addr, mark))
		s.toHost.waits(mark)
		s.toA2.waits(mark)

		addrs := []string{
			s.v.addr.String(), s.v.addr6.String(), s.v.linkLocal.String(), s.a2.addr.String(), s.a2.addr6.String(), a.gateway.String(), a.gateway6.String(), "fe80::1",
			"0.0.0.0", "127.0.0.1", "255.255.255.255", "10.100.42.0", "10.100.42.255", neighbourAddr, hostAddr, "169.254.169.254", "224.0.0.1",
			"::", "::1", neighbourAddr6, hostAddr6, "fe80::dead", "ff02::1", "::ffff:10.100.42.1", "2002:0a64:2a01::1",
		}
		check := func(what string, frames map[string][]byte) {
			t.Helper()
			s.from.send(slices.Collect(maps.Values(frames))...)
			s.fence()
			for mark, frame := range frames {
				if places := s.where([]byte(mark)); len(places) > 0 {
					t.Errorf("%s: %s got the frame % x", what, strings.Join(places, " and "), frame)
				}
			}
		}
		for _, w := range wrappings {
			frames := map[string][]byte{}
			put := func(mark, frame []byte) {
				frame = w.wrap(frame)
				frames[string(mark)] = frame
			}
			for _, text := range addrs {
				spoofed := netip.MustParseAddr(text)
				for _, dst := range destinations {
					for _, to := range targets[spoofed.Is4()] {
						mark := token()
						put(mark, udpFrame(dst, a.mac, spoofed, to, mark))
					}
					if spoofed.Is4() {
						for op := 1; op <= 4; op++ {
							mark := token()
							put(mark, arpFrame(dst, a.mac, op, a.mac, spoofed, s.a2.mac, a.gateway, mark))
						}
						// Who announces himself, with a wrong address in one place or the other.
						mark := token()
						put(mark, arpFrame(dst, a.mac, 2, a.mac, spoofed, broadcast, spoofed, mark))
					}
				}
			}
			for _, dst := range destinations {
				for _, mac := range []net.HardwareAddr{s.v.mac, a.gatewayMAC, a.outerMAC, {2, 0, 0, 0, 0, 1}, make(net.HardwareAddr, 6), broadcast} {
					for _, own := range []netip.Addr{a.addr, a.addr6, a.linkLocal} {
						mark := token()
						put(mark, udpFrame(dst, mac, own, targets[own.Is4()][0], mark))
					}
					mark := token()
					put(mark, arpFrame(dst, mac, 2, a.mac, a.addr, a.gatewayMAC, a.gateway, mark))
					mark = token()
					put(mark, arpFrame(dst, a.mac, 2, mac, a.addr, a.gatewayMAC, a.gateway, mark))
				}
				if w.name != "plain" { // and in a wrapping not even what is right
					mark := token()
					put(mark, udpFrame(dst, a.mac, a.addr, a.gateway, mark))
					mark = token()
					put(mark, udpFrame(dst, a.mac, a.addr6, a.gateway6, mark))
					mark = token()
					put(mark, arpFrame(dst, a.mac, 1, a.mac, a.addr, make(net.HardwareAddr, 6), a.gateway, mark))
				}
			}
			check(w.name, frames)
		}
	})
}

// TestFramesToTheBridgesOwnAddresses: what a bridge does not forward but gives to
// the host does not reach the host's services, nor its queue of fragments.
func TestFramesToTheBridgesOwnAddresses(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		a := s.a
		conn := s.hears(t, "udp4", ":4001")
		conn6 := s.hears(t, "udp6", ":4001")
		reassembled := func() string {
			return s.root(`awk '/^Ip:/ && n++ { print $15 }' /proc/thread-self/net/snmp; grep Ip6ReasmReqds /proc/thread-self/net/snmp6`)
		}
		for _, c := range []struct {
			heard    func(mark []byte) bool
			from, to netip.Addr
		}{{conn, a.addr, a.gateway}, {conn6, a.addr6, a.gateway6}} {
			mark := token()
			s.from.send(udpFrame(a.gatewayMAC, a.mac, c.from, c.to, mark))
			eventually(t, "the host hearing what is right", func() bool { return c.heard(mark) })
			fragments := reassembled()
			for n := range byte(16) {
				for _, source := range []netip.Addr{c.from, c.to, map[bool]netip.Addr{true: s.v.addr, false: s.v.addr6}[c.from.Is4()]} {
					mark := token()
					s.from.send(udpFrame(kept(n), a.mac, source, c.to, mark))
					s.fence()
					if source != c.from && c.heard(mark) {
						t.Errorf("the host hears what is sent to %v from %v", kept(n), source)
					}
					if source != c.from {
						s.from.send(fragmentFrame(kept(n), a.mac, source, c.to))
					}
				}
			}
			s.fence()
			if now := reassembled(); now != fragments {
				t.Errorf("the host reassembles what is sent past the bridge's filter: %s, was %s", now, fragments)
			}
			if c.from.Is4() { // those of IPv6 are counted elsewhere, and not for each namespace
				s.from.send(fragmentFrame(a.gatewayMAC, a.mac, c.from, c.to))
				eventually(t, "a fragment counted when it is right", func() bool { return reassembled() != fragments })
			}
		}
	})
}

// portOf is the host's end of the pair that leads to a leg.
func portOf(l *leg) string { return fmt.Sprintf("uv%x", l.addr.As4()) }

// TestNobodyIsBelievedBehindAnothersPort: the bridge learns where an address is, from
// frames. None may make it look for another user's behind one's own port, not those
// that no filter of the bridge ever sees either.
func TestNobodyIsBelievedBehindAnothersPort(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		a, v := s.a, s.v
		entry := func(mac net.HardwareAddr) string {
			for line := range strings.Lines(s.root("bridge fdb show br unc0")) {
				if strings.HasPrefix(line, mac.String()+" ") {
					return strings.Fields(line)[2]
				}
			}
			return ""
		}
		// What is right is learned.
		for _, l := range []*leg{a, v} {
			tap := newTap(t, l, "eth0")
			tap.send(udpFrame(l.gatewayMAC, l.mac, l.addr, l.gateway, token()))
			eventually(t, "the bridge knowing who has spoken", func() bool { return entry(l.mac) == portOf(l) })
		}
		groups := []net.HardwareAddr{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, a.gatewayMAC, v.mac}
		for n := range byte(16) {
			groups = append(groups, kept(n))
		}
		for _, dst := range groups {
			s.from.send(
				udpFrame(dst, v.mac, v.addr, a.gateway, token()),
				udpFrame(dst, v.mac, a.addr, a.gateway, token()),
				arpFrame(dst, v.mac, 2, v.mac, v.addr, a.gatewayMAC, a.gateway, token()),
				ether(dst, v.mac, 0x8809, token()), ether(dst, v.mac, 0x88cc, token()), ether(dst, v.mac, 64, make([]byte, 64)))
			s.fence()
			if got, want := entry(v.mac), portOf(v); got != want {
				t.Fatalf("after frames to %v the bridge looks for %v at %q, want %q", dst, v.mac, got, want)
			}
		}
	})
}

// fragmentFrame is the first of several fragments.
func fragmentFrame(dst, src net.HardwareAddr, from, to netip.Addr) []byte {
	data := join(be16(4000), be16(4001), be16(1000), be16(0), make([]byte, 64))
	if from.Is4() {
		return ether(dst, src, typeIPv4, ip4Packet(from, to, unix.IPPROTO_UDP, 77, 0x2000, nil, data))
	}
	return ether(dst, src, typeIPv6, ipPacket(from, to, unix.IPPROTO_FRAGMENT, join([]byte{unix.IPPROTO_UDP, 0, 0, 1, 0, 0, 0, 77}, data)))
}

// hears opens a socket on the host, and tells what has come to it by now.
func (s *street) hears(t *testing.T, network, address string) func(what []byte) bool {
	t.Helper()
	var conn *net.UDPConn
	s.inHost(func() error {
		addr, err := net.ResolveUDPAddr(network, address)
		if err == nil {
			conn, err = net.ListenUDP(network, addr)
		}
		return err
	})
	t.Cleanup(func() { conn.Close() })
	raw, err := conn.SyscallConn()
	must(t, err)
	var all []byte
	return func(what []byte) bool {
		buf := make([]byte, 4096)
		must(t, raw.Control(func(fd uintptr) {
			for {
				n, _, err := unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
				if err != nil {
					return
				}
				all = append(all, buf[:n]...)
			}
		}))
		return strings.Contains(string(all), string(what))
	}
}

// TestNobodysNeighbourIsSomebodyElse: no message from a container changes where
// the host, or a container, thinks that another address is.
func TestNobodysNeighbourIsSomebodyElse(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		a, v := s.a, s.v
		all := netip.MustParseAddr("ff02::1")
		const solicited, override = 0x40, 0x20
		// knows makes the host believe that addr is at mac, as it does of a neighbour it has not asked for long.
		knows := func(addr netip.Addr, mac net.HardwareAddr) {
			s.root(`echo 0 >/proc/sys/net/ipv4/neigh/unc0/locktime; ip neigh replace "$1" lladdr "$2" dev unc0 nud stale`, addr.String(), mac.String())
		}
		at := func(addr netip.Addr) string {
			return strings.Join(strings.Fields(s.root(`ip neigh show "$1" dev unc0`, addr.String()))[1:3], " ")
		}
		type attack struct {
			name  string
			frame func(from *leg, victim netip.Addr) []byte
		}
		announce := func(flags, option byte) func(*leg, netip.Addr) []byte {
			return func(from *leg, victim netip.Addr) []byte {
				return icmp6Frame(multicastMAC(all), from.mac, from.addr6, all, neighbour(136, flags, option, victim, from.mac, nil))
			}
		}
		tell := func(source func(*leg) netip.Addr) func(*leg, netip.Addr) []byte {
			return func(from *leg, victim netip.Addr) []byte {
				return icmp6Frame(from.gatewayMAC, from.mac, source(from), from.gateway6, neighbour(136, solicited|override, 2, victim, from.mac, nil))
			}
		}
		ask := func(from *leg, victim netip.Addr) []byte {
			return icmp6Frame(from.gatewayMAC, from.mac, victim, from.gateway6, neighbour(135, 0, 1, from.gateway6, from.mac, nil))
		}
		extended := func(header func(next byte) (kind byte, bytes []byte)) func(*leg, netip.Addr) []byte {
			return func(from *leg, victim netip.Addr) []byte {
				kind, h := header(unix.IPPROTO_ICMPV6)
				m := icmp6(from.addr6, from.gateway6, neighbour(136, solicited|override, 2, victim, from.mac, nil))
				return ether(from.gatewayMAC, from.mac, typeIPv6, ipPacket(from.addr6, from.gateway6, kind, join(h, m)))
			}
		}
		for _, test := range []attack{
			{"an unsolicited advertisement to all", announce(override, 2)},
			{"an advertisement to the host", tell(func(l *leg) netip.Addr { return l.addr6 })},
			{"an advertisement from the link-local address", tell(func(l *leg) netip.Addr { return l.linkLocal })},
			{"a solicitation from there", ask},
			{"behind a hop-by-hop header", extended(func(next byte) (byte, []byte) { return 0, []byte{next, 0, 1, 4, 0, 0, 0, 0} })},
			{"behind a destination header", extended(func(next byte) (byte, []byte) { return 60, []byte{next, 0, 1, 4, 0, 0, 0, 0} })},
			{"behind two headers", extended(func(next byte) (byte, []byte) {
				return 0, []byte{60, 0, 1, 4, 0, 0, 0, 0, next, 0, 1, 4, 0, 0, 0, 0}
			})},
		} {
			t.Run(test.name, func(t *testing.T) {
				other := net.HardwareAddr{2, 0, 0, 0, 0, 9}
				knows(a.addr6, other)
				s.from.send(test.frame(a, a.addr6))
				s.fence()
				if got := at(a.addr6); got != "lladdr "+a.mac.String() {
					t.Fatalf("the host has the sender at %s, want %v: this changes nothing even where it may", got, a.mac)
				}
				for _, victim := range []netip.Addr{v.addr6, s.a2.addr6, v.linkLocal} {
					knows(victim, other)
					s.from.send(test.frame(a, victim))
					s.fence()
					if got := at(victim); got != "lladdr "+other.String() {
						t.Errorf("the host has %v at %s now, was %v", victim, got, other)
					}
				}
			})
		}
		for op, name := range map[int]string{1: "an ARP request", 2: "an ARP reply"} {
			t.Run(name, func(t *testing.T) {
				other := net.HardwareAddr{2, 0, 0, 0, 0, 9}
				// The kernel heeds no second change in the same tick: the one that works shows that it has passed.
				changes := func() {
					knows(a.addr, other)
					eventually(t, "the host knowing where the sender is", func() bool {
						s.from.send(arpFrame(a.gatewayMAC, a.mac, op, a.mac, a.addr, a.gatewayMAC, a.gateway, nil))
						s.fence()
						return at(a.addr) == "lladdr "+a.mac.String()
					})
				}
				for _, dst := range []net.HardwareAddr{a.gatewayMAC, broadcast, a.outerMAC, kept(2), kept(0), kept(14)} {
					knows(v.addr, other)
					changes()
					s.from.send(arpFrame(dst, a.mac, op, a.mac, v.addr, a.gatewayMAC, a.gateway, nil),
						arpFrame(dst, a.mac, op, a.mac, v.addr, broadcast, v.addr, nil))
					s.fence()
					if got := at(v.addr); got != "lladdr "+other.String() {
						t.Errorf("to %v: the host has %v at %s now, was %v", dst, v.addr, got, other)
					}
				}
			})
		}
	})
}

// TestWhatOnlyRoutersSay: no container is a router or a server of addresses to others.
func TestWhatOnlyRoutersSay(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		a := s.a
		all := netip.MustParseAddr("ff02::1")
		head := func(kind byte, h []byte, message []byte) []byte {
			return ether(multicastMAC(all), a.mac, typeIPv6, ipPacket(a.linkLocal, all, kind, join(h, icmp6(a.linkLocal, all, message))))
		}
		fragment := func(next byte, flags int) []byte { return join([]byte{next, 0}, be16(flags), []byte{0, 0, 0, 9}) }
		options := []byte{unix.IPPROTO_ICMPV6, 0, 1, 4, 0, 0, 0, 0}
		frames := map[string]func(router bool, mark []byte) []byte{}
		for name, h := range map[string]struct {
			kind  byte
			bytes []byte
		}{
			"plain":                        {unix.IPPROTO_ICMPV6, nil},
			"behind a hop-by-hop header":   {0, options},
			"behind a destination header":  {60, options},
			"behind a routing header":      {43, []byte{unix.IPPROTO_ICMPV6, 0, 4, 0, 0, 0, 0, 0}},
			"behind a fragment header":     {44, fragment(unix.IPPROTO_ICMPV6, 0)},
			"in a first fragment":          {44, fragment(unix.IPPROTO_ICMPV6, 1)},
			"behind two headers":           {0, join([]byte{60, 0, 1, 4, 0, 0, 0, 0}, options)},
			"behind options in a fragment": {44, join(fragment(60, 1), options)},
		} {
			frames[name] = func(router bool, mark []byte) []byte {
				message := routerAdvertisement(a.mac, mark)
				if !router {
					message = neighbour(136, 0, 2, a.linkLocal, a.mac, mark)
				}
				return head(h.kind, h.bytes, message)
			}
		}
		frames["a redirect"] = func(router bool, mark []byte) []byte {
			message := join([]byte{137, 0, 0, 0, 0, 0, 0, 0}, a.addr6.AsSlice(), s.v.addr6.AsSlice(), neighbour(0, 0, 0, all, nil, mark)[24:])
			if !router {
				message[0] = 128
			}
			return icmp6Frame(multicastMAC(all), a.mac, a.linkLocal, all, message)
		}
		served := func(from, to netip.Addr, port, client int) func(bool, []byte) []byte {
			return func(router bool, mark []byte) []byte {
				if !router {
					return ether(broadcast, a.mac, typeOf(from), udpPacket(from, to, client, port, mark))
				}
				return ether(broadcast, a.mac, typeOf(from), udpPacket(from, to, port, client, mark))
			}
		}
		frames["a DHCP offer"] = served(a.addr, netip.MustParseAddr("255.255.255.255"), 67, 68)
		frames["a DHCPv6 answer"] = served(a.linkLocal, all, 547, 546)
		for name, frame := range frames {
			t.Run(name, func(t *testing.T) {
				// Where br_netfilter waits for the other fragments, one gets nowhere by itself.
				if !s.bridgeNF || !strings.Contains(name, "in a ") {
					mark := token()
					s.from.send(frame(false, mark))
					s.toA2.waits(mark)
					s.toHost.waits(mark)
				}
				mark := token()
				s.from.send(frame(true, mark))
				s.fence()
				if places := s.where(mark); len(places) > 0 {
					t.Errorf("%s got it", strings.Join(places, " and "))
				}
			})
		}
	})
}

// TestWhatIsForTheHostAlone: what routers are told, and who asks for the gateway, is not for each of
// a thousand containers; what is for all still is.
func TestWhatIsForTheHostAlone(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		group := func(kind byte, to, about netip.Addr) func(mark []byte) []byte {
			return func(mark []byte) []byte {
				options := []byte{unix.IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0} // a router alert (RFC 2711), as reports have
				message := icmp6(s.a.linkLocal, to, neighbour(kind, 0, 1, about, s.a.mac, mark))
				return ether(multicastMAC(to), s.a.mac, typeIPv6, ipPacket(s.a.linkLocal, to, 0, join(options, message)))
			}
		}
		to := netip.MustParseAddr
		asking := func(target netip.Addr) func(mark []byte) []byte {
			if target.Is6() {
				b := target.As16()
				return group(135, to(fmt.Sprintf("ff02::1:ff%02x:%02x%02x", b[13], b[14], b[15])), target) // RFC 4291, section 2.7.1
			}
			return func(mark []byte) []byte {
				return arpFrame(broadcast, s.a.mac, 1, s.a.mac, s.a.addr, make(net.HardwareAddr, 6), target, mark)
			}
		}
		host, all := []string{"the host"}, []string{"the host", "the other container"}
		for _, test := range []struct {
			name  string
			frame func(mark []byte) []byte
			want  []string
		}{
			{"a report of a group", group(131, to("ff02::1:3"), to("ff02::1:3")), host},
			{"the end of a report", group(132, to("ff02::2"), to("ff02::2")), host},
			{"a search for routers", group(133, to("ff02::2"), to("ff02::2")), host},
			{"a report of groups", group(143, to("ff02::16"), to("ff02::16")), host},
			{"a search for the gateway by ARP", asking(s.a.gateway), host},
			{"a search for the gateway", asking(s.a.gateway6), host},
			{"a search for the gateway on the link", asking(to("fe80::1")), host},
			{"a search for a container by ARP", asking(s.a2.addr), all},
			{"a search for a container", asking(s.a2.addr6), all},
			{"a search for a container on the link", asking(s.a2.linkLocal), all},
		} {
			t.Run(test.name, func(t *testing.T) {
				mark := token()
				s.from.send(test.frame(mark))
				s.toHost.waits(mark)
				s.fence()
				if got := s.where(mark); !slices.Equal(got, test.want) {
					t.Errorf("got to %q, want %q", got, test.want)
				}
			})
		}
	})
}

// TestOwnersChangeTheirEnd: an owner may do what he likes with his end of the
// pair; what he then sends is still his address's alone.
func TestOwnersChangeTheirEnd(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		const pings = "ping -c 1 -W 1 "
		s.a.do(pings + s.a2.addr.String())
		s.a.do(pings + "10.100.42.1")
		nobodys := netip.MustParseAddr("10.100.42.254")
		for slices.Contains([]netip.Addr{s.a.addr, s.a2.addr, s.v.addr}, nobodys) {
			nobodys = nobodys.Prev()
		}
		for name, c := range map[string]struct{ change, undo string }{
			"another MAC address":      {"ip link set eth0 address 02:00:00:00:00:07", "ip link set eth0 address " + s.a.mac.String()},
			"the victim's MAC address": {"ip link set eth0 address " + s.v.mac.String(), "ip link set eth0 address " + s.a.mac.String()},
			"a macvlan": {
				fmt.Sprintf("ip addr del %v/24 dev eth0 && ip link add mv0 link eth0 type macvlan mode bridge && ip link set mv0 up && ip addr add %v/24 dev mv0", s.a.addr, s.a.addr),
				fmt.Sprintf("ip link del mv0; ip addr add %v/24 dev eth0", s.a.addr),
			},
			"a VLAN of its own": {
				fmt.Sprintf("ip addr del %v/24 dev eth0 && ip link add link eth0 name eth0.5 type vlan id 5 && ip link set eth0.5 up && ip addr add %v/24 dev eth0.5", s.a.addr, s.a.addr),
				fmt.Sprintf("ip link del eth0.5; ip addr add %v/24 dev eth0", s.a.addr),
			},
			"the victim's address":  {fmt.Sprintf("ip addr del %v/24 dev eth0 && ip addr add %v/24 dev eth0", s.a.addr, s.v.addr), fmt.Sprintf("ip addr del %v/24 dev eth0; ip addr add %v/24 dev eth0", s.v.addr, s.a.addr)},
			"one that nobody has":   {fmt.Sprintf("ip addr del %v/24 dev eth0 && ip addr add %v/24 dev eth0", s.a.addr, nobodys), fmt.Sprintf("ip addr del %v/24 dev eth0; ip addr add %v/24 dev eth0", nobodys, s.a.addr)},
			"the gateway's address": {fmt.Sprintf("ip addr del %v/24 dev eth0 && ip addr add 10.100.42.1/24 dev eth0", s.a.addr), fmt.Sprintf("ip addr del 10.100.42.1/24 dev eth0; ip addr add %v/24 dev eth0", s.a.addr)},
		} {
			t.Run(name, func(t *testing.T) {
				s.a.do(c.change + "; ip neigh flush all")
				for _, to := range []string{s.a2.addr.String(), "10.100.42.1", neighbourAddr} {
					if to == "10.100.42.1" && name == "the gateway's address" {
						continue // that is itself
					}
					if out, code := s.a.try(pings + to); code == 0 {
						t.Errorf("%s is answered: %s", to, out)
					}
				}
				s.a.do(c.undo + "; ip route replace default via 10.100.42.1; ip neigh flush all")
				s.a.do(pings + s.a2.addr.String())
				s.a.do(pings + "10.100.42.1")
			})
		}
	})
}
