package filter

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/policy"
)

// The rules that publish a port are tried with packets: whatever is for a
// container's address is delivered on the spot, because all of the subnet is the
// test host's own, and says which address and port it came to.

// fromOutside is who sends; theHost is whom he sends to.
var (
	fromOutside = map[bool]netip.Addr{false: netip.MustParseAddr("192.0.2.2"), true: netip.MustParseAddr("2001:db8::2")}
	theHost     = map[bool]netip.Addr{false: netip.MustParseAddr("192.0.2.1"), true: netip.MustParseAddr("2001:db8::1")}
)

// outside makes a second network namespace with a wire to the test's, and returns it.
func outside(t *testing.T) *os.File {
	t.Helper()
	const self = "/proc/thread-self/ns/net"
	home, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	away, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { away.Close() })
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	wire := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: "eth0"},
		PeerName:  "lan0", PeerNamespace: netlink.NsFd(away.Fd()),
	}
	if err := netlink.LinkAdd(wire); err != nil {
		t.Fatal(err)
	}
	setUp(t, "eth0", theHost)
	setUp(t, "lo", nil)
	inNetns(t, away, func() { setUp(t, "lan0", fromOutside) })
	return away
}

// inNetns runs f in another namespace.
func inNetns(t *testing.T, netns *os.File, f func()) {
	t.Helper()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	if err := unix.Setns(int(netns.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Error(err)
		}
	}()
	f()
}

func setUp(t *testing.T, name string, addresses map[bool]netip.Addr) {
	t.Helper()
	link, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	for is6, a := range addresses {
		bits := 24
		if is6 {
			bits = 64
		}
		addr := &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(bits, a.BitLen())}, Flags: unix.IFA_F_NODAD}
		if err := netlink.AddrAdd(link, addr); err != nil {
			t.Fatal(err)
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
}

// ownAll makes all addresses of the prefix the host's own.
func ownAll(t *testing.T, p netip.Prefix) {
	t.Helper()
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	err = netlink.RouteReplace(&netlink.Route{
		LinkIndex: lo.Attrs().Index, Table: unix.RT_TABLE_LOCAL, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST,
		Dst: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())},
	})
	if err != nil {
		t.Fatalf("making %v the host's own: %v", p, err)
	}
}

// bound opens a UDP socket at all addresses of one family, which says where what
// it gets was sent to.
func bound(t *testing.T, is6 bool, port uint16) int {
	t.Helper()
	family, level, option := unix.AF_INET, unix.SOL_IP, unix.IP_PKTINFO
	every := netip.IPv4Unspecified()
	if is6 {
		family, level, option, every = unix.AF_INET6, unix.SOL_IPV6, unix.IPV6_RECVPKTINFO, netip.IPv6Unspecified()
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if is6 {
		err = unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_V6ONLY, 1)
	}
	err = errors.Join(err,
		unix.SetsockoptInt(fd, level, option, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}),
		unix.Bind(fd, sockaddr(netip.AddrPortFrom(every, port))))
	if err != nil {
		t.Fatalf("binding to port %d: %v", port, err)
	}
	return fd
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// arrived reads one datagram and the address that it was sent to.
func arrived(fd int) (text string, at netip.Addr, err error) {
	data, control := make([]byte, 64), make([]byte, 256)
	n, nc, _, _, err := unix.Recvmsg(fd, data, control, 0)
	if err != nil {
		return "", at, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:nc])
	if err != nil {
		return "", at, err
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.SOL_IP && m.Header.Type == unix.IP_PKTINFO:
			at, _ = netip.AddrFromSlice(m.Data[8:12]) // ipi_addr of struct in_pktinfo
		case m.Header.Level == unix.SOL_IPV6 && m.Header.Type == unix.IPV6_PKTINFO:
			at, _ = netip.AddrFromSlice(m.Data[:16])
		}
	}
	return string(data[:n]), at, nil
}

// lastSource counts up the ports that are sent from: a connection that the kernel
// knows keeps going where it went first.
var lastSource atomic.Uint32

// send sends the text as a new connection.
func send(t *testing.T, from *os.File, to netip.AddrPort, text string) {
	t.Helper()
	inNetns(t, from, func() {
		source := netip.AddrPortFrom(fromOutside[to.Addr().Is6()], 30000+uint16(lastSource.Add(1)))
		c, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(source), net.UDPAddrFromAddrPort(to))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	})
}

func mark(t *testing.T, fd int, mark uint32) {
	t.Helper()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(mark)); err != nil {
		t.Fatal(err)
	}
}

// numbersToTry are the first, the last, and on either side of each power of two.
func numbersToTry(p *policy.Policy) []uint32 {
	first, last := p.Numbers()
	list := []uint32{first, last}
	for power := uint32(4); power <= last; power *= 2 {
		list = append(list, power-1, power)
		if power < last {
			list = append(list, power+1)
		}
	}
	return list
}

