package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNothingReachesAnotherOwner: not directly, and not by way of the host.
func TestNothingReachesAnotherOwner(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		a, v := s.a, s.v
		for _, c := range []struct{ from, other, to, gateway netip.Addr }{{a.addr, s.a2.addr, v.addr, a.gateway}, {a.addr6, s.a2.addr6, v.addr6, a.gateway6}} {
			mark := token()
			s.from.send(udpFrame(s.a2.mac, a.mac, c.from, c.other, mark))
			s.toA2.waits(mark)
			// What comes from the host, the victim gets.
			mark = token()
			s.inHost(func() error {
				conn, err := net.Dial("udp", at(c.to.String(), 4001))
				if err != nil {
					return err
				}
				defer conn.Close()
				_, err = conn.Write(mark)
				return err
			})
			s.toV.waits(mark)

			for _, dst := range []net.HardwareAddr{v.mac, v.outerMAC, a.gatewayMAC, a.outerMAC, broadcast, {0x01, 0, 0x5e, 0, 0, 1}, {0x33, 0x33, 0, 0, 0, 1}, kept(0), kept(2), kept(14), s.a2.mac} {
				var marks [][]byte
				try := func(frame func(mark []byte) []byte) {
					mark := token()
					marks = append(marks, mark)
					s.from.send(frame(mark))
				}
				for _, proto := range []byte{unix.IPPROTO_UDP, unix.IPPROTO_SCTP, unix.IPPROTO_IPIP, unix.IPPROTO_GRE, 253} {
					for range 2 { // twice, as the first of a connection is seen by more rules
						try(func(mark []byte) []byte {
							if proto == unix.IPPROTO_UDP {
								return udpFrame(dst, a.mac, c.from, c.to, mark)
							}
							return ether(dst, a.mac, typeOf(c.from), ipPacket(c.from, c.to, proto, join(be16(4000), be16(4001), make([]byte, 8), mark)))
						})
					}
				}
				if c.from.Is4() {
					// By way of the gateway, strict and loose (RFC 791, section 3.1).
					for _, kind := range []byte{137, 131} {
						options := join([]byte{1, kind, 7, 4}, c.to.AsSlice())
						try(func(mark []byte) []byte {
							return ether(dst, a.mac, typeIPv4, ip4Packet(c.from, c.gateway, 253, 1, 0, options, mark))
						})
					}
					try(func(mark []byte) []byte { // a fragment, and not the first
						return ether(dst, a.mac, typeIPv4, ip4Packet(c.from, c.to, unix.IPPROTO_UDP, 5, 3, nil, mark))
					})
				} else {
					// A routing header of each type (RFC 8200, section 4.4).
					for _, kind := range []byte{0, 2, 4} {
						try(func(mark []byte) []byte {
							h := join([]byte{253, 2, kind, 1, 0, 0, 0, 0}, c.to.AsSlice())
							return ether(dst, a.mac, typeIPv6, ipPacket(c.from, c.gateway, 43, join(h, mark)))
						})
					}
				}
				s.fence()
				for n, mark := range marks {
					if s.toV.got(mark) {
						t.Errorf("to %v: frame %d for %v reached the victim", dst, n, c.to)
					}
				}
			}
		}
	})
}

// TestAnErrorIsNotAWayToAnotherOwner: a message about a connection of the
// victim's, which the host would pass on to the victim as part of it, comes from
// where the connection leads, or not at all.
func TestAnErrorIsNotAWayToAnotherOwner(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		a, v := s.a, s.v
		beyond, public := netip.MustParseAddr(beyondAddr), netip.MustParseAddr(hostAddr)
		fromV := newTap(t, v, "eth0")
		mark := token()
		fromV.send(udpFrame(v.gatewayMAC, v.mac, v.addr, beyond, mark))
		s.toLAN.waits(mark)
		message := func(mark []byte) []byte {
			quoted := udpPacket(public, beyond, 4000, 4001, join(make([]byte, 8), mark))
			m := join([]byte{3, 3, 0, 0, 0, 0, 0, 0}, quoted)
			copy(m[2:], checksum(m))
			return m
		}
		onLAN := newTap(t, s.lan, "gw0")
		mac := func(h *host, name string) (mac net.HardwareAddr) {
			h.inHost(func() error {
				link, err := net.InterfaceByName(name)
				if err == nil {
					mac = link.HardwareAddr
				}
				return err
			})
			return mac
		}
		mark = token()
		onLAN.send(ether(mac(s.host, "lan0"), mac(s.lan, "gw0"), typeIPv4, ipPacket(beyond, public, unix.IPPROTO_ICMP, message(mark))))
		s.toV.waits(mark)
		for _, dst := range []net.HardwareAddr{a.gatewayMAC, a.outerMAC} {
			mark = token()
			s.from.send(ether(dst, a.mac, typeIPv4, ipPacket(a.addr, public, unix.IPPROTO_ICMP, message(mark))))
			s.fence()
			if s.toV.got(mark) {
				t.Errorf("to %v: what the attacker says about the victim's connection reaches the victim", dst)
			}
		}
	})
}

