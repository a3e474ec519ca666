package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Who is where in the tests of the network.
const (
	hostAddr, hostAddr6           = "192.0.2.2", "2001:db8:1::2"    // on lan0
	neighbourAddr, neighbourAddr6 = "192.0.2.1", "2001:db8:1::1"    // on the other end, the host's gateway
	beyondAddr, beyondAddr6       = "198.51.100.7", "2001:db8:7::7" // behind the gateway
	strangerAddr                  = "203.0.113.99"                  // nobody's
	gatewayAddr                   = "10.100.42.1"                   // the host, as containers see it
)

// newNeighbours makes a host on a LAN, and the other machine there. That one is
// the host's way to the outside, and has no route to any container.
func newNeighbours(t *testing.T) (h, lan *host) {
	t.Helper()
	needRoot(t)
	lan = &host{t: t, netns: newNetns(t)} // before the host, and so closed after it is compared
	h = newHost(t)
	h.inHost(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "lan0"
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "gw0", PeerNamespace: netlink.NsFd(lan.netns.Fd())})
	})
	connect := `ip link set "$1" addrgenmode none; ip link set "$1" up
		ip addr add "$2/24" dev "$1" && ip addr add "$3/64" dev "$1" nodad`
	lan.root(connect, "gw0", neighbourAddr, neighbourAddr6)
	lan.root(`ip addr add "$1/32" dev lo && ip addr add "$2/128" dev lo nodad`, beyondAddr, beyondAddr6)
	h.root(connect, "lan0", hostAddr, hostAddr6)
	h.root(`ip route add default via "$1" && ip -6 route add default via "$2"`, neighbourAddr, neighbourAddr6)
	h.settle()
	return h, lan
}

