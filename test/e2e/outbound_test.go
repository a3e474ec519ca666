package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// What containers send to the outside comes from the host, and from none of the
// ports that others trust.
func TestOutbound(t *testing.T) {
	t.Parallel()
	for _, bridged := range []bool{true, false} {
		t.Run(fmt.Sprintf("br_netfilter %v", bridged), func(t *testing.T) {
			t.Parallel()
			h, lan := newNeighbours(t)
			h.bridgeNetfilter(t, bridged)
			c := h.container(h.alice, busyboxRootfs(t, h.alice))
			for _, address := range []string{neighbourAddr, beyondAddr, neighbourAddr6, beyondAddr6} {
				from := hostAddr
				if strings.Contains(address, ":") {
					from = hostAddr6
				}
				for _, network := range []string{"tcp", "udp"} {
					answering(t, lan, network, at(address, 9000), "lan")
					for _, port := range []int{700, 1023, 0} {
						r, err := askFromPort(c, network, address, port)
						if err != nil || r.word != "lan" || r.from.Addr().String() != from || r.from.Port() < 1024 {
							t.Errorf("from port %d to %s %s: %q, asked from %v, %v; want the LAN's answer, asked from %s and a port from 1024 on", port, network, address, r.word, r.from, err, from)
						}
					}
				}
				c.do("ping -c 1 -W 5 " + address)
			}
			// A packet that says it can't be cut arrives, as long as the way is wide.
			c.do("ping -c 1 -W 5 -s 1472 " + beyondAddr)
			if routes := h.root("ip -6 route show table all"); strings.Contains(routes, " dev uv") {
				t.Errorf("the host's table of IPv6 routes has one for each container:\n%s", routes)
			}
			c.end()
			h.nothingLeft()
		})
	}
}

// askFromPort asks port 9000 of an address, from this port of the asking side's.
func askFromPort(p place, network, address string, port int) (reached, error) {
	from := &net.Dialer{Timeout: inTime}
	if port != 0 {
		if network == "udp" {
			from.LocalAddr = &net.UDPAddr{Port: port}
		} else {
			from.LocalAddr = &net.TCPAddr{Port: port}
		}
		// The same port to the next address: the last connection still winds down.
		from.Control = func(_, _ string, c syscall.RawConn) error {
			var failed error
			err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) })
			return errors.Join(err, failed)
		}
	}
	return askBy(p, func() (net.Conn, error) { return from.DialContext(context.Background(), network, at(address, 9000)) }, inTime)
}

// Nobody on the LAN gets at what is not published, and nothing else becomes routed
// because containers are.
func TestTheLANReachesNoContainer(t *testing.T) {
	t.Parallel()
	for _, publishing := range []bool{false, true} {
		t.Run(fmt.Sprintf("publishing %v", publishing), func(t *testing.T) {
			t.Parallel()
			needRoot(t)
			third := &host{t: t, netns: newNetns(t)} // before the host, and so closed after it is compared
			h, lan := newNeighbours(t)
			beside(h, third)
			var flags []string
			if publishing {
				flags = []string{"-p", "8080:80"}
			}
			c := h.container(h.alice, busyboxRootfs(t, h.alice), flags...)
			for _, network := range []string{"tcp", "udp"} {
				answering(t, c, network, ":81", "container")
				answering(t, third, network, ":81", "third")
			}
			lan.root(`ip route add 10.100.42.0/24 via "$1" && ip route add 198.18.0.0/24 via "$1"
				ip -6 route add fd00::/8 via "$2" && ip -6 route add 2001:db8:18::/64 via "$2"`, hostAddr, hostAddr6)
			for _, network := range []string{"tcp", "udp"} {
				// They can be reached, by whom they should be.
				asks(t, h, network, at(c.v4, 81), "container")
				asks(t, h, network, at(c.v6, 81), "container")
				asks(t, h, network, "198.18.0.3:81", "third")
				asks(t, h, network, "[2001:db8:18::3]:81", "third")
				asks(t, c, network, "198.18.0.3:81", "third", "198.18.0.2")
				asks(t, c, network, "[2001:db8:18::3]:81", "third", "2001:db8:18::2")
				for _, address := range []string{c.v4, c.v6, "198.18.0.3", "2001:db8:18::3"} {
					noAnswer(t, lan, network, at(address, 81))
				}
				for _, address := range []string{neighbourAddr, neighbourAddr6} {
					answering(t, lan, network, at(address, 82), "lan")
					asks(t, h, network, at(address, 82), "lan")
					noAnswer(t, third, network, at(address, 82))
				}
				noAnswer(t, third, network, at(c.v4, 81))
			}
			c.end()
			h.nothingLeft()
		})
	}
}