// TestWhatLeavesSeemsToBeTheHosts: with the host's address, and from a port that
// nobody trusts; even if the host has seen the connection go somewhere else first.
func TestWhatLeavesSeemsToBeTheHosts(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		a := s.a
		for _, c := range []struct {
			from, to, host netip.Addr
		}{{a.addr, netip.MustParseAddr(beyondAddr), netip.MustParseAddr(hostAddr)}, {a.addr6, netip.MustParseAddr(beyondAddr6), netip.MustParseAddr(hostAddr6)}} {
			port := 600
			for name, first := range map[string]net.HardwareAddr{
				"at once": nil, "after one to another container": s.a2.mac, "after one to all": broadcast,
				"after one to a group": {0x01, 0, 0x5e, 0, 0, 1}, "after one to the host's end": a.outerMAC, "after one to itself": a.mac,
			} {
				port++
				send := func(dst net.HardwareAddr) []byte {
					mark := token()
					s.from.send(ether(dst, a.mac, typeOf(c.from), udpPacket(c.from, c.to, port, 2049, mark)))
					s.fence()
					return mark
				}
				if first != nil {
					send(first)
				}
				mark := send(a.gatewayMAC)
				if !s.toLAN.got(mark) {
					continue // better than with a wrong address; "at once" is proved below
				}
				source, sport := sourceOf(s.toLAN.seen, mark, c.from.Is6())
				if source != c.host || sport < 1024 {
					t.Errorf("%s: it leaves from %v port %d, want %v and 1024 or more", name, source, sport, c.host)
				}
			}
			mark := token()
			s.from.send(udpFrame(a.gatewayMAC, a.mac, c.from, c.to, mark))
			s.toLAN.waits(mark)
		}
		for _, metadata := range []string{"169.254.169.254", "169.254.0.1", "fd00:ec2::254", "fd20:ce::254"} {
			to := netip.MustParseAddr(metadata)
			from := map[bool]netip.Addr{true: a.addr, false: a.addr6}[to.Is4()]
			if to.Is4() {
				s.root("ip route replace 169.254.0.0/16 via " + neighbourAddr)
			}
			mark := token()
			s.from.send(udpFrame(a.gatewayMAC, a.mac, from, to, mark))
			s.fence()
			if s.toLAN.got(mark) {
				t.Errorf("what is for %v has left", to)
			}
		}
		s.root("ip route del 169.254.0.0/16")
	})
}

// sourceOf finds the source of the UDP packet with mark as its data, among all that was seen.
func sourceOf(seen, mark []byte, v6 bool) (netip.Addr, int) {
	at := strings.Index(string(seen), string(mark))
	size, addr := 20, 12
	if v6 {
		size, addr = 40, 8
	}
	head := seen[at-8-size:]
	length := map[bool]int{true: 16, false: 4}[v6]
	source, _ := netip.AddrFromSlice(head[addr : addr+length])
	return source, int(head[size])<<8 | int(head[size+1])
}