// bridgeNetfilter sets whether frames on a bridge pass the host's IP rules, as
// they do where br_netfilter is loaded (for Docker, mostly).
func (h *host) bridgeNetfilter(t *testing.T, on bool) {
	t.Helper()
	value := "0"
	if on {
		value = "1"
	}
	err := h.in(func() error {
		for _, name := range []string{"iptables", "ip6tables", "arptables"} {
			err := os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-"+name, []byte(value), 0)
			if errors.Is(err, os.ErrNotExist) && !on {
				continue // not loaded: off
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	// Not in there, which is another goroutine than the one that a test may end.
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("br_netfilter is not loaded: sudo modprobe br_netfilter")
	}
	must(t, err)
	h.settle()
}

// place is a network namespace in which the test itself opens sockets.
type place interface{ in(f func() error) error }

// container is one with a shell in it, whose network the test uses too: a socket
// opened there meets the very same rules as the command's.
type container struct {
	*session
	first  int // process 1's number on the host
	v4, v6 string
	close  []func() // sockets of the test in there
}

// container starts one.
func (h *host) container(u user, rootfs string, flags ...string) *container {
	h.t.Helper()
	return h.joined(h.shell(u, rootfs, flags...))
}

// joined is the container of a session.
func (h *host) joined(s *session) *container {
	h.t.Helper()
	c := &container{session: s, first: s.init()}
	err := c.in(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		addrs, err := netlink.AddrList(link, unix.AF_UNSPEC)
		for _, addr := range addrs {
			switch {
			case addr.IP.To4() != nil:
				c.v4 = addr.IP.String()
			case addr.IP.IsGlobalUnicast():
				c.v6 = addr.IP.String()
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatalf("looking at the container's network: %v", err)
	}
	return c
}

// in runs f on a thread in the container's network. Nothing is kept open: a
// namespace lives as long as somebody holds it.
func (c *container) in(f func() error) error {
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.first))
	if err != nil {
		return err
	}
	defer ns.Close()
	return onThread(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// closed closes what the test has opened in there, which would keep the namespace.
func (c *container) closed() *session {
	for _, f := range c.close {
		f()
	}
	return c.session
}

func (c *container) end() int { return c.closed().end() }

// die ends the container by the death of its supervisor.
func (c *container) die() {
	c.h.t.Helper()
	kill(c.h.t, c.pid(), unix.SIGKILL)
	c.closed().ended()
}

// gateway6 is the host's IPv6 address on the bridge.
func (h *host) gateway6() string {
	h.t.Helper()
	var found string
	h.inHost(func() error {
		link, err := netlink.LinkByName("unc0")
		if err != nil {
			return err
		}
		addrs, err := netlink.AddrList(link, unix.AF_INET6)
		for _, addr := range addrs {
			if addr.IP.IsGlobalUnicast() {
				found = addr.IP.String()
			}
		}
		return err
	})
	return found
}

// answering opens a socket that says its word, and who asked, to each client, and
// then gives back what comes. It is closed by what is returned, or with the test.
func answering(t *testing.T, p place, network, address, word string) (closeAll func()) {
	t.Helper()
	var open func()
	err := p.in(func() error {
		if strings.HasPrefix(network, "udp") {
			conn, err := net.ListenPacket(network, address)
			if err == nil {
				open = func() { conn.Close() }
				go answerDatagrams(conn, word)
			}
			return err
		}
		l, err := net.Listen(network, address)
		if err == nil {
			open = func() { l.Close() }
			go answerConnections(l, word)
		}
		return err
	})
	if err != nil {
		t.Fatalf("listening at %s %s: %v", network, address, err)
	}
	t.Cleanup(open)
	if c, ok := p.(*container); ok {
		c.close = append(c.close, open)
	}
	return open
}

func answerDatagrams(conn net.PacketConn, word string) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		answer := fmt.Appendf(nil, "%s %s\n", word, from)
		_, _ = conn.WriteTo(append(answer, buf[:n]...), from)
	}
}

func answerConnections(l net.Listener, word string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			fmt.Fprintf(conn, "%s %s\n", word, conn.RemoteAddr())
			_, _ = io.Copy(conn, conn)
		}()
	}
}

// inTime is how long a test waits for an answer that must come.
var inTime = slowness * 5 * time.Second

// soon is how long a test waits for an answer that must not come.
const soon = 400 * time.Millisecond

// reached is who answered, and what address he was asked from.
type reached struct {
	word string
	from netip.AddrPort
}

// dial opens a connection from p, with a deadline for all that is done with it.
func dial(p place, network, address string, limit time.Duration) (conn net.Conn, err error) {
	err = p.in(func() (err error) {
		if conn, err = (&net.Dialer{Timeout: limit}).Dial(network, address); err != nil {
			return err
		}
		return conn.SetDeadline(time.Now().Add(limit))
	})
	return conn, err
}

// askWithin asks whoever answers at an address.
func askWithin(p place, network, address string, limit time.Duration) (reached, error) {
	return askBy(p, func() (net.Conn, error) { return (&net.Dialer{Timeout: limit}).Dial(network, address) }, limit)
}

// askBy asks over the connection that open opens in p.
func askBy(p place, open func() (net.Conn, error), limit time.Duration) (r reached, err error) {
	var conn net.Conn
	err = p.in(func() (err error) {
		conn, err = open()
		return err
	})
	if err != nil {
		return r, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return r, err
	}
	if _, err := conn.Write([]byte("hello")); err != nil {
		return r, err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return r, err
	}
	word, from, _ := strings.Cut(strings.TrimSpace(line), " ")
	addr, err := netip.ParseAddrPort(from)
	return reached{word, netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())}, err
}

// asks fails the test unless the answer is from whom it should be, and he was
// asked from one of these addresses; of none, when any will do.
func asks(t *testing.T, p place, network, address, word string, from ...string) reached {
	t.Helper()
	r, err := askWithin(p, network, address, inTime)
	switch {
	case err != nil:
		t.Errorf("asking %s %s: %v", network, address, err)
	case r.word != word:
		t.Errorf("%s %s is answered by %q, want %q", network, address, r.word, word)
	case len(from) > 0 && !slices.Contains(from, r.from.Addr().String()):
		t.Errorf("%s %s: asked from %v, want %v", network, address, r.from.Addr(), from)
	}
	return r
}

