package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
)

// atMessage has cmd get a signal over the nth message that it sends: the kernel has
// done what is asked for when SIGSTOP takes effect, and has not when SIGKILL does.
func atMessage(cmd *exec.Cmd, n int, signal, log string) *exec.Cmd {
	return via(cmd, "strace", "-D", "-f", "-o", log, "-e", "trace=sendto,sendmsg",
		"-e", fmt.Sprintf("inject=sendto,sendmsg:signal=%s:when=%d", signal, n))
}

// logged tells whether a log of strace's has this in it by now.
func logged(t *testing.T, log, what string) bool {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Contains(string(text), what)
}

// linkIndex is an interface's number on the host, 0 when there is none.
func (h *host) linkIndex(name string) (index int) {
	h.t.Helper()
	h.inHost(func() error {
		link, err := netlink.LinkByName(name)
		if err == nil {
			index = link.Attrs().Index
		} else if !errors.As(err, &netlink.LinkNotFoundError{}) {
			return err
		}
		return nil
	})
	return index
}

// tells sends a datagram from p.
func tells(t *testing.T, p place, address string, what []byte) {
	t.Helper()
	conn, err := dial(p, "udp", address, inTime)
	must(t, err)
	defer conn.Close()
	_, err = conn.Write(what)
	must(t, err)
}

// TestAStoppedNetSetupActsOnNobodyElse: who stops his net-setup after any of its
// messages, deletes the link that it has made and has the link's number for another,
// has what it goes on with done to that one. It may not be the address's next owner
// who pays for it.
func TestAStoppedNetSetupActsOnNobodyElse(t *testing.T) {
	t.Parallel()
	const wanted = "10.100.42.77"
	name := lease.Name(netip.MustParseAddr(wanted))
	h, lan := newNeighbours(t)
	etc := newPrivate(t, h)
	etc.policy(t, "MAX_PER_USER=1") // so there is but one number
	rootfs := busyboxRootfs(t, h.bob)
	answering(t, lan, "udp4", neighbourAddr+":5000", "lan")
	h.run(etc.unc(h, h.alice, "run", "true")).works(t) // what the first one makes is there
	logs, attacks := newDir(t, user{}), 0
	for n := 1; ; n++ {
		log := filepath.Join(logs, strconv.Itoa(n))
		first := h.bare(h.alice)
		stopped := h.helps(withMounts(atMessage(h.unc(h.alice, "net-setup", "-"), n, "STOP", log), `mount --bind "$1" /etc`, etc.dir))
		stopped.ask(fmt.Sprintf("pid=\"%d\" ip=%q\n", first.pid(), wanted))
		eventually(t, "net-setup stopped or ended", func() bool {
			return logged(t, log, "--- stopped by SIGSTOP ---") || !alive(stopped.cmd.Process.Pid)
		})
		index := h.linkIndex(name)
		if !logged(t, log, "--- stopped by SIGSTOP ---") {
			if index == 0 {
				t.Errorf("net-setup ended without a lease: %s", h.root(`cat "$1"`, log))
			}
			stopped.ended()
			first.end()
			break
		}
		if index != 0 {
			attacks++
			first.do("ip link del eth0")
			victim := etc.container(h, h.bob, rootfs, "--ip", wanted)
			second := h.bare(h.alice)
			var network struct{ Address netip.Prefix }
			must(t, json.Unmarshal([]byte(h.run(etc.unc(h, h.alice, "net-setup", strconv.Itoa(second.pid()))).works(t)), &network))
			second.do(fmt.Sprintf("ip link set eth0 up promisc on && ip addr add %v dev eth0", network.Address))
			if now := h.linkIndex(lease.Name(network.Address.Addr())); now != index {
				t.Errorf("the second link has number %d, want the first one's, %d", now, index)
			}
			answering(t, victim, "udp4", ":5000", "victim")
			tap := newTap(t, &leg{session: second}, "eth0")
			check := func(when string) {
				t.Helper()
				asks(t, h, "udp4", wanted+":5000", "victim")
				asks(t, victim, "udp4", neighbourAddr+":5000", "lan")
				private, public := token(), token()
				tells(t, h, wanted+":4001", private)
				tells(t, h, at(network.Address.Addr().String(), 4001), public)
				tap.waits(public)
				if tap.got(private) {
					t.Error("the attacker has got what was for the victim")
				}
				if t.Failed() {
					t.Fatalf("%s, over message %d; the bridge knows\n%s", when, n, h.root("bridge fdb show br unc0"))
				}
			}
			check("while net-setup is stopped")
			kill(t, stopped.cmd.Process.Pid, unix.SIGCONT)
			stopped.ended()
			check("when net-setup has gone on")
			victim.end()
			second.do("ip link del eth0") // the tap holds the namespace
			second.end()
		} else {
			kill(t, stopped.cmd.Process.Pid, unix.SIGKILL)
			stopped.ended()
		}
		first.end()
		eventually(t, "no lease left", func() bool { return len(h.leases()) == 0 })
	}
	if attacks == 0 {
		t.Error("net-setup was never stopped with a link of its own")
	}
	t.Logf("stopped with a link after %d messages", attacks)
	eventually(t, "no lease left", func() bool { return len(h.leases()) == 0 })
}