// TestTheHostIsNoRouterForOthers: forwarding is on because of containers, and for nothing else.
func TestTheHostIsNoRouterForOthers(t *testing.T) {
	t.Parallel()
	for name, already := range map[string]bool{"a host that was none": false, "a host that was one": true} {
		t.Run(name, func(t *testing.T) {
			needRoot(t)
			far := &host{t: t, netns: newNetns(t)} // before the host, and so closed after it is compared
			h, lan := newNeighbours(t)
			h.inHost(func() error { return vethTo("eth1", "far0", far.netns) })
			h.root(`ip link set eth1 addrgenmode none && ip link set eth1 up && ip addr add 198.18.0.1/24 dev eth1 && ip addr add 2001:db8:18::1/64 dev eth1 nodad &&
				ip addr add fe80::18/64 dev eth1 nodad && ip addr add fe80::2/64 dev lan0 nodad`) // a router asks for neighbours from such an address
			h.settle()
			far.root(`ip link set far0 addrgenmode none && ip link set far0 up && ip addr add 198.18.0.2/24 dev far0 && ip addr add 2001:db8:18::2/64 dev far0 nodad
				ip route add default via 198.18.0.1 && ip -6 route add default via 2001:db8:18::1`)
			lan.root("ip route add 198.18.0.0/24 via " + hostAddr + " && ip -6 route add 2001:db8:18::/64 via " + hostAddr6)
			answering(t, far, "udp4", "198.18.0.2:5000", "far")
			answering(t, far, "udp6", "[2001:db8:18::2]:5000", "far")
			check := func(when string, routes bool) {
				t.Helper()
				for _, addr := range []string{"198.18.0.2", "2001:db8:18::2"} {
					if routes {
						asks(t, lan, "udp", at(addr, 5000), "far")
					} else {
						noAnswer(t, lan, "udp", at(addr, 5000))
					}
				}
				if t.Failed() {
					t.Log(when)
				}
			}
			switches := "echo %[1]s >/proc/sys/net/ipv4/ip_forward; echo %[1]s >/proc/sys/net/ipv6/conf/all/forwarding"
			h.root(fmt.Sprintf(switches, "1"))
			check("with forwarding, before any container", true)
			if !already {
				h.root(fmt.Sprintf(switches, "0"))
				check("without forwarding, before any container", false)
			}
			h.settle()
			rootfs := busyboxRootfs(t, h.alice)
			one := h.container(h.alice, rootfs)
			check("with a container", already)
			two := h.container(h.alice, rootfs, "-p", "8080:80", "-p", "8053:53/udp")
			check("with a published port", already)
			answering(t, two, "tcp", ":80", "two")
			asks(t, far, "tcp", "198.18.0.1:8080", "two")
			// Nor to a container, but to its published port.
			lan.root("ip route add 10.100.42.0/24 via " + hostAddr)
			answering(t, two, "tcp", ":81", "hidden")
			asks(t, h, "tcp", at(two.v4, 81), "hidden")
			noAnswer(t, lan, "tcp", at(two.v4, 81))
			one.end()
			two.end()
			check("without containers again", already)
		})
	}
}

// TestAFullQuotaOfConnectionsIsItsOwners: nobody else notices.
func TestAFullQuotaOfConnectionsIsItsOwners(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	etc := newPrivate(t, h)
	etc.policy(t, "MAX_CONNECTIONS=64")
	rootfs := busyboxRootfs(t, h.alice)
	full, other := etc.container(h, h.alice, rootfs), etc.container(h, h.alice, rootfs)
	answering(t, lan, "udp4", beyondAddr+":5000", "beyond")
	// Each from a port of its own: the kernel picks one now and then that it has picked
	// before, and what comes from there belongs to the same connection.
	ask := func(n int, limit time.Duration) (reached, error) {
		return askBy(full, func() (net.Conn, error) {
			return (&net.Dialer{LocalAddr: &net.UDPAddr{Port: 20000 + n}}).Dial("udp4", beyondAddr+":5000")
		}, limit)
	}
	for n := range 64 {
		if _, err := ask(n, deadline); err != nil {
			t.Errorf("connection %d of 64: %v", n, err)
		}
	}
	if r, err := ask(64, soon); err == nil {
		t.Errorf("one more is answered by %q, who was asked from %v; want no answer", r.word, r.from)
	}
	asks(t, other, "udp4", beyondAddr+":5000", "beyond")
	asks(t, h, "udp4", beyondAddr+":5000", "beyond")
	full.end()
	other.end()
}

// handed is what net-setup hands over with an answer.
type handed struct {
	text    string
	sockets []int
}

// asNetSetupsCaller plays unc: it asks for a network with published ports, and
// keeps the sockets to do with them what it likes.
func (h *host) asNetSetupsCaller(u user, request string) handed {
	h.t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(h.t, err)
	defer unix.Close(ends[0])
	file := os.NewFile(uintptr(ends[1]), "net-setup")
	cmd := h.unc(u, "net-setup", "-")
	cmd.Stdin, cmd.Stdout = file, file
	h.start(cmd)
	file.Close()
	must(h.t, unix.Sendto(ends[0], []byte(request+"\n"), unix.MSG_NOSIGNAL, nil))
	text, control := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4*253))
	n, nc, _, _, err := unix.Recvmsg(ends[0], text, control, unix.MSG_CMSG_CLOEXEC)
	must(h.t, err)
	got := handed{text: string(text[:n])}
	messages, err := unix.ParseSocketControlMessage(control[:nc])
	must(h.t, err)
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		must(h.t, err)
		got.sockets = append(got.sockets, fds...)
	}
	wait(h.t, cmd)
	return got
}

