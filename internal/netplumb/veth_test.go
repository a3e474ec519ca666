package netplumb

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/nlconn"
)

const owner = 61003

// bridged is a test's host: a namespace with the bridge, and a wiring for it.
func bridged(t *testing.T, change func(*policy)) (*conn, wiring) {
	t.Helper()
	c := testNetns(t)
	p := defaultPolicy
	if change != nil {
		change(&p)
	}
	bridge, err := makeBridge(c, p)
	if err != nil {
		t.Fatal(err)
	}
	return c, wiring{policy: p, owner: owner, bridge: bridge, mtu: 1400}
}

// leased does what net-setup does for one container.
func leased(c *conn, w wiring, netns int) (addr netip.Addr, slot uint32, err error) {
	if slot, err = freeSlot(c, w.policy, w.owner); err == nil {
		addr, err = lease(c, w, netns, slot)
	}
	return addr, slot, err
}

// hostEnds counts the links of an owner that are on the bridge.
func hostEnds(t *testing.T, c *conn, w wiring) (n int) {
	t.Helper()
	for slot := range uint32(w.policy.maxPerUser) {
		if c.hasIndex(slotIndex(w.owner, slot)) {
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
	if !w.policy.subnet.Contains(addr) || addr == w.policy.gateway() {
		t.Errorf("got address %v, want one of %v", addr, w.policy.subnet)
	}
	ip := addr.As4()

	near := linkNamed(t, leaseName(addr))
	want := map[string]any{
		"kind": "veth", "number": slotIndex(owner, slot), "group": uint32(owner), "bridge": w.bridge, "mtu": 1400,
		"mac": net.HardwareAddr{6, 0x75, ip[0], ip[1], ip[2], ip[3]}.String(), "up": true,
	}
	a := near.Attrs()
	got := map[string]any{
		"kind": near.Type(), "number": a.Index, "group": a.Group, "bridge": a.MasterIndex, "mtu": a.MTU,
		"mac": a.HardwareAddr.String(), "up": a.Flags&net.FlagUp != 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("host end (-want +got):\n%s", diff)
	}

	// No link-local address: nobody else is to talk to the host over the bridge.
	wantSettings(t, map[string]string{"ipv6/conf/" + leaseName(addr) + "/addr_gen_mode": "1"})

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

// The port neither learns addresses nor gets what is not for it, and the bridge
// knows the one address behind it.
func TestLeasePort(t *testing.T) {
	c, w := bridged(t, nil)
	netns, _ := otherNetns(t)
	addr, _, err := leased(c, w, netns)
	if err != nil {
		t.Fatal(err)
	}
	port := linkNamed(t, leaseName(addr))
	info, err := netlink.LinkGetProtinfo(port)
	if err != nil {
		t.Fatal(err)
	}
	if info.Learning || info.Flood {
		t.Errorf("got learning %v and flooding %v, want neither", info.Learning, info.Flood)
	}
	var macs []string
	err = c.Dump(func() *nl.NetlinkRequest {
		return nlconn.Request(unix.RTM_GETNEIGH, 0, &ndMsg{Family: unix.AF_BRIDGE, Ifindex: int32(port.Attrs().Index)})
	}, func(payload []byte) {
		state := (&ndMsg{}).Len()
		attrs, err := nl.ParseRouteAttr(payload[state:])
		if err != nil {
			t.Fatal(err)
		}
		for _, attr := range attrs {
			if attr.Attr.Type == unix.NDA_LLADDR && payload[8] == unix.NUD_NOARP {
				macs = append(macs, net.HardwareAddr(attr.Value).String())
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{macOf(insideMAC, addr).String()}, macs); diff != "" {
		t.Errorf("static MAC addresses behind the port (-want +got):\n%s", diff)
	}
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
	c, w := bridged(t, func(p *policy) { p.subnet, p.maxPerUser = netip.MustParsePrefix("10.100.42.0/28"), n })
	var wait sync.WaitGroup
	var addresses [n]netip.Addr
	var errs [n]error
	for i := range n {
		netns, _ := otherNetns(t)
		own := dialed(t)
		wait.Go(func() { addresses[i], _, errs[i] = leased(own, w, netns) })
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
	c, w := bridged(t, func(p *policy) { p.maxPerUser = 2 })
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
	if _, err := lease(c, w, netns, 0); err == nil || err.Error() != full {
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
	if _, err := lease(c, w, first, 5); err != nil {
		t.Fatal(err)
	}
	second, _ := otherNetns(t)
	if _, err := lease(c, w, second, 5); err != nil {
		t.Fatal(err)
	}
	if got := hostEnds(t, c, w); got != 2 {
		t.Errorf("got %d links in slots, want 2", got)
	}
}

func TestFullSubnet(t *testing.T) {
	c, w := bridged(t, func(p *policy) { p.subnet = netip.MustParsePrefix("10.100.42.0/29") })
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
		remove(c, slotIndex(owner, slot))
		if _, err := c.index(leaseName(addr)); !errors.Is(err, unix.ENODEV) {
			t.Errorf("looking for the host end: got %v, want %v", err, unix.ENODEV)
		}
		if _, err := there.index("eth0"); !errors.Is(err, unix.ENODEV) {
			t.Errorf("looking for the container's end: got %v, want %v", err, unix.ENODEV)
		}
	}
}
