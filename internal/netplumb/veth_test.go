package netplumb

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/hint"
	"unc/internal/lease"
	"unc/internal/nlconn"
	"unc/internal/policy"
)

const owner = 61003

// bridged is a test's host: a namespace with the bridge and the filter, and a wiring
// for it.
func bridged(t *testing.T, change func(*policy.Policy)) (*conn, wiring) {
	t.Helper()
	c := testNetns(t)
	p := defaultPolicy()
	if change != nil {
		change(p)
	}
	bridge, err := makeBridge(c, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := filter.Write(p, filter.Routed{}); err != nil {
		t.Fatal(err)
	}
	return c, wiring{policy: p, owner: owner, bridge: bridge, mtu: 1400}
}

// leased does what net-setup does for one container.
func leased(c *conn, w wiring, netns int) (addr netip.Addr, slot uint32, err error) {
	if slot, err = freeSlot(c, w.policy, w.owner); err == nil {
		addr, err = leasedWith(c, w, netns, slot, Request{})
	}
	return addr, slot, err
}

// leasedWith is for a certain slot, and for a request with more in it.
func leasedWith(c *conn, w wiring, netns int, slot uint32, r Request) (netip.Addr, error) {
	number, err := takeLease(c, w, netns, slot, r, nil)
	if err != nil {
		return netip.Addr{}, err
	}
	return w.policy.Addr(number), nil
}

// hostEnds counts the links of an owner that are on the bridge.
func hostEnds(t *testing.T, c *conn, w wiring) (n int) {
	t.Helper()
	for slot := range uint32(w.policy.MaxPerUser) {
		if c.hasIndex(lease.Index(w.owner, slot)) {
			n++
		}
	}
	return n
}

func TestLease(t *testing.T) {
	c, w := bridged(t, nil)
	netns, there := otherNetns(t)
	addr, slot, err := leased(c, w, netns)
	if err != nil {
		t.Fatal(err)
	}
	if !w.policy.Subnet.Contains(addr) || addr == w.policy.Gateway() {
		t.Errorf("got address %v, want one of %v", addr, w.policy.Subnet)
	}
	ip := addr.As4()

	near := linkNamed(t, lease.Name(addr))
	want := map[string]any{
		"kind": "veth", "number": lease.Index(owner, slot), "group": uint32(owner), "bridge": w.bridge, "mtu": 1400,
		"mac": net.HardwareAddr{6, 0x75, ip[0], ip[1], ip[2], ip[3]}.String(), "up": true,
		"answers ARP": false, // the host's own, over the port and past the bridge
	}
	a := near.Attrs()
	got := map[string]any{
		"kind": near.Type(), "number": a.Index, "group": a.Group, "bridge": a.MasterIndex, "mtu": a.MTU,
		"mac": a.HardwareAddr.String(), "up": a.Flags&net.FlagUp != 0,
		"answers ARP": a.RawFlags&unix.IFF_NOARP == 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("host end (-want +got):\n%s", diff)
	}

	// No link-local address of the kernel's own: the guard knows one for each container.
	wantSettings(t, map[string]string{"ipv6/conf/" + lease.Name(addr) + "/addr_gen_mode": "1"})

	far, err := there.link("eth0")
	if err != nil {
		t.Fatal(err)
	}
	far.index = 0 // of no interest
	wantFar := &link{name: "eth0", kind: "veth", mac: string([]byte{2, 0x75, ip[0], ip[1], ip[2], ip[3]}), mtu: 1400}
	if diff := cmp.Diff(wantFar, far, cmp.AllowUnexported(link{})); diff != "" {
		t.Errorf("container's end (-want +got):\n%s", diff)
	}
}

// The port learns its address from what the guard lets pass, and gets nothing that is
// not for it.
func TestLeasePort(t *testing.T) {
	c, w := bridged(t, nil)
	netns, _ := otherNetns(t)
	addr, _, err := leased(c, w, netns)
	if err != nil {
		t.Fatal(err)
	}
	port := linkNamed(t, lease.Name(addr))
	info, err := netlink.LinkGetProtinfo(port)
	if err != nil {
		t.Fatal(err)
	}
	if !info.Learning || info.Flood {
		t.Errorf("got learning %v and flooding %v, want true and false", info.Learning, info.Flood)
	}
	// All that the kernel allows, and it keeps but the first three to itself.
	if got, want := groupForward(t, c, port.Attrs().Index), uint16(0xfff8); got != want {
		t.Errorf("got %#x forwarded of what a bridge keeps to itself, want %#x", got, want)
	}
	if !sysctlIs("ipv6", port.Attrs().Name, "disable_ipv6", "1") {
		t.Error("got a port with IPv6 of the host's, want none")
	}
}

// groupForward reads the mask of link-local group addresses that go the ordinary
// way from a bridge port.
func groupForward(t *testing.T, c *conn, index int) uint16 {
	t.Helper()
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index = int32(index)
	payload, err := c.Get(nlconn.Request(unix.RTM_GETLINK, 0, info))
	if err != nil {
		t.Fatal(err)
	}
	b := payload[unix.SizeofIfInfomsg:]
	for _, kind := range []uint16{unix.IFLA_LINKINFO, nl.IFLA_INFO_SLAVE_DATA, unix.IFLA_BRPORT_GROUP_FWD_MASK} {
		attrs, err := nl.ParseRouteAttr(b)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(attrs, func(a syscall.NetlinkRouteAttr) bool { return a.Attr.Type&^unix.NLA_F_NESTED == kind })
		if at < 0 {
			t.Fatalf("the kernel does not tell attribute %d of the port", kind)
		}
		b = attrs[at].Value
	}
	return nl.NativeEndian().Uint16(b)
}

func TestLeasesDiffer(t *testing.T) {
	c, w := bridged(t, nil)
	taken := map[netip.Addr]bool{}
	for range 20 {
		netns, _ := otherNetns(t)
		addr, _, err := leased(c, w, netns)
		if err != nil {
			t.Fatal(err)
		}
		if taken[addr] {
			t.Errorf("%v was leased twice", addr)
		}
		taken[addr] = true
	}
	if got := hostEnds(t, c, w); got != 20 {
		t.Errorf("got %d links, want 20", got)
	}
}

// So few addresses and slots that those who come at once meet all the time:
// nobody may get another's, and nobody may go without.
func TestLeasesAtOnce(t *testing.T) {
	const n = 13 // all of a /28
	c, w := bridged(t, func(p *policy.Policy) { p.Subnet, p.MaxPerUser = netip.MustParsePrefix("10.100.42.0/28"), n })
	home := host(t)
	var wait sync.WaitGroup
	var addresses [n]netip.Addr
	var errs [n]error
	for i := range n {
		netns, _ := otherNetns(t)
		own := dialed(t)
		wait.Go(func() {
			inside(t, home, func() error {
				addresses[i], _, errs[i] = leased(own, w, netns)
				return nil
			})
		})
	}
	wait.Wait()
	taken := map[netip.Addr]bool{}
	for i, err := range errs {
		if err != nil {
			t.Error(err)
		} else if taken[addresses[i]] {
			t.Errorf("%v was leased twice", addresses[i])
		}
		taken[addresses[i]] = true
	}
	if got := hostEnds(t, c, w); got != n {
		t.Errorf("got %d links, want %d", got, n)
	}
}

func TestQuota(t *testing.T) {
	c, w := bridged(t, func(p *policy.Policy) { p.MaxPerUser = 2 })
	for range 2 {
		netns, _ := otherNetns(t)
		if _, _, err := leased(c, w, netns); err != nil {
			t.Fatal(err)
		}
	}
	const full = "the quota is used up: user 61003 has 2 containers on the network, as many as one user may have"
	netns, there := otherNetns(t)
	_, _, err := leased(c, w, netns)
	if err == nil || err.Error() != full || len(hint.Of(err)) == 0 {
		t.Errorf("got error %v with hints %q, want %q with one", err, hint.Of(err), full)
	}
	// As when the slot was free a moment ago, and another net-setup was faster.
	if _, err := leasedWith(c, w, netns, 0, Request{}); err == nil || err.Error() != full {
		t.Errorf("with a slot just taken: got error %v, want %q", err, full)
	}
	if got := hostEnds(t, c, w); got != 2 {
		t.Errorf("got %d links, want 2", got)
	}
	if _, err := there.index("eth0"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("looking for eth0: got %v, want %v", err, unix.ENODEV)
	}
	w.owner++
	if _, _, err := leased(c, w, netns); err != nil {
		t.Errorf("another user, who has none: %v", err)
	}
}

func TestLeaseTakesAnotherSlot(t *testing.T) {
	c, w := bridged(t, nil)
	first, _ := otherNetns(t)
	if _, err := leasedWith(c, w, first, 5, Request{}); err != nil {
		t.Fatal(err)
	}
	second, _ := otherNetns(t)
	if _, err := leasedWith(c, w, second, 5, Request{}); err != nil {
		t.Fatal(err)
	}
	if got := hostEnds(t, c, w); got != 2 {
		t.Errorf("got %d links in slots, want 2", got)
	}
}

func TestFullSubnet(t *testing.T) {
	c, w := bridged(t, func(p *policy.Policy) { p.Subnet = netip.MustParsePrefix("10.100.42.0/29") })
	for range 5 {
		netns, _ := otherNetns(t)
		if _, _, err := leased(c, w, netns); err != nil {
			t.Fatal(err)
		}
	}
	w.owner++ // the subnet is everybody's
	netns, _ := otherNetns(t)
	_, _, err := leased(c, w, netns)
	const want = "the subnet is full: all 5 addresses of 10.100.42.0/29 are leased"
	if err == nil || err.Error() != want || len(hint.Of(err)) == 0 {
		t.Errorf("got error %v with hints %q, want %q with one", err, hint.Of(err), want)
	}
	if got := hostEnds(t, c, w); got != 0 {
		t.Errorf("got %d links of who was refused, want none", got)
	}
}

func TestLeaseOfANamespaceWithEth0(t *testing.T) {
	c, w := bridged(t, nil)
	netns, _ := otherNetns(t)
	if _, _, err := leased(c, w, netns); err != nil {
		t.Fatal(err)
	}
	_, _, err := leased(c, w, netns)
	const want = `the network namespace has an interface "eth0" already`
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %q", err, want)
	}
	if got := hostEnds(t, c, w); got != 1 {
		t.Errorf("got %d links, want the first one only", got)
	}
}

func TestRemove(t *testing.T) {
	c, w := bridged(t, nil)
	netns, there := otherNetns(t)
	addr, slot, err := leased(c, w, netns)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is gone already is as good
		removeLink(c, lease.Index(owner, slot))
		if _, err := c.index(lease.Name(addr)); !errors.Is(err, unix.ENODEV) {
			t.Errorf("looking for the host end: got %v, want %v", err, unix.ENODEV)
		}
		if _, err := there.index("eth0"); !errors.Is(err, unix.ENODEV) {
			t.Errorf("looking for the container's end: got %v, want %v", err, unix.ENODEV)
		}
	}
}