// beside adds a second network to the host, with a third machine on it.
func beside(h, third *host) {
	h.t.Helper()
	h.inHost(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "dmz0"
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "far0", PeerNamespace: netlink.NsFd(third.netns.Fd())})
	})
	connect := `ip link set "$1" addrgenmode none; ip link set "$1" up
		ip addr add "198.18.0.$2/24" dev "$1" && ip addr add "2001:db8:18::$2/64" dev "$1" nodad`
	h.root(connect, "dmz0", "2")
	third.root(connect+` && ip route add default via 198.18.0.2 && ip -6 route add default via 2001:db8:18::2`, "far0", "3")
	h.settle()
}

// Cloud providers tell a machine its secrets at link-local addresses.
func TestLinkLocalAddressesAreOutOfReach(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	lan.root("ip addr add 169.254.169.254/32 dev lo && ip addr add fd00:ec2::254/128 dev lo nodad")
	c := h.container(h.alice, busyboxRootfs(t, h.alice))
	for _, address := range []string{"169.254.169.254", "fd00:ec2::254"} {
		answering(t, lan, "tcp", at(address, 80), "secrets")
		answering(t, lan, "udp", at(address, 80), "secrets")
		asks(t, h, "tcp", at(address, 80), "secrets")
		noAnswer(t, c, "tcp", at(address, 80))
		noAnswer(t, c, "udp", at(address, 80))
	}
	c.end()
}

// A host that learns its default route from a router keeps on doing so.
func TestTheRouterAdvertisedRouteSurvives(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	h.root(`ip -6 route del default
		echo 1 >/proc/sys/net/ipv6/conf/lan0/accept_ra
		ip link set lan0 addrgenmode eui64
		ip addr add fe80::2/64 dev lan0 nodad`)
	// A router: a neighbour who says in passing that he is none would not be believed any more.
	lan.root("ip addr add fe80::1/64 dev gw0 nodad && echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
	h.advertised(lan, 1800)
	h.settle()
	rootfs := busyboxRootfs(t, h.alice)
	c := h.container(h.alice, rootfs, "-p", "8080:80")
	answering(t, lan, "tcp", at(beyondAddr6, 9000), "beyond")
	asks(t, c, "tcp", at(beyondAddr6, 9000), "beyond", hostAddr6)
	if route := h.root("ip -6 route show default"); !strings.Contains(route, "fe80::1 dev lan0 proto ra") {
		t.Errorf("the default route is %q, want the router's", route)
	}
	h.inHost(func() error {
		accept, err := os.ReadFile("/proc/sys/net/ipv6/conf/lan0/accept_ra")
		_, missing := os.Stat("/proc/sys/net/ipv6/conf/lan0/force_forwarding")
		want := "1"
		if missing != nil {
			want = "2" // this kernel has but one switch for IPv6, which turns accept_ra=1 off
		}
		if got := strings.TrimSpace(string(accept)); got != want {
			t.Errorf("accept_ra is %s, want %s", got, want)
		}
		return err
	})
	// The router says that it is none any more, and then that it is one again: the host hears both.
	h.advertised(lan, 0)
	h.advertised(lan, 1800)
	asks(t, c, "tcp", at(beyondAddr6, 9000), "beyond", hostAddr6)
	c.end()
}

// advertised has the LAN's router tell for how many seconds it is one, and returns
// when the host's routes say the same.
func (h *host) advertised(lan *host, seconds uint16) {
	h.t.Helper()
	// RFC 4861, section 4.2: hop limit, flags, router lifetime, reachable time, retransmission timer.
	message := append([]byte{134, 0, 0, 0, 64, 0, byte(seconds >> 8), byte(seconds)}, make([]byte, 8)...)
	send := func() error {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		index, err := net.InterfaceByName("gw0")
		if err != nil {
			return err
		}
		for _, option := range []int{unix.IPV6_MULTICAST_HOPS, unix.IPV6_UNICAST_HOPS} {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, option, 255); err != nil {
				return err
			}
		}
		if err := unix.Bind(fd, &unix.SockaddrInet6{Addr: netip.MustParseAddr("fe80::1").As16(), ZoneId: uint32(index.Index)}); err != nil {
			return err
		}
		return unix.Sendto(fd, message, 0, &unix.SockaddrInet6{Addr: netip.MustParseAddr("ff02::1").As16(), ZoneId: uint32(index.Index)})
	}
	lan.inHost(send)
	eventually(h.t, fmt.Sprintf("the route of a router for %d seconds", seconds), func() bool {
		there := false
		h.inHost(func() error {
			list, err := netlink.RouteListFiltered(unix.AF_INET6, &netlink.Route{Protocol: unix.RTPROT_RA}, netlink.RT_FILTER_PROTOCOL)
			for _, r := range list {
				there = there || r.Gw.String() == "fe80::1"
			}
			return err
		})
		return there == (seconds > 0)
	})
}