func (g handed) close() {
	for _, fd := range g.sockets {
		unix.Close(fd)
	}
}

// TestAKeptSocketDoesNotPublishAnothersPort: who keeps a published port's socket,
// and gives up the container, has not published what the address's next owner has.
func TestAKeptSocketDoesNotPublishAnothersPort(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "udp"} {
		t.Run(network, func(t *testing.T) {
			h, lan := newNeighbours(t)
			own := h.bare(h.alice)
			got := h.asNetSetupsCaller(h.alice, fmt.Sprintf(`pid="%d" ip="10.100.42.77" publish="%s * 8080 80"`, own.pid(), network))
			defer got.close()
			if len(got.sockets) != 2 {
				t.Fatalf("got %q and %d sockets, want 2", got.text, len(got.sockets))
			}
			own.do("ip link set lo up && ip link set eth0 up && ip addr add 10.100.42.77/24 dev eth0 && ip route add default via 10.100.42.1")
			closeIt := answering(t, &leg{session: own}, network+"4", ":80", "attacker")
			asks(t, lan, network+"4", at(hostAddr, 8080), "attacker")
			closeIt() // it holds the namespace
			own.end()
			eventually(t, "the lease gone", func() bool { return len(h.leases()) == 0 })

			run := h.run(h.unc(h.bob, "run", "--ip", "10.100.42.77", "true"))
			if run.code != 0 {
				run.fails(t, "10.100.42.77") // to be refused the address is fine, too
				return
			}
			v := h.container(h.bob, busyboxRootfs(t, h.bob), "--ip", "10.100.42.77")
			answering(t, v, network+"4", ":80", "victim")
			asks(t, h, network+"4", "10.100.42.77:80", "victim")
			noAnswer(t, lan, network+"4", at(hostAddr, 8080))
			v.end()
		})
	}
}

// TestAHandedSocketSendsWithoutItsMark: a mark would be the host's routing rules' and firewall's to act on.
func TestAHandedSocketSendsWithoutItsMark(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	answering(t, lan, "udp4", beyondAddr+":5000", "beyond")
	answering(t, lan, "tcp4", beyondAddr+":5000", "beyond")
	own := h.bare(h.alice)
	got := h.asNetSetupsCaller(h.alice, fmt.Sprintf(`pid="%d" publish="udp 0.0.0.0 8080 80" publish="tcp 0.0.0.0 8080 80"`, own.pid()))
	defer got.close()
	if len(got.sockets) != 2 {
		t.Fatalf("got %q and %d sockets, want 2", got.text, len(got.sockets))
	}
	h.root(`nft add table ip count
		nft 'add chain ip count out { type filter hook output priority -300; }'
		nft 'add chain ip count post { type filter hook postrouting priority 300; }'
		for c in out post; do
			nft add rule ip count $c ip daddr 198.51.100.7 meta mark != 0 counter
			nft add rule ip count $c ip daddr 198.51.100.7 meta mark 0 counter
		done`)
	udp, tcp := got.sockets[0], got.sockets[1]
	mark, err := unix.GetsockoptInt(udp, unix.SOL_SOCKET, unix.SO_MARK)
	if err != nil || mark == 0 {
		t.Fatalf("the socket has the mark %#x, %v", mark, err)
	}
	to := &unix.SockaddrInet4{Port: 5000, Addr: netip.MustParseAddr(beyondAddr).As4()}
	must(t, unix.Connect(udp, to))
	_, err = unix.Write(udp, []byte("hello"))
	must(t, err)
	must(t, unix.Shutdown(tcp, unix.SHUT_RDWR))
	if err := unix.Connect(tcp, to); !errors.Is(err, unix.EINPROGRESS) && err != nil {
		t.Fatal(err)
	}
	eventually(t, "packets counted", func() bool {
		rules := h.root("nft list chain ip count post")
		return strings.Contains(rules, "mark 0x00000000 counter packets ") && !strings.Contains(rules, "mark 0x00000000 counter packets 0")
	})
	for line := range strings.Lines(h.root("nft list table ip count")) {
		if strings.Contains(line, "mark != 0x00000000") && !strings.Contains(line, "packets 0 ") {
			t.Errorf("packets with a mark: %s", line)
		}
	}
	h.root("nft delete table ip count")
	// And no user makes a mark himself.
	if _, err := exec.LookPath("python3"); err == nil {
		r := h.run(h.as(h.alice, "/usr/bin/python3", "-c", "import socket; socket.socket().setsockopt(socket.SOL_SOCKET, 36, 0x740050)"))
		if r.code == 0 || !strings.Contains(r.stderr, "Operation not permitted") {
			t.Errorf("a user's own mark: exit code %d, %s", r.code, r.stderr)
		}
	}
	own.end()
}

