package netplumb

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/lease"
	"unc/internal/nlconn"
	"unc/internal/policy"
	"unc/internal/tier"
)

// raised calls what raises the capability. That leaves its thread with nothing else,
// so it is one that ends.
func raised(t *testing.T, netns int, f func() error) error {
	t.Helper()
	var err error
	inside(t, netns, func() error {
		err = f()
		return nil
	})
	return err
}

// generation counts the changes of all rules: a filter that was written anew, be it
// the same, has another.
func generation(t *testing.T) uint32 {
	t.Helper()
	c, err := nlconn.Dial(unix.NETLINK_NETFILTER)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	header := make(raw, 4) // struct nfgenmsg, all zero
	payload, err := c.Get(nlconn.Request(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN, 0, header))
	if err != nil {
		t.Fatal(err)
	}
	attrs, err := nl.ParseRouteAttr(payload[len(header):])
	if err != nil || len(attrs) == 0 || attrs[0].Attr.Type != unix.NFTA_GEN_ID {
		t.Fatalf("got %+v, %v, want the generation", attrs, err)
	}
	return binary.BigEndian.Uint32(attrs[0].Value)
}

// raw is a part of a message as it is.
type raw []byte

func (r raw) Len() int          { return len(r) }
func (r raw) Serialize() []byte { return r }

// tables are the families in which there is a table of unc's.
func tables(t *testing.T) (families []nftables.TableFamily) {
	t.Helper()
	nft, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	all, err := nft.ListTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range all {
		if table.Name == "unc" {
			families = append(families, table.Family)
		}
	}
	return families
}

// state is all that furnish could change.
func state(t *testing.T, c *conn, p *policy.Policy) map[string]any {
	t.Helper()
	l, err := c.link(p.Bridge)
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	if err := c.addresses(l.index, func(_ int, a netip.Addr) { addresses = append(addresses, a.String()) }); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, name := range []string{
		"ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv4/conf/out/forwarding", "ipv6/conf/out/force_forwarding", "ipv6/conf/out/accept_ra",
		"ipv4/conf/far/forwarding", "ipv6/conf/far/force_forwarding", "ipv4/conf/unc0/forwarding", "ipv6/conf/unc0/force_forwarding",
	} {
		text, err := os.ReadFile("/proc/sys/net/" + name)
		if err != nil {
			t.Fatal(err)
		}
		settings[name] = string(text)
	}
	return map[string]any{
		"number": l.index, "names": notes(t, c), "addresses": addresses, "settings": settings, "filter": generation(t),
		"routed": keysOf(t, "routed"), "routed6": keysOf(t, "routed6"),
	}
}

// furnished does as the start of a container does.
func furnished(t *testing.T, c *conn, p *policy.Policy) int {
	t.Helper()
	found, err := findBridge(c, p)
	if err != nil {
		t.Fatal(err)
	}
	bridge, err := furnish(c, p, found)
	if err != nil {
		t.Fatal(err)
	}
	if present, err := filter.Present(p); !present || err != nil {
		t.Errorf("the filter: got %v, %v, want it whole", present, err)
	}
	return bridge
}

func TestFurnish(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	p := defaultPolicy()
	bridge := furnished(t, c, p)
	wantBridge(t, bridge)
	wantNotes(t, c, "unc-forward.out", "unc-forward6.out")
	wantKeys(t, "routed", "out")
	wantKeys(t, "routed6", "out")
	wantSettings(t, map[string]string{
		"ipv4/conf/out/forwarding": "1", "ipv6/conf/out/force_forwarding": "1", "ipv4/conf/unc0/forwarding": "1", "ipv6/conf/unc0/force_forwarding": "1",
		"ipv4/ip_forward": "0", "ipv6/conf/all/forwarding": "0",
	})
	// The second container changes nothing, nor does it write anything anew.
	before := state(t, c, p)
	if again := furnished(t, c, p); again != bridge {
		t.Errorf("again: got bridge %d, want %d", again, bridge)
	}
	if diff := cmp.Diff(before, state(t, c, p)); diff != "" {
		t.Errorf("after the second time (-before +after):\n%s", diff)
	}
	// One that starts when the host has a further route opens what the others did not
	// need, once.
	addAddress(t, linkNamed(t, "far"), "198.51.100.2/24")
	for range 2 {
		furnished(t, c, p)
		wantNotes(t, c, "unc-forward.far", "unc-forward.out", "unc-forward6.out")
		wantKeys(t, "routed", "far", "out")
		wantSettings(t, map[string]string{"ipv4/conf/far/forwarding": "1", "ipv6/conf/far/force_forwarding": "0"})
	}
}