// noAnswer fails the test if somebody answers at an address.
func noAnswer(t *testing.T, p place, network, address string) {
	t.Helper()
	if r, err := askWithin(p, network, address, soon); err == nil {
		t.Errorf("%s %s is answered by %q, who was asked from %v; want no answer", network, address, r.word, r.from)
	}
}

// refused fails the test unless the connection is refused, for which nobody has to wait.
func refused(t *testing.T, p place, address string) {
	t.Helper()
	r, err := askWithin(p, "tcp", address, deadline)
	if !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("tcp %s: %+v, %v; want it refused", address, r, err)
	}
}

func at(address string, port int) string { return net.JoinHostPort(address, strconv.Itoa(port)) }

// listeners are the host's sockets that wait for connections or datagrams.
func (h *host) listeners() []string {
	h.t.Helper()
	var found []string
	h.inHost(func() error {
		for name, state := range map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"} {
			text, err := os.ReadFile("/proc/thread-self/net/" + name)
			if err != nil {
				return err
			}
			for line := range bytes.Lines(text) {
				if f := strings.Fields(string(line)); len(f) > 3 && f[3] == state {
					found = append(found, name+" "+f[1])
				}
			}
		}
		return nil
	})
	slices.Sort(found)
	return found
}

// nothingLeft fails the test if, of containers that have ended, anything stays.
func (h *host) nothingLeft() {
	h.t.Helper()
	eventually(h.t, "no lease left", func() bool { return len(h.leases()) == 0 })
	if l := h.listeners(); len(l) > 0 {
		h.t.Errorf("there are sockets left: %v", l)
	}
	// A killed one may be a zombie for a moment longer than its network.
	eventually(h.t, "no process left", func() bool { return len(processesOf(h.alice, h.bob)) == 0 })
}

// private is an /etc of the test's own, which can be changed while programs run that have it.
type private struct{ dir string }

// newPrivate makes one in which the host's users are called alice and bob.
func newPrivate(t *testing.T, h *host) private {
	t.Helper()
	p := private{newDir(t, user{})}
	must(t, os.Mkdir(p.dir+"/unc", 0o755))
	p.write(t, "passwd", fmt.Sprintf("root:x:0:0::/root:/bin/sh\nalice:x:%d:%d::/:/bin/sh\nbob:x:%d:%d::/:/bin/sh\n",
		h.alice.uid, h.alice.gid, h.bob.uid, h.bob.gid))
	p.write(t, "group", fmt.Sprintf("root:x:0:\nalice:x:%d:\nbob:x:%d:\n", h.alice.gid, h.bob.gid))
	p.write(t, "hosts", "127.0.0.1 localhost\n")
	p.write(t, "machine-id", "0123456789abcdef0123456789abcdef\n")
	p.write(t, "resolv.conf", "nameserver "+neighbourAddr+"\n")
	return p
}

// write puts a new file in the place of the old, as those do who manage such files.
func (p private) write(t *testing.T, name, text string) {
	t.Helper()
	must(t, os.WriteFile(p.dir+"/"+name+".new", []byte(text), 0o644))
	must(t, os.Rename(p.dir+"/"+name+".new", p.dir+"/"+name))
}

// policy writes network.conf.
func (p private) policy(t *testing.T, lines ...string) {
	t.Helper()
	p.write(t, "unc/network.conf", strings.Join(append(lines, ""), "\n"))
}

// unc prepares unc where p is /etc.
func (p private) unc(h *host, u user, args ...string) *exec.Cmd {
	h.t.Helper()
	return withMounts(h.unc(u, args...), `mount --bind "$1" /etc`, p.dir)
}

// container starts one from an unc that has p as /etc.
func (p private) container(h *host, u user, rootfs string, flags ...string) *container {
	h.t.Helper()
	args := append(append([]string{"run", "--rootfs", rootfs}, flags...), "sh")
	return h.joined(h.open(p.unc(h, u, args...)))
}