// TestHostileRequestsToNetSetup: whatever is said to it, either there is a network
// and the sockets are the caller's, or there is nothing.
func TestHostileRequestsToNetSetup(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	own := h.bare(h.alice)
	pid := strconv.Itoa(own.pid())
	good := `pid="` + pid + `"`
	many := strings.Repeat(` publish="tcp * 0 80"`, 2500)
	for name, request := range map[string]string{
		"nothing":                       "",
		"no number":                     `name="x"`,
		"two of the same port":          good + ` publish="tcp * 8080 80" publish="tcp * 8080 81"`,
		"overlapping":                   good + ` publish="tcp * 8080 80" publish="tcp 127.0.0.1 8080 81"`,
		"another spelling":              good + ` publish="tcp  * 8080 80"`,
		"an unknown key":                good + ` mark="1"`,
		"something after it":            good + ` x`,
		"a name with a dot":             good + ` name="a.b"`,
		"a name with a zero":            good + ` name="a\x00b"`,
		"a line without end":            good + strings.Repeat(" ", 70<<10),
		"thousands of ports":            good + many,
		"an address that is not leased": good + ` ip="10.100.42.1"`,
		"an address of the Internet":    good + ` ip="8.8.8.8"`,
		"port 0 of the container":       good + ` publish="tcp * 8080 0"`,
		"a privileged port":             good + ` publish="tcp * 80 80"`,
		"a foreign address":             good + ` publish="tcp 192.0.2.99 8080 80"`,
		"one good and one bad port":     good + ` publish="tcp * 8080 80" publish="tcp * 22 22"`,
		"binary":                        "\x00\x01\x02\xff\xfe",
	} {
		t.Run(name, func(t *testing.T) {
			h := h.of(t)
			cmd := h.unc(h.alice, "net-setup", "-")
			cmd.Stdin = strings.NewReader(request + "\n")
			if got := h.run(cmd); got.code != 125 {
				t.Errorf("exit code %d, stdout %q, stderr %q; want 125", got.code, got.stdout, got.stderr)
			}
			if n := len(h.leases()); n != 0 || hasLink(own.pid(), "eth0") {
				t.Errorf("there are %d leases", n)
			}
			if l := h.listeners(); len(l) > 0 {
				t.Errorf("there are sockets left: %v", l)
			}
		})
	}
	// Its answer goes nowhere, or where no socket can go along: none stays open.
	for name, script := range map[string]string{
		"to a pipe": `exec "$@" | cat`, "nowhere": `exec "$@" >&-`, "to a full device": `exec "$@" >/dev/full`, "to a file": `exec "$@" >/dev/null`,
	} {
		t.Run("the answer goes "+name, func(t *testing.T) {
			h := h.of(t)
			target := h.bare(h.alice)
			cmd := h.as(h.alice, "sh", "-c", script, "sh", unc, "net-setup", "-")
			cmd.Stdin = strings.NewReader(fmt.Sprintf("pid=\"%d\" name=\"web\" publish=\"tcp * 8080 80\"\n", target.pid()))
			h.run(cmd)
			if l := h.listeners(); len(l) > 0 {
				t.Errorf("there are sockets left: %v", l)
			}
			target.end()
			eventually(t, "nothing left", func() bool { return len(h.leases()) == 0 })
		})
	}
	t.Run("descriptors with the request", func(t *testing.T) {
		h := h.of(t)
		ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		defer unix.Close(ends[0])
		file := os.NewFile(uintptr(ends[1]), "net-setup")
		cmd := h.unc(h.alice, "net-setup", "-")
		cmd.Stdin, cmd.Stdout = file, file
		h.start(cmd)
		file.Close()
		null, err := os.Open(os.DevNull)
		must(t, err)
		defer null.Close()
		must(t, unix.Sendmsg(ends[0], []byte(good+` publish="tcp * 8080 80"`+"\n"), unix.UnixRights(int(null.Fd()), int(null.Fd())), nil, 0))
		if code := wait(t, cmd); code != 0 {
			t.Errorf("exit code %d, want 0: they are nobody's", code)
		}
	})
	own.end()
	h.nothingLeft()
}