// Without NAT nothing is forwarded, and nobody's settings change.
func TestFurnishWithoutNAT(t *testing.T) {
	c := machine(t)
	p := defaultPolicy()
	p.NAT = false
	bridge := furnished(t, c, p)
	wantBridge(t, bridge)
	wantNotes(t, c)
	wantKeys(t, "routed")
	wantSettings(t, map[string]string{"ipv4/conf/out/forwarding": "0", "ipv4/conf/unc0/forwarding": "0", "ipv4/ip_forward": "0", "ipv6/conf/all/forwarding": "0"})
}

// Somebody flushes all rules, or part of them. The next container finds out, and
// what was recorded on the bridge is closed again.
func TestFurnishAfterAFlush(t *testing.T) {
	needForceForwarding(t)
	for _, test := range []struct {
		name  string
		flush func(nft *nftables.Conn)
	}{
		{"everything", func(nft *nftables.Conn) { nft.FlushRuleset() }},
		{"one table", func(nft *nftables.Conn) {
			nft.DelTable(&nftables.Table{Name: "unc", Family: nftables.TableFamilyBridge})
		}},
		{"the rules of the forward chain", func(nft *nftables.Conn) {
			table := &nftables.Table{Name: "unc", Family: nftables.TableFamilyINet}
			nft.FlushChain(&nftables.Chain{Name: "forward", Table: table})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := machine(t)
			p := defaultPolicy()
			bridge := furnished(t, c, p)
			before := state(t, c, p)
			nft, err := nftables.New()
			if err != nil {
				t.Fatal(err)
			}
			test.flush(nft)
			if err := nft.Flush(); err != nil {
				t.Fatal(err)
			}
			if present, err := filter.Present(p); present || err != nil {
				t.Errorf("after the flush: got %v, %v, want false, nil", present, err)
			}
			if again := furnished(t, c, p); again != bridge {
				t.Errorf("got bridge %d, want %d", again, bridge)
			}
			after := state(t, c, p)
			for _, s := range []map[string]any{before, after} {
				delete(s, "filter") // written anew
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("after it was put back (-before +after):\n%s", diff)
			}
		})
	}
}

// The administrator changes the policy while containers run: the next start
// follows, with the bridge that is there.
func TestFurnishFollowsThePolicy(t *testing.T) {
	needForceForwarding(t)
	for _, test := range []struct {
		name      string
		change    func(*policy.Policy)
		addresses []string // of the bridge, further ones
	}{
		{"isolation", func(p *policy.Policy) { p.Isolated = false }, nil},
		{"host access", func(p *policy.Policy) { p.HostAccess = false }, nil},
		{"connections", func(p *policy.Policy) { p.MaxConnections = 64 }, nil},
		{"a larger subnet", func(p *policy.Policy) { p.Subnet = netip.MustParsePrefix("10.100.42.0/23") }, nil},
		{"another IPv6 subnet", func(p *policy.Policy) { p.Subnet6 = netip.MustParsePrefix("fd42:756e:6300:2::/64") }, []string{"fd42:756e:6300:2::1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := machine(t)
			p := defaultPolicy()
			bridge := furnished(t, c, p)
			changed := defaultPolicy()
			test.change(changed)
			if present, err := filter.Present(changed); present || err != nil {
				t.Errorf("before: got %v, %v, want another filter", present, err)
			}
			if again := furnished(t, c, changed); again != bridge {
				t.Errorf("got bridge %d, want %d", again, bridge)
			}
			if present, err := filter.Present(p); present || err != nil {
				t.Errorf("the filter of before: got %v, %v, want it replaced", present, err)
			}
			wantNotes(t, c, "unc-forward.out", "unc-forward6.out")
			wantKeys(t, "routed", "out")
			for _, text := range append(test.addresses, changed.Gateway().String()) {
				has, err := hasAddress(c, bridge, netip.PrefixFrom(netip.MustParseAddr(text), 0))
				if !has || err != nil {
					t.Errorf("address %s of the bridge: got %v, %v, want true, nil", text, has, err)
				}
			}
		})
	}
}

