package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// host is a machine as far as its network is concerned, with two users who have
// no entry in /etc/passwd and are this host's alone.
type host struct {
	t          *testing.T
	netns      *os.File
	alice, bob user
	before     picture

	// What the machine's policy calls its bridge, and the gateway's address.
	bridge  string
	gateway string
}

type user struct{ uid, gid int }

// lastUser counts up from uids that nobody is given: systemd(7)'s
// UIDS-GIDS.md lists 65536 and up as unused, Debian's subordinate ids begin at
// 100000. Two runs of the tests at the same time get different ones.
var lastUser atomic.Int32

func newUser() user {
	n := int(lastUser.Add(1))
	uid := 70000 + os.Getpid()%50*500 + n
	u := user{uid: uid, gid: uid + 25000}
	_ = os.RemoveAll(recordsOf(u)) // of a run of the tests that failed
	return u
}

// newHost makes a host with nothing but a loopback interface, and compares it
// with itself at the end of the test.
func newHost(t *testing.T) *host {
	t.Helper()
	needRoot(t)
	h := &host{t: t, netns: newNetns(t), alice: newUser(), bob: newUser(), bridge: "unc0", gateway: "10.100.42.1/24"}
	t.Cleanup(h.removeRecords)
	loadModules.Do(func() { runOnce(t) })
	h.compareAtEnd()
	return h
}

// removeRecords removes the directories of records that the users have in /tmp, which stay with
// an ordinary user.
func (h *host) removeRecords() {
	for _, u := range []user{h.alice, h.bob} {
		must(h.t, os.RemoveAll(recordsOf(u)))
	}
}

// recordsOf is where the records of a user's containers are who has no runtime directory.
func recordsOf(u user) string { return fmt.Sprintf("/tmp/unc-%d", u.uid) }

// loadModules comes before the first host is compared: the kernel loads what a
// container takes when the first one needs it, and modules bring settings of their
// own into every network namespace.
var loadModules sync.Once

// runOnce runs a container on a host of its own. Where that does not work, a test tells.
func runOnce(t *testing.T) {
	h := &host{t: t, netns: newNetns(t), alice: newUser()}
	h.run(h.unc(h.alice, "run", "true"))
}

func needRoot(t *testing.T) {
	t.Helper()
	if cannot != "" {
		tier.Skip(t, "%s", cannot)
	}
}

// needProgram skips a test that uses what the others do without.
func needProgram(t *testing.T, name, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		tier.Skip(t, "%s is missing: sudo apt-get install %s", name, pkg)
	}
}

// of is the host for a subtest.
func (h *host) of(t *testing.T) *host {
	sub := *h
	sub.t = t
	return &sub
}

// with is the host for a subtest, compared at its end as well.
func (h *host) with(t *testing.T) *host {
	sub := h.of(t)
	sub.compareAtEnd()
	return sub
}

func (h *host) compareAtEnd() {
	h.settle()
	h.t.Cleanup(func() { h.compare() })
}

// settle makes what the test itself has changed a part of the host.
func (h *host) settle() {
	h.t.Helper()
	var err error
	if h.before, err = h.look(); err != nil {
		h.t.Fatalf("looking at the host: %v", err)
	}
}

func newNetns(t *testing.T) *os.File {
	t.Helper()
	var ns *os.File
	err := onThread(func() (err error) {
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making a network namespace: %w", err)
		}
		if err = setUp("lo"); err != nil {
			return err
		}
		ns, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	return ns
}

// onThread runs f on a thread of its own, which ends with f and takes the
// namespaces that f has entered with it.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// in runs f on a thread in the host's network namespace. A process that f
// starts is in there too, and /proc/sys/net shows its settings.
func (h *host) in(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(h.netns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering the host: %w", err)
		}
		return f()
	})
}

// inHost is in, for what can't fail in a working test.
func (h *host) inHost(f func() error) {
	h.t.Helper()
	if err := h.in(f); err != nil {
		h.t.Fatal(err)
	}
}

// newHostOnLAN makes a host with an interface lan0, and a gateway 192.0.2.1 in a
// second network namespace. A script then changes it as the test needs it.
func newHostOnLAN(t *testing.T, script string) *host {
	t.Helper()
	needRoot(t)
	lan := newNetns(t) // before the host, and so closed after it is compared
	h := newHost(t)
	h.inHost(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "lan0"
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "gw0", PeerNamespace: netlink.NsFd(lan.Fd())})
	})
	gateway := &host{t: t, netns: lan}
	// No IPv6 address of the kernel's own: it would turn up at any time.
	gateway.root("ip link set gw0 addrgenmode none && ip link set gw0 up && ip addr add 192.0.2.1/24 dev gw0")
	h.root("ip link set lan0 addrgenmode none && ip link set lan0 up && ip addr add 192.0.2.2/24 dev lan0")
	h.root(script)
	h.settle()
	return h
}

func setUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// leases lists the host ends of all containers on the host.
func (h *host) leases() []string {
	h.t.Helper()
	var names []string
	h.inHost(func() error {
		links, err := links()
		for key := range links {
			if name := strings.TrimPrefix(key, "link "); strings.HasPrefix(name, "uv") {
				names = append(names, name)
			}
		}
		return err
	})
	return names
}