// TestASilentContainerIsReached: the bridge forgets a port that goes down, and knows
// it again from a single packet.
func TestASilentContainerIsReached(t *testing.T) {
	onAStreet(t, func(t *testing.T, s *street) {
		v := s.v
		answering(t, v, "udp", ":5000", "victim")
		// What the host has to ask for would be answered, and that is a packet too.
		s.root(`ip neigh replace "$1" lladdr "$2" dev unc0 nud permanent`, v.addr.String(), v.mac.String())
		for range 3 {
			asks(t, s, "udp4", at(v.addr.String(), 5000), "victim")
			v.do("ip link set eth0 down")
			eventually(t, "the port forgotten", func() bool { return len(s.portsOf(v.mac)) == 0 })
			noAnswer(t, s, "udp4", at(v.addr.String(), 5000))
			v.do(fmt.Sprintf("ip link set eth0 up && ip route add default via %v", v.gateway))
			// The port opens some time after the interface is up (net/core/link_watch.c).
			eventually(t, "the port forwarding", func() bool {
				return strings.Contains(s.root("bridge link show dev "+lease.Name(v.addr)), "state forwarding")
			})
			tap := newTap(t, v, "eth0")
			tap.send(udpFrame(v.gatewayMAC, v.mac, v.addr, v.gateway, token()))
			eventually(t, "the port known", func() bool { return len(s.portsOf(v.mac)) == 1 })
			mark := token()
			tells(t, s, at(v.addr.String(), 4001), mark)
			tap.waits(mark)
		}
		asks(t, s, "udp4", at(v.addr.String(), 5000), "victim")
	})
}

// portsOf lists the ports behind which the bridge believes an address to be.
func (s *street) portsOf(mac net.HardwareAddr) (ports []string) {
	s.t.Helper()
	for line := range strings.Lines(s.root("bridge fdb show br unc0")) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == mac.String() {
			ports = append(ports, f[2])
		}
	}
	return ports
}

// packets opens a socket for datagrams in p.
func packets(t *testing.T, p place, network, address string) net.PacketConn {
	t.Helper()
	var conn net.PacketConn
	must(t, p.in(func() (err error) {
		conn, err = net.ListenPacket(network, address)
		return err
	}))
	t.Cleanup(func() { conn.Close() })
	if c, ok := p.(*container); ok {
		c.close = append(c.close, func() { conn.Close() })
	}
	return conn
}

