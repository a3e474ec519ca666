package netplumb

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
)

// asFile is the socket as the container's first process hands it over.
func asFile(t *testing.T, c *conn) *os.File {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(c.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "route")
	t.Cleanup(func() { f.Close() })
	return f
}

// container is a namespace with a network, as a container gets it.
func container(t *testing.T, c *conn, w wiring) (netip.Addr, int) {
	t.Helper()
	netns, there := otherNetns(t)
	number, err := takeLease(c, w, netns, 0, Request{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	j := &job{wiring: w}
	if err := Configure(asFile(t, there), j.network(number, nil)); err != nil {
		t.Fatal(err)
	}
	lo, err := there.index("lo") // brought up by nsexec
	if err != nil {
		t.Fatal(err)
	}
	if err := there.Must(setUp(lo)); err != nil {
		t.Fatal(err)
	}
	return w.policy.Addr(number), netns
}

// say sends a line over TCP and returns how it comes back from an echo server.
func say(to netip.AddrPort, line string) (string, error) {
	c, err := net.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(to))
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, line); err != nil {
		return "", err
	}
	if err := c.CloseWrite(); err != nil {
		return "", err
	}
	echoed, err := io.ReadAll(c)
	return string(echoed), err
}

// echo serves one connection, and says whom it was from.
func echo(l *net.TCPListener, from *netip.AddrPort) error {
	c, err := l.AcceptTCP()
	if err != nil {
		return err
	}
	defer c.Close()
	*from = c.RemoteAddr().(*net.TCPAddr).AddrPort()
	_, err = io.Copy(c, c)
	return err
}

func TestNetworkWorks(t *testing.T) {
	c, w := bridged(t, nil)
	first, firstNetns := container(t, c, w)
	second, secondNetns := container(t, c, w)
	host, err := thisNetns()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(host)
	loopback := netip.MustParseAddr("127.0.0.1")
	for _, test := range []struct {
		name     string
		at, from int // namespaces
		to, seen netip.Addr
	}{
		{"a container and the gateway", host, firstNetns, w.policy.Gateway(), first},
		{"the host and a container", firstNetns, host, first, w.policy.Gateway()},
		{"two containers", secondNetns, firstNetns, second, first},
		{"a container and itself", firstNetns, firstNetns, loopback, loopback},
	} {
		t.Run(test.name, func(t *testing.T) {
			var l *net.TCPListener
			inside(t, test.at, func() (err error) {
				l, err = net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(test.to, 0)))
				return err
			})
			if l == nil {
				return
			}
			defer l.Close()
			var from netip.AddrPort
			served := make(chan error, 1)
			go func() { served <- echo(l, &from) }()
			port := l.Addr().(*net.TCPAddr).AddrPort().Port()
			inside(t, test.from, func() error {
				got, err := say(netip.AddrPortFrom(test.to, port), "hello")
				if err == nil && got != "hello" {
					err = fmt.Errorf("got %q, want it back as it was", got)
				}
				return err
			})
			if t.Failed() {
				return // nobody called
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
			if from.Addr() != test.seen {
				t.Errorf("got a call from %v, want %v", from.Addr(), test.seen)
			}
		})
	}
}

func TestInside(t *testing.T) {
	c, w := bridged(t, nil)
	_, netns := container(t, c, w)
	inside(t, netns, func() error {
		c, err := dial()
		if err != nil {
			return err
		}
		defer c.Close()
		// The MTU of the way out is that of eth0: there is a way, and it is this one.
		if got, err := egressMTU(c); got != 1400 || err != nil {
			t.Errorf("got %d, %v, want 1400, nil", got, err)
		}
		var ways switches
		if err := ways.addRouted(c, w.policy); err != nil {
			return err
		}
		want := switches{v4: []string{"eth0"}}
		if w.policy.Subnet6.IsValid() {
			want.v6 = want.v4
		}
		if diff := cmp.Diff(want, ways, cmp.AllowUnexported(switches{})); diff != "" {
			t.Errorf("ways out (-want +got):\n%s", diff)
		}
		// No link-local address of the kernel's own: the guard knows one.
		wantSettings(t, map[string]string{"ipv6/conf/eth0/addr_gen_mode": "1"})
		return nil
	})
}

func TestConfigureWithoutALink(t *testing.T) {
	testNetns(t)
	_, there := otherNetns(t)
	n := good()
	if err := Configure(asFile(t, there), &n); !errors.Is(err, unix.ENODEV) {
		t.Errorf("got error %v, want %v", err, unix.ENODEV)
	}
}

// The lease ends with the namespace, whoever is there to see it: nothing else
// gives an address back.
func TestLeaseEndsWithTheNamespace(t *testing.T) {
	c, w := bridged(t, nil)
	netns, there, err := makeNetns()
	if err != nil {
		t.Fatal(err)
	}
	addr, slot, err := leased(c, w, netns)
	if err != nil {
		t.Fatal(err)
	}
	news := linkNews(t)
	there.Close()
	unix.Close(netns)
	buf := make([]byte, 32<<10)
	for c.hasIndex(lease.Index(owner, slot)) {
		if _, err := unix.Read(news, buf); err != nil {
			t.Fatalf("waiting for the end of %q: %v", lease.Name(addr), err)
		}
	}
	if _, err := c.index(lease.Name(addr)); !errors.Is(err, unix.ENODEV) {
		t.Errorf("looking for the host end: got %v, want %v", err, unix.ENODEV)
	}
}

// linkNews is a socket that hears of every change of a link (rtnetlink(7)).
func linkNews(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		t.Fatal(err)
	}
	// Only so that a link that stays is a failed test, not one that hangs.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20}); err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestIndex(t *testing.T) {
	c := testNetns(t)
	if got, err := c.index("lo"); got != 1 || err != nil {
		t.Errorf("lo: got %v, %v, want 1, nil", got, err)
	}
	if _, err := c.index("eth0"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("no such link: got %v, want %v", err, unix.ENODEV)
	}
	if _, err := c.index("sixteen-letters-"); err == nil {
		t.Error("a name that is too long: got no error, want one")
	}
	for index, want := range map[int]bool{1: true, lease.Index(owner, 0): false} {
		if got := c.hasIndex(index); got != want {
			t.Errorf("link %d: got %v, want %v", index, got, want)
		}
	}
}

// What is sent to a container's port from the moment that its command runs arrives: the port is
// active when the container's side is done.
func TestConfigureActivatesThePort(t *testing.T) {
	c, w := bridged(t, nil)
	busy(t, w.bridge)
	for range 50 {
		addr, _ := container(t, c, w)
		links, err := netlink.LinkList() // which leaves the links as they are
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(links, func(l netlink.Link) bool { return l.Attrs().Name == lease.Name(addr) })
		if i < 0 {
			t.Fatalf("there is no %q", lease.Name(addr))
		}
		if got := links[i].Attrs().OperState; got != netlink.OperUp {
			t.Errorf("%q is %v, want %v", lease.Name(addr), got, "up")
		}
		if err := netlink.LinkDel(links[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// busy keeps the kernel's lock of all links from being free for long, which what it puts off has
// to wait for.
func busy(t *testing.T, bridge int) {
	t.Helper()
	var done atomic.Bool
	var all sync.WaitGroup
	for range 12 {
		c, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer c.Close()
			for !done.Load() {
				_ = c.Must(setUp(bridge))
			}
		})
	}
	t.Cleanup(func() {
		done.Store(true)
		all.Wait()
	})
}