// A container sends nothing that does not fit the host's way out, and takes the
// word of routers further on for what does.
func TestPathMTU(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	h.root("ip link set lan0 mtu 1400")
	lan.root("ip link set gw0 mtu 1400")
	h.settle()
	narrow := h.container(h.alice, busyboxRootfs(t, h.alice))
	if got := strings.TrimSpace(narrow.do("cat /sys/class/net/eth0/mtu")); got != "1400" {
		t.Errorf("eth0 has an MTU of %s, want 1400", got)
	}
	for _, address := range []string{neighbourAddr, neighbourAddr6} {
		answering(t, lan, "tcp", at(address, 9000), "lan")
		echoes(t, narrow, at(address, 9000), 1<<20)
	}
	// From here on the way gets narrower: the host itself says so to the container.
	h.root(`ip route add 198.51.100.0/24 via "$1" mtu 1300 && ip -6 route add 2001:db8:7::/64 via "$2" mtu 1300`, neighbourAddr, neighbourAddr6)
	for _, address := range []string{beyondAddr, beyondAddr6} {
		answering(t, lan, "tcp", at(address, 9000), "beyond")
		echoes(t, narrow, at(address, 9000), 1<<20)
	}
	h.root(`ip route del 198.51.100.0/24 && ip -6 route del 2001:db8:7::/64`)
	narrow.end()
}

// echoes sends so much through a connection, and wants it back.
func echoes(t *testing.T, p place, address string, size int) {
	t.Helper()
	conn, err := dial(p, "tcp", address, inTime)
	if err != nil {
		t.Errorf("%s: %v", address, err)
		return
	}
	defer conn.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(make([]byte, size))
		sent <- errors.Join(err, conn.(*net.TCPConn).CloseWrite())
	}()
	got, err := io.Copy(io.Discard, conn)
	if err := errors.Join(err, <-sent); err != nil || got < int64(size) {
		t.Errorf("%s: %d bytes of %d came back, %v", address, got, size, err)
	}
}

// Without NAT there is the bridge and nothing else.
func TestWithoutNAT(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	etc := newPrivate(t, h)
	etc.policy(t, "NAT=no")
	rootfs := busyboxRootfs(t, h.alice)
	one, two := etc.container(h, h.alice, rootfs), etc.container(h, h.alice, rootfs)
	for _, network := range []string{"tcp", "udp"} {
		answering(t, two, network, ":80", "two")
		answering(t, h, network, ":81", "host")
		asks(t, one, network, at(two.v4, 80), "two", one.v4)
		asks(t, one, network, at(two.v6, 80), "two", one.v6)
		asks(t, one, network, at(gatewayAddr, 81), "host", one.v4)
		asks(t, h, network, at(two.v4, 80), "two", gatewayAddr)
		for _, address := range []string{neighbourAddr, neighbourAddr6, beyondAddr, beyondAddr6} {
			answering(t, lan, network, at(address, 82), "lan")
			asks(t, h, network, at(address, 82), "lan")
			noAnswer(t, one, network, at(address, 82))
		}
	}
	h.inHost(func() error {
		for _, name := range []string{"ipv4/conf/lan0/forwarding", "ipv6/conf/all/forwarding", "ipv4/ip_forward"} {
			value, err := os.ReadFile("/proc/sys/net/" + name)
			if err != nil || string(value) != "0\n" {
				t.Errorf("%s is %q, %v; want it as it was", name, value, err)
			}
		}
		return nil
	})
	one.end()
	two.end()
	etc.removeAll(h)
}

// Without access to the host, a container reaches no service of it, and yet all else.
func TestWithoutHostAccess(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	etc := newPrivate(t, h)
	etc.policy(t, "HOST_ACCESS=no")
	rootfs := busyboxRootfs(t, h.alice)
	serveNames(t, lan, neighbourAddr, map[string]string{"where.example.org.": "203.0.113.1"})
	web := etc.container(h, h.alice, rootfs, "--name", "web", "-p", "8080:80", "-p", "8080:80/udp")
	mate, bobs := etc.container(h, h.alice, rootfs), etc.container(h, h.bob, rootfs)
	gateway6 := h.gateway6()
	for _, network := range []string{"tcp", "udp"} {
		answering(t, h, network, ":81", "host")
		answering(t, web, network, ":80", "web")
		asks(t, lan, network, at(hostAddr, 81), "host") // it is there for others
		for _, address := range []string{gatewayAddr, gateway6, hostAddr, hostAddr6} {
			noAnswer(t, mate, network, at(address, 81))
			asks(t, mate, network, at(address, 8080), "web")
			asks(t, bobs, network, at(address, 8080), "web")
		}
		asks(t, lan, network, at(hostAddr, 8080), "web", neighbourAddr)
		asks(t, h, network, "127.0.0.1:8080", "web")
		asks(t, mate, network, at(web.v4, 80), "web", mate.v4)
		answering(t, lan, network, at(beyondAddr, 82), "lan")
		asks(t, mate, network, at(beyondAddr, 82), "lan", hostAddr)
	}
	mate.do("ping -c 1 -W 5 " + gatewayAddr + " && ping -c 1 -W 5 " + gateway6 + " && ping -c 1 -W 5 web && nslookup where.example.org")
	web.end()
	mate.end()
	bobs.end()
}
