package netplumb

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
	"unc/internal/policy"
)

// What the network lets through is tried with packets, on a host with a neighbour on
// its LAN and containers on its bridge.

// hostAt and neighbourAt are the addresses on the LAN, by whether they are IPv6.
var (
	hostAt      = map[bool]netip.Addr{false: netip.MustParseAddr("192.0.2.1"), true: netip.MustParseAddr("2001:db8:1::1")}
	neighbourAt = map[bool]netip.Addr{false: netip.MustParseAddr("192.0.2.2"), true: netip.MustParseAddr("2001:db8:1::2")}
)

type site struct {
	c         *conn
	p         *policy.Policy
	bridge    int
	host, lan int // namespaces
}

// box is a container.
type box struct {
	netns  int
	number uint32
	link   int
}

// newSite is a host on which frames from port to port do, or don't, meet the IP
// rules as well, which is what br_netfilter is for.
func newSite(t *testing.T, netfilter bool) *site {
	t.Helper()
	needIPv6(t)
	s := &site{c: testNetns(t), p: defaultPolicy()}
	s.host = host(t)
	for _, name := range []string{"bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables"} {
		_, err := os.Stat("/proc/sys/net/" + name)
		switch {
		case err == nil && netfilter:
			setting(t, name, "1")
		case err == nil:
			setting(t, name, "0")
		case netfilter:
			t.Skip("br_netfilter is not loaded: sudo modprobe br_netfilter")
		}
	}
	setting(t, "ipv4/ip_forward", "0")
	setting(t, "ipv6/conf/all/forwarding", "0")
	setUpByName(t, "lo")
	s.lan, _ = otherNetns(t)
	err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "out"}, PeerName: "lan", PeerNamespace: netlink.NsFd(s.lan)})
	if err != nil {
		t.Fatal(err)
	}
	out := setUpByName(t, "out")
	addAddress(t, out, hostAt[false].String()+"/24")
	addAddress(t, out, hostAt[true].String()+"/64")
	inside(t, s.lan, func() error {
		lan := setUpByName(t, "lan")
		addAddress(t, lan, neighbourAt[false].String()+"/24")
		addAddress(t, lan, neighbourAt[true].String()+"/64")
		return nil
	})
	s.bridge = furnished(t, s.c, s.p)
	return s
}

// onBoth runs a test on a host without br_netfilter, and on one with it.
func onBoth(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	for name, netfilter := range map[string]bool{"without br_netfilter": false, "with br_netfilter": true} {
		t.Run(name, func(t *testing.T) { test(t, newSite(t, netfilter)) })
	}
}

// start makes a container of a user, with an address and published ports. Their
// sockets are those of who runs this test, and stay open until it ends.
func (s *site) start(t *testing.T, owner, number uint32, publish ...string) *box {
	t.Helper()
	netns, there := otherNetns(t)
	slot, err := freeSlot(s.c, s.p, owner)
	if err != nil {
		t.Fatal(err)
	}
	asked := mappings(t, publish...)
	sockets, err := published(t, s.host, s.p, asked...)
	if err != nil {
		t.Fatal(err)
	}
	w := wiring{policy: s.p, owner: owner, bridge: s.bridge, mtu: 1500}
	if _, err := takeLease(s.c, w, netns, slot, Request{Address: s.p.Addr(number), Publish: asked}, sockets); err != nil {
		t.Fatal(err)
	}
	news := linkNews(t)
	if err := Configure(asFile(t, there), (&job{wiring: w}).network(number, nil)); err != nil {
		t.Fatal(err)
	}
	// The bridge hears a moment later that the other end is up (net/core/link_watch.c);
	// until then it drops what is for the port.
	buf := make([]byte, 32<<10)
	name := lease.Name(s.p.Addr(number))
	for linkNamed(t, name).Attrs().OperState != netlink.OperUp {
		if _, err := unix.Read(news, buf); err != nil {
			t.Fatalf("waiting for %q: %v", name, err)
		}
	}
	b := &box{netns: netns, number: number, link: linkNamed(t, name).Attrs().Index}
	// And the container's IPv6 takes its addresses for its own a moment later as well
	// (addrconf_dad_work in net/ipv6/addrconf.c). Who asks for a port that nobody has,
	// asks until he is refused.
	for _, is6 := range []bool{false, true} {
		if err := answered(t, begun(t, s.host, netip.AddrPortFrom(s.addr(b, is6), 9))); !errors.Is(err, unix.ECONNREFUSED) {
			t.Fatalf("waiting for %v: got %v, want %v", s.addr(b, is6), err, unix.ECONNREFUSED)
		}
	}
	return b
}