// What is in the way of the bridge is in the way of all else.
func TestFurnishStopsAtAStrangersBridge(t *testing.T) {
	c := machine(t)
	p := defaultPolicy()
	addLink(t, &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "unc0"}})
	if _, err := furnish(c, p, 0); err == nil {
		t.Error("got no error, want one")
	}
	wantSettings(t, map[string]string{"ipv4/conf/out/forwarding": "0", "ipv4/conf/unc0/forwarding": "0"})
	if got := tables(t); len(got) != 0 {
		t.Errorf("got tables %v, want none", got)
	}
}

func TestReload(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	netns := host(t)
	p := defaultPolicy()
	var result Result
	reloaded := func() {
		t.Helper()
		err := raised(t, netns, func() (err error) {
			result, err = reload(c, p, Request{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if s := result.Status; s == nil || !s.Exists || !s.Filter || result.Network != nil {
			t.Errorf("got %+v, want bridge and filter", s)
		}
	}
	reloaded() // on a machine where no container was
	wantNotes(t, c, "unc-forward.out", "unc-forward6.out")
	before := state(t, c, p)
	reloaded()
	if diff := cmp.Diff(before, state(t, c, p)); diff != "" {
		t.Errorf("where nothing was missing (-before +after):\n%s", diff)
	}
	if err := filter.Remove(); err != nil {
		t.Fatal(err)
	}
	setting(t, "ipv4/conf/out/forwarding", "0")
	reloaded()
	after := state(t, c, p)
	delete(before, "filter")
	delete(after, "filter")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("after all was put back (-before +after):\n%s", diff)
	}
}

func TestRemoveAll(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	netns := host(t)
	p := defaultPolicy()
	remove := func() error {
		return raised(t, netns, func() error {
			_, err := removeAll(c, p, Request{})
			return err
		})
	}
	if err := remove(); err != nil {
		t.Errorf("where there is nothing: %v", err)
	}
	w := wiring{policy: p, owner: owner, bridge: furnished(t, c, p), mtu: 1500}
	addr, err := requested(t, c, w, asks("web", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	wantSettings(t, map[string]string{
		"ipv4/conf/out/forwarding": "0", "ipv6/conf/out/force_forwarding": "0", "ipv4/ip_forward": "0", "ipv6/conf/all/forwarding": "0",
	})
	if _, err := c.index("unc0"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("looking for the bridge: got %v, want %v", err, unix.ENODEV)
	}
	if got := tables(t); len(got) != 0 {
		t.Errorf("got tables %v, want none", got)
	}
	// A container that still runs has its link, which leads nowhere and goes with it.
	l, err := c.link(lease.Name(addr))
	if err != nil || !slices.Contains(l.names, nameOf(owner, "web")) {
		t.Errorf("got link %+v, %v, want the container's as it was", l, err)
	}
	if err := remove(); err != nil {
		t.Errorf("once more: %v", err)
	}
	// A filter alone, whose bridge somebody has deleted.
	if err := filter.Write(p, filter.Routed{}); err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if got := tables(t); len(got) != 0 {
		t.Errorf("got tables %v, want none", got)
	}
}

// A stranger's interface of the bridge's name stays as it is; the filter goes all the same.
func TestRemoveAllLeavesAStrangers(t *testing.T) {
	for name, stranger := range map[string]netlink.Link{
		"a bridge":              &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "unc0"}},
		"one with our MAC only": &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "unc0", HardwareAddr: lease.InsideMAC(defaultPolicy().Gateway())}, PeerName: "peer"},
	} {
		t.Run(name, func(t *testing.T) {
			c := machine(t)
			netns := host(t)
			addLink(t, stranger)
			before, err := c.link("unc0")
			if err != nil {
				t.Fatal(err)
			}
			if err := filter.Write(defaultPolicy(), filter.Routed{}); err != nil {
				t.Fatal(err)
			}
			err = raised(t, netns, func() error {
				result, err := removeAll(c, defaultPolicy(), Request{})
				if result != (Result{}) {
					t.Errorf("got %+v, want nothing to say", result)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			after, err := c.link("unc0")
			if err != nil {
				t.Fatalf("looking for the stranger's: %v", err)
			}
			if diff := cmp.Diff(before, after, cmp.AllowUnexported(link{})); diff != "" {
				t.Errorf("the stranger's (-before +after):\n%s", diff)
			}
			if got := tables(t); len(got) != 0 {
				t.Errorf("got tables %v, want none", got)
			}
		})
	}
}

// The policy has another subnet by now: the bridge is unc's nevertheless.
func TestRemoveAllOfAnotherSubnet(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	netns := host(t)
	furnished(t, c, defaultPolicy())
	p := defaultPolicy()
	p.Subnet = netip.MustParsePrefix("10.64.0.0/16")
	err := raised(t, netns, func() error {
		_, err := removeAll(c, p, Request{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.index("unc0"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("looking for the bridge: got %v, want %v", err, unix.ENODEV)
	}
	if got := tables(t); len(got) != 0 {
		t.Errorf("got tables %v, want none", got)
	}
	wantSettings(t, map[string]string{"ipv4/conf/out/forwarding": "0", "ipv6/conf/out/force_forwarding": "0"})
}

// Somebody, Docker for example, makes the whole host a router after unc has turned
// forwarding on here and there: what unc closed is open again, its notes are gone,
// and remove leaves the host a router.
func TestFurnishYields(t *testing.T) {
	needForceForwarding(t)
	for _, test := range []struct {
		name     string
		settings map[string]string
		notes    []string
		v4, v6   []string // closed still
	}{
		{"IPv4", map[string]string{"ipv4/ip_forward": "1"}, []string{"unc-forward6.out"}, nil, []string{"out"}},
		{"IPv6", map[string]string{"ipv6/conf/all/forwarding": "1"}, []string{"unc-forward.out"}, []string{"out"}, nil},
		{"both", map[string]string{"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"}, nil, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := machine(t)
			netns := host(t)
			p := defaultPolicy()
			bridge := furnished(t, c, p)
			wantNotes(t, c, "unc-forward.out", "unc-forward6.out")
			for name, value := range test.settings {
				setting(t, name, value)
			}
			if again := furnished(t, c, p); again != bridge {
				t.Errorf("got bridge %d, want %d", again, bridge)
			}
			wantNotes(t, c, test.notes...)
			wantKeys(t, "routed", test.v4...)
			wantKeys(t, "routed6", test.v6...)
			wantSettings(t, test.settings)
			// Nothing is left to yield, so nothing is written anew.
			before := state(t, c, p)
			furnished(t, c, p)
			if diff := cmp.Diff(before, state(t, c, p)); diff != "" {
				t.Errorf("once more (-before +after):\n%s", diff)
			}
			err := raised(t, netns, func() error {
				_, err := removeAll(c, p, Request{})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			wantSettings(t, test.settings)
		})
	}
}

// Where there is but one setting for IPv6 and unc has turned it on, that is nobody
// else's.
func TestFurnishYieldsNotToItself(t *testing.T) {
	c := machine(t)
	olderKernel(t)
	p := defaultPolicy()
	furnished(t, c, p)
	before := notes(t, c)
	if !slices.Contains(before, allForward6) {
		t.Fatalf("got notes %q, want %q among them", before, allForward6)
	}
	generated := generation(t)
	furnished(t, c, p)
	wantNotes(t, c, before...)
	if got := generation(t); got != generated {
		t.Errorf("the filter was written anew: generation %d, want %d", got, generated)
	}
}

// A link that comes up later is opened by reload, as by the next start.
func TestReloadOpensNewLinks(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	netns := host(t)
	reloaded := func() {
		t.Helper()
		err := raised(t, netns, func() error {
			_, err := reload(c, defaultPolicy(), Request{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	reloaded()
	wantSettings(t, map[string]string{"ipv4/conf/out/forwarding": "1", "ipv4/conf/far/forwarding": "0", "ipv6/conf/far/force_forwarding": "0"})
	addAddress(t, linkNamed(t, "far"), "198.51.100.2/24")
	addAddress(t, linkNamed(t, "far"), "2001:db8:2::2/64")
	reloaded()
	wantSettings(t, map[string]string{"ipv4/conf/far/forwarding": "1", "ipv6/conf/far/force_forwarding": "1"})
	wantKeys(t, "routed", "far", "out")
	wantKeys(t, "routed6", "far", "out")
}

func TestRemoveAllIsForRoot(t *testing.T) {
	if tier.Is("userns") {
		t.Skip("a user namespace has but one user")
	}
	c := machine(t)
	netns := host(t)
	p := defaultPolicy()
	furnished(t, c, p)
	before := state(t, c, p)
	err := raised(t, netns, func() error {
		// Of this thread alone, which ends here.
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, owner, ^uintptr(0), ^uintptr(0)); errno != 0 {
			return errno
		}
		_, err := removeAll(c, p, Request{})
		return err
	})
	if !errors.Is(err, errNotRoot) {
		t.Errorf("got %v, want %v", err, errNotRoot)
	}
	if diff := cmp.Diff(before, state(t, c, p), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("after it was refused (-before +after):\n%s", diff)
	}
}
