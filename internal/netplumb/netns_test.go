package netplumb

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
	"unc/internal/tier"
)

// The tests of what is asked of the kernel run in network namespaces that they
// make themselves: as root, or as root of a user namespace (unshare -Urn). The
// machine's own network is never touched.

// testNetns puts the calling test into a network namespace of its own, and
// returns a socket in it. The test keeps its thread, which ends with it: no
// other test can get into that namespace by accident.
func testNetns(t *testing.T) *conn {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		const why = "a test that makes a network namespace takes root, if only that of unshare -Urn: %v"
		if tier.Is("userns") || os.Getuid() == 0 {
			tier.Skip(t, why, err)
		}
		t.Skipf(why, err)
	}
	return dialed(t)
}

func dialed(t *testing.T) *conn {
	t.Helper()
	c, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// otherNetns makes one more network namespace, for a container, and returns its
// descriptor and a socket in it. It ends with the test.
func otherNetns(t *testing.T) (netns int, c *conn) {
	t.Helper()
	netns, c, err := makeNetns()
	if err != nil {
		t.Fatalf("making a network namespace: %v", err)
	}
	t.Cleanup(func() {
		c.Close()
		unix.Close(netns)
	})
	return netns, c
}

func makeNetns() (netns int, c *conn, err error) {
	onThread(func() {
		if err = unix.Unshare(unix.CLONE_NEWNET); err == nil {
			netns, err = thisNetns()
		}
		if err == nil {
			c, err = dial()
		}
	})
	return netns, c, err
}

// onThread runs f on a thread that ends with it, whatever f does to it. It is
// not in the calling test's namespace, but in that of the process.
func onThread(f func()) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

// inside runs f in another network namespace.
func inside(t *testing.T, netns int, f func() error) {
	t.Helper()
	var err error
	onThread(func() {
		if err = unix.Setns(netns, unix.CLONE_NEWNET); err == nil {
			err = f()
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// host is the test's own namespace, for inside: a thread that raised a capability
// has nothing else left, and one that gave all of them up has nothing.
func host(t *testing.T) int {
	t.Helper()
	netns, err := thisNetns()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(netns) })
	return netns
}

// powerless runs f in the test's namespace with no capability, as net-setup does
// what its caller could do as well.
func powerless(t *testing.T, netns int, f func()) {
	t.Helper()
	inside(t, netns, func() error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			return fmt.Errorf("dropping all capabilities: %w", err)
		}
		f()
		return nil
	})
}

func thisNetns() (int, error) {
	return unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// addLink makes an interface in the test's namespace with another
// implementation of netlink, and brings it up.
func addLink(t *testing.T, l netlink.Link) netlink.Link {
	t.Helper()
	name := l.Attrs().Name
	if err := netlink.LinkAdd(l); err != nil {
		t.Fatalf("adding %q: %v", name, err)
	}
	// Both ends: an interface without a carrier has routes that don't count.
	if veth, ok := l.(*netlink.Veth); ok {
		setUpByName(t, veth.PeerName)
	}
	return setUpByName(t, name)
}

func setUpByName(t *testing.T, name string) netlink.Link {
	t.Helper()
	l := linkNamed(t, name)
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatalf("bringing %q up: %v", name, err)
	}
	return l
}

func linkNamed(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatalf("looking for %q: %v", name, err)
	}
	return l
}

// wire is an interface to the outside with addresses, like a machine's first one.
func wire(t *testing.T, mtu int) netlink.Link {
	t.Helper()
	l := addLink(t, &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "out", MTU: mtu}, PeerName: "far", PeerMTU: uint32(mtu)})
	addAddress(t, l, "192.0.2.2/24")
	if kernelHasIPv6() {
		addAddress(t, l, "2001:db8:1::2/64")
	}
	return l
}

func addAddress(t *testing.T, l netlink.Link, text string) {
	t.Helper()
	address, err := netlink.ParseAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	address.Flags = unix.IFA_F_NODAD // of no meaning for IPv4
	if err := netlink.AddrAdd(l, address); err != nil {
		t.Fatal(err)
	}
}

// endLease deletes the link that holds an address.
func endLease(t *testing.T, c *conn, addr netip.Addr) {
	t.Helper()
	index, err := c.index(lease.Name(addr))
	if err != nil {
		t.Fatal(err)
	}
	removeLink(c, index)
}