func (s *site) addr(b *box, is6 bool) netip.Addr {
	if is6 {
		return s.p.Addr6(b.number)
	}
	return s.p.Addr(b.number)
}

// socket opens one in a namespace. Who waits for something there waits for so long
// that it is a failed test.
func socket(t *testing.T, netns, kind int, is6 bool) int {
	t.Helper()
	family := unix.AF_INET
	if is6 {
		family = unix.AF_INET6
	}
	fd := -1
	inside(t, netns, func() (err error) {
		fd, err = unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if fd < 0 {
		t.FailNow()
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// hangUp closes a socket before the test ends, but for its descriptor.
func hangUp(t *testing.T, fd int) {
	t.Helper()
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	if err := unix.Dup3(null, fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
}

// bound is a socket that waits at a port.
func bound(t *testing.T, netns, kind int, is6 bool, port uint16) int {
	t.Helper()
	fd := socket(t, netns, kind, is6)
	every := netip.IPv4Unspecified()
	if is6 {
		every = netip.IPv6Unspecified()
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(every, port))); err != nil {
		t.Fatalf("binding to port %d: %v", port, err)
	}
	return fd
}

func listening(t *testing.T, netns int, is6 bool, port uint16) int {
	t.Helper()
	fd := bound(t, netns, unix.SOCK_STREAM, is6, port)
	if err := unix.Listen(fd, 16); err != nil {
		t.Fatal(err)
	}
	return fd
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func addrPort(a unix.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// toUDP is a socket that sends to an address.
func toUDP(t *testing.T, netns int, to netip.AddrPort) int {
	t.Helper()
	fd := socket(t, netns, unix.SOCK_DGRAM, to.Addr().Is6())
	if err := unix.Connect(fd, sockaddr(to)); err != nil {
		t.Fatal(err)
	}
	return fd
}

func sent(t *testing.T, fd int, text string) {
	t.Helper()
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// heard waits for one datagram, and says whom it was from.
func heard(fd int) (string, netip.AddrPort, error) {
	buf := make([]byte, 64<<10)
	n, from, err := unix.Recvfrom(fd, buf, 0)
	if err != nil {
		return "", netip.AddrPort{}, err
	}
	return string(buf[:n]), addrPort(from), nil
}

// begun is a connection that has been asked for.
func begun(t *testing.T, netns int, to netip.AddrPort) int {
	t.Helper()
	fd := socket(t, netns, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, to.Addr().Is6())
	if err := unix.Connect(fd, sockaddr(to)); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		t.Fatal(err)
	}
	return fd
}

// answered waits for what comes of it.
func answered(t *testing.T, fd int) error {
	t.Helper()
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	for end := time.Now().Add(5 * time.Second); ; {
		n, err := unix.Poll(poll, int(time.Until(end).Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == 0:
			return unix.ETIMEDOUT
		}
		errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && errno != 0 {
			err = unix.Errno(errno)
		}
		return err
	}
}

// synSent is TCP_SYN_SENT of linux/net/tcp_states.h: nobody has answered.
const synSent = 2

func tcpState(t *testing.T, fd int) uint8 {
	t.Helper()
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		t.Fatal(err)
	}
	return info.State
}

// caller is where somebody asks for a published port.
type caller struct {
	name  string
	netns int
	is6   bool
}

func (c caller) String() string {
	if c.is6 {
		return c.name + " by IPv6"
	}
	return c.name + " by IPv4"
}

func (c caller) to(port uint16) netip.AddrPort { return netip.AddrPortFrom(hostAt[c.is6], port) }

// callers are the neighbour, whose packets the host routes, and a third user's
// container, whose packets it may bridge.
func (s *site) callers(t *testing.T) (list []caller) {
	t.Helper()
	third := s.start(t, owner+100, 200)
	for _, is6 := range []bool{false, true} {
		list = append(list, caller{"a neighbour", s.lan, is6}, caller{"a container", third.netns, is6})
	}
	return list
}

// server is a container's program at two ports.
type server struct{ tcp, udp map[bool]int }

func serve(t *testing.T, b *box, tcp, udp uint16) server {
	t.Helper()
	v := server{map[bool]int{}, map[bool]int{}}
	for _, is6 := range []bool{false, true} {
		v.tcp[is6], v.udp[is6] = listening(t, b.netns, is6, tcp), bound(t, b.netns, unix.SOCK_DGRAM, is6, udp)
	}
	return v
}

// wantUDP has a published port lead to the server's.
func (v server) wantUDP(t *testing.T, from caller, port uint16, text string) (sender int) {
	t.Helper()
	sender = toUDP(t, from.netns, from.to(port))
	sent(t, sender, text)
	if got, _, err := heard(v.udp[from.is6]); err != nil || got != text {
		t.Errorf("%v to UDP port %d: got %.20q of %d bytes, %v; want %.20q of %d", from, port, got, len(got), err, text, len(text))
	}
	return sender
}

func (v server) wantTCP(t *testing.T, from caller, port uint16) {
	t.Helper()
	client := begun(t, from.netns, from.to(port))
	if err := answered(t, client); err != nil {
		t.Errorf("%v to TCP port %d: %v", from, port, err)
		return
	}
	fd, _, err := unix.Accept4(v.tcp[from.is6], unix.SOCK_CLOEXEC)
	if err != nil {
		t.Errorf("%v to TCP port %d: it was answered, and by another: %v", from, port, err)
		return
	}
	unix.Close(fd)
}

// wantNoUDP has nothing of what a socket sends reach the server. It has had the time
// for it when what is sent next reaches the witness.
func (v server) wantNoUDP(t *testing.T, from caller, sender int, text string, w witness) {
	t.Helper()
	sent(t, sender, text)
	w.watch(t, from)
	v.wantNoDatagram(t, from)
}

func (v server) wantNoDatagram(t *testing.T, from caller) {
	t.Helper()
	buf := make([]byte, 64<<10)
	if n, _, err := unix.Recvfrom(v.udp[from.is6], buf, unix.MSG_DONTWAIT); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("%v: got %.20q, %v, want nothing", from, buf[:max(n, 0)], err)
	}
}

func (v server) wantNoTCP(t *testing.T, from caller, port uint16, w witness) {
	t.Helper()
	client := begun(t, from.netns, from.to(port))
	w.watch(t, from)
	if got := tcpState(t, client); got != synSent {
		t.Errorf("%v to TCP port %d: the connection is in state %d, want %d", from, port, got, synSent)
	}
	poll := []unix.PollFd{{Fd: int32(v.tcp[from.is6]), Events: unix.POLLIN}}
	if n, err := unix.Poll(poll, 0); n != 0 || err != nil {
		t.Errorf("%v to TCP port %d: got %d connections, %v, want none", from, port, n, err)
	}
}

// witness is a container with a published port to which all gets through, in the
// order in which it was sent.
type witness struct{ server }

const witnessPort = 6000

func (s *site) witness(t *testing.T) witness {
	t.Helper()
	b := s.start(t, uint32(os.Getuid()), 201, fmt.Sprintf("udp * %d 60", witnessPort))
	return witness{serve(t, b, 60, 60)}
}

func (w witness) watch(t *testing.T, from caller) {
	t.Helper()
	w.wantUDP(t, from, witnessPort, "after "+from.String())
}

// reachable has the host itself reach a container's program, past all doors: what does
// not arrive there from elsewhere was stopped on the way.
func (s *site) reachable(t *testing.T, b *box, v server, udp uint16) {
	t.Helper()
	for _, is6 := range []bool{false, true} {
		sent(t, toUDP(t, s.host, netip.AddrPortFrom(s.addr(b, is6), udp)), "from the host")
		if got, _, err := heard(v.udp[is6]); got != "from the host" || err != nil {
			t.Fatalf("from the host: got %q, %v", got, err)
		}
	}
}