// receives reads the next datagram, which must come.
func receives(t *testing.T, conn net.PacketConn) (string, net.Addr) {
	t.Helper()
	must(t, conn.SetReadDeadline(time.Now().Add(inTime)))
	buf := make([]byte, 2000)
	n, from, err := conn.ReadFrom(buf)
	must(t, err)
	return string(buf[:n]), from
}

// TestAConnectionIsNotLeftToTheNextOwner: who has been asked by a container, and goes
// on answering when that has ended, does not reach the address's next owner.
func TestAConnectionIsNotLeftToTheNextOwner(t *testing.T) {
	t.Parallel()
	for name, on := range map[string]bool{"with br_netfilter": true, "without br_netfilter": false} {
		t.Run(name, func(t *testing.T) {
			const wanted = "10.100.42.77"
			h, lan := newNeighbours(t)
			h.bridgeNetfilter(t, on)
			first := h.container(h.alice, busyboxRootfs(t, h.alice), "--ip", wanted)
			peers := map[string]net.PacketConn{
				"udp4": packets(t, lan, "udp4", neighbourAddr+":9999"),
				"udp6": packets(t, lan, "udp6", "["+neighbourAddr6+"]:9999"),
			}
			// Somebody else's connections to the same place go on.
			other := h.container(h.alice, busyboxRootfs(t, h.alice))
			others, othersAsked := map[string]net.PacketConn{}, map[string]net.Addr{}
			for network, peer := range peers {
				others[network] = packets(t, other, network, ":5353")
				_, err := others[network].WriteTo([]byte("hello"), peer.LocalAddr())
				must(t, err)
				_, othersAsked[network] = receives(t, peer)
			}
			asked := map[string]net.Addr{}
			for network, peer := range peers {
				own := packets(t, first, network, ":5353")
				_, err := own.WriteTo([]byte("hello"), peer.LocalAddr())
				must(t, err)
				_, asked[network] = receives(t, peer)
				for range 3 {
					mark := token()
					_, err = peer.WriteTo(mark, asked[network])
					must(t, err)
					if got, _ := receives(t, own); got != string(mark) {
						t.Errorf("%s: the first owner gets %q, want %q", network, got, mark)
					}
				}
			}
			v6 := first.v6
			first.end()
			eventually(t, "one lease left", func() bool { return len(h.leases()) == 1 })
			send := func() {
				for network, peer := range peers {
					_, err := peer.WriteTo([]byte("stale"), asked[network])
					must(t, err)
				}
			}
			send()
			second := h.container(h.bob, busyboxRootfs(t, h.bob), "--ip", wanted)
			if second.v6 != v6 {
				t.Errorf("the second owner has %s, want the first one's address, %s", second.v6, v6)
			}
			for network, address := range map[string]string{"udp4": second.v4, "udp6": second.v6} {
				own := packets(t, second, network, ":5353")
				for range 3 {
					send()
					tells(t, h, at(address, 5353), []byte("from the host"))
					if got, from := receives(t, own); got != "from the host" {
						t.Errorf("%s: the second owner gets %q from %v", network, got, from)
					}
				}
				// And has a connection to the same place himself.
				_, err := own.WriteTo([]byte("hello"), peers[network].LocalAddr())
				must(t, err)
				_, now := receives(t, peers[network])
				mark := token()
				_, err = peers[network].WriteTo(mark, now)
				must(t, err)
				if got, _ := receives(t, own); got != string(mark) {
					t.Errorf("%s: the second owner gets %q, want %q", network, got, mark)
				}
			}
			for network, peer := range peers {
				mark := token()
				_, err := peer.WriteTo(mark, othersAsked[network])
				must(t, err)
				must(t, others[network].SetReadDeadline(time.Now().Add(inTime)))
				buf := make([]byte, 2000)
				if n, _, err := others[network].ReadFrom(buf); err != nil || string(buf[:n]) != string(mark) {
					t.Errorf("%s: who has another address gets %q, %v; want what his own connection brings, %q", network, buf[:n], err, mark)
				}
			}
			other.end()
			second.end()
		})
	}
}