const hostPort = 20000

func TestAMarkLeadsToItsAddressAndPort(t *testing.T) {
	testNetns(t)
	lan := outside(t)
	ports := []uint16{1, 80, 255, 256, 0x7474, 65535}
	for _, is6 := range []bool{false, true} {
		public, containers := bound(t, is6, hostPort), map[uint16]int{}
		for _, port := range ports {
			containers[port] = bound(t, is6, port)
		}
		for bits := 16; bits <= 28; bits++ {
			p := defaults()
			// All bits that are the subnet's are ones, and then few are.
			for _, base := range []string{"10.255.255.255", "172.16.64.128"} {
				p.Subnet = netip.PrefixFrom(netip.MustParseAddr(base), bits).Masked()
				mustWrite(t, p, Routed{})
				ownAll(t, p.Subnet)
				ownAll(t, p.Subnet6)
				for i, number := range numbersToTry(p) {
					port := ports[i%len(ports)]
					mark(t, public, Mark(number, port))
					want := p.Addr(number)
					if is6 {
						want = p.Addr6(number)
					}
					text := fmt.Sprintf("%v number %d", p.Subnet, number)
					send(t, lan, netip.AddrPortFrom(theHost[is6], hostPort), text)
					got, at, err := arrived(containers[port])
					if err != nil || got != text || at != want {
						t.Errorf("%v: number %d and port %d lead %q to %v, %v; want %v", p.Subnet, number, port, got, at, err, want)
					}
				}
			}
		}
	}
}

// What is for a socket without unc's mark, or for an address that is not the
// host's, is nobody's business.
func TestOnlyMarkedSocketsAreRedirected(t *testing.T) {
	testNetns(t)
	lan := outside(t)
	p := defaults()
	mustWrite(t, p, Routed{})
	ownAll(t, p.Subnet)
	ownAll(t, p.Subnet6)
	magic, mask := Magic()
	for _, is6 := range []bool{false, true} {
		public, container := bound(t, is6, hostPort), bound(t, is6, 80)
		to := netip.AddrPortFrom(theHost[is6], hostPort)
		for _, m := range []uint32{0, 1, ^uint32(0), Mark(7, 80) ^ (mask & -mask), Mark(7, 80) &^ magic} {
			mark(t, public, m)
			text := fmt.Sprintf("with mark %#x", m)
			send(t, lan, to, text)
			if got, at, err := arrived(public); err != nil || got != text || at != theHost[is6] {
				t.Errorf("%s: %q came to %v, %v; want it at %v", text, got, at, err, theHost[is6])
			}
		}
		mark(t, public, Mark(7, 80))
		send(t, lan, to, "redirected")
		if got, _, err := arrived(container); err != nil || got != "redirected" {
			t.Errorf("with a mark of unc's: %q, %v", got, err)
		}
	}
}

// The rule has nothing to be removed: it acts as long as the socket is there.
func TestTheRuleEndsWithTheSocket(t *testing.T) {
	testNetns(t)
	lan := outside(t)
	p := defaults()
	mustWrite(t, p, Routed{})
	ownAll(t, p.Subnet)
	to := netip.AddrPortFrom(theHost[false], hostPort)
	container := bound(t, false, 80)
	for round := range 3 {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		mark(t, fd, Mark(uint32(7+round), 80))
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(netip.IPv4Unspecified(), hostPort))); err != nil {
			t.Fatal(err)
		}
		send(t, lan, to, "redirected")
		if got, at, err := arrived(container); err != nil || got != "redirected" || at != p.Addr(uint32(7+round)) {
			t.Errorf("published: %q came to %v, %v", got, at, err)
		}
		unix.Close(fd)
		next := bound(t, false, hostPort)
		send(t, lan, to, "his own")
		if got, at, err := arrived(next); err != nil || got != "his own" || at != theHost[false] {
			t.Errorf("the port's next owner: %q came to %v, %v", got, at, err)
		}
		unix.Close(next)
	}
}

// TestHostBits: no bit of a mark can reach beyond the subnet.
func TestHostBits(t *testing.T) {
	number := []byte{0, 0, 0xff &^ magicMask, 0xff}
	for bits, want := range map[int][]byte{
		16: {0, 0, 3, 0xff}, 21: {0, 0, 3, 0xff}, 22: {0, 0, 3, 0xff}, 23: {0, 0, 1, 0xff},
		24: {0, 0, 0, 0xff}, 25: {0, 0, 0, 0x7f}, 27: {0, 0, 0, 0x1f}, 28: {0, 0, 0, 0x0f},
	} {
		p := defaults()
		p.Subnet = netip.PrefixFrom(netip.MustParseAddr("10.255.255.255"), bits).Masked()
		if got := hostBits(p, number); !bytes.Equal(got, want) {
			t.Errorf("/%d: got % x, want % x", bits, got, want)
		}
	}
}