// TestARedirectionIsNoWayToSecrets: what the host has redirected for itself, or
// listens at, among the addresses of cloud providers' secrets.
func TestARedirectionIsNoWayToSecrets(t *testing.T) {
	t.Parallel()
	for name, on := range map[string]bool{"with br_netfilter": true, "without br_netfilter": false} {
		t.Run(name, func(t *testing.T) {
			h, lan := newNeighbours(t)
			h.bridgeNetfilter(t, on)
			h.root(`ip addr add 169.254.20.10/32 dev lo && ip addr add 203.0.113.10/32 dev lo
				nft 'table ip md {
					map to { type ipv4_addr : ipv4_addr; elements = { 169.254.169.254 : '"$1"', 203.0.113.99 : '"$1"' }; }
					chain pre { type nat hook prerouting priority -100; dnat to ip daddr map @to; }
					chain out { type nat hook output priority -100; dnat to ip daddr map @to; }
				}'`, neighbourAddr)
			h.settle()
			etc := newPrivate(t, h)
			etc.policy(t, "HOST_ACCESS=yes") // not for that reason shall it be out of reach
			c := etc.container(h, h.alice, busyboxRootfs(t, h.alice))
			for _, network := range []string{"tcp4", "udp4"} {
				answering(t, lan, network, neighbourAddr+":80", "redirected")
				for _, own := range []string{"169.254.20.10", "203.0.113.10"} {
					answering(t, h, network, own+":80", "host")
				}
				for address, word := range map[string]string{"169.254.169.254": "redirected", "169.254.20.10": "host"} {
					asks(t, h, network, at(address, 80), word)
					noAnswer(t, c, network, at(address, 80))
				}
				for address, word := range map[string]string{"203.0.113.99": "redirected", "203.0.113.10": "host"} {
					asks(t, c, network, at(address, 80), word)
				}
			}
			c.end()
		})
	}
}

// TestDoorsAreOpenedAfterAKilledReload: net-setup dies over each of its messages in
// turn while it writes a flushed filter; the next one opens what that has not.
func TestDoorsAreOpenedAfterAKilledReload(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	web := h.container(h.bob, busyboxRootfs(t, h.bob), "-p", "8080:80")
	answering(t, web, "tcp4", ":80", "web")
	asks(t, lan, "tcp4", at(hostAddr, 8080), "web")
	logs, between := newDir(t, user{}), 0
	for n := 1; ; n++ {
		if n > 500 {
			t.Fatal("net-setup sends more than 500 messages")
		}
		h.root("nft delete table bridge unc && nft delete table inet unc")
		got := h.run(atMessage(h.unc(h.alice, "net-setup", "reload"), n, "KILL", filepath.Join(logs, strconv.Itoa(n))))
		if got.code != -int(unix.SIGKILL) {
			got.works(t)
			asks(t, lan, "tcp4", at(hostAddr, 8080), "web")
			break
		}
		if rules := h.root("nft list ruleset"); strings.Contains(rules, "table bridge unc") && !strings.Contains(rules, "goto doors-") {
			between++
		}
		if n%2 == 0 {
			h.run(h.unc(h.alice, "run", "true")).works(t)
		} else {
			h.run(h.unc(h.alice, "net", "reload")).works(t)
		}
		if r, err := askWithin(lan, "tcp4", at(hostAddr, 8080), inTime); err != nil || r.word != "web" {
			t.Fatalf("killed over message %d: the published port is answered by %q, %v\n%s", n, r.word, err, h.root("nft list table bridge unc | grep -A3 doors"))
		}
	}
	if between == 0 {
		t.Error("net-setup was never killed after it wrote the filter and before it opened the doors")
	}
	t.Logf("killed %d times with the filter written and no doors", between)
	web.end()
}
