package netplumb

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/policy"
)

// setting writes a kernel setting of the test's namespace.
func setting(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// machine is a host with a way to the outside that forwards nothing yet. A new
// namespace has the settings of the first one (ip-sysctl, devconf_inherit_init_net).
func machine(t *testing.T) *conn {
	t.Helper()
	needIPv6(t)
	c := testNetns(t)
	setting(t, "ipv4/ip_forward", "0")
	setting(t, "ipv6/conf/all/forwarding", "0")
	out := wire(t, 1500)
	addRoutes(t, out, &netlink.Route{Gw: gateway}, &netlink.Route{Gw: gateway6})
	return c
}

// needForceForwarding is for what a kernel before Linux 6.17 does in another way.
func needForceForwarding(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/sys/net/ipv6/conf/all/force_forwarding"); err != nil {
		t.Skip("this kernel has no force_forwarding")
	}
}

// olderKernel makes the test's host look as one before Linux 6.17 does, as far as
// the interfaces go that there are: what says force_forwarding is covered. The
// mounts are in a namespace of the test's thread.
func olderKernel(t *testing.T) {
	t.Helper()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("/proc/sys/net/ipv6/conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := sysctlPath("ipv6", e.Name(), "force_forwarding")
		if err := unix.Mount("/dev/null", path, "", unix.MS_BIND, ""); err != nil && !errors.Is(err, unix.ENOENT) {
			t.Fatalf("covering %q: %v", path, err)
		}
	}
}

// keysOf reads a set of the filter with another implementation of nftables.
func keysOf(t *testing.T, set string) (names []string) {
	t.Helper()
	nft, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	table := &nftables.Table{Name: "unc", Family: nftables.TableFamilyINet}
	elements, err := nft.GetSetElements(&nftables.Set{Table: table, Name: set})
	if err != nil {
		t.Fatalf("reading set %q: %v", set, err)
	}
	for _, e := range elements {
		names = append(names, unix.ByteSliceToString(e.Key))
	}
	slices.Sort(names)
	return names
}

func wantKeys(t *testing.T, set string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, keysOf(t, set), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("set %q (-want +got):\n%s", set, diff)
	}
}

// notes are what is written on the bridge.
func notes(t *testing.T, c *conn) []string {
	t.Helper()
	l, err := c.link("unc0")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(l.names)
	return l.names
}

func wantNotes(t *testing.T, c *conn, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, notes(t, c), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("names of the bridge (-want +got):\n%s", diff)
	}
}

func TestSwitches(t *testing.T) {
	needForceForwarding(t)
	for _, test := range []struct {
		name     string
		v4, v6   string // interfaces that are added
		settings map[string]string
		want     switches
	}{
		{"nothing is forwarded", "out", "out", nil, switches{v4: []string{"out"}, v6: []string{"out"}}},
		{"no way out", "", "", nil, switches{}},
		{"a way for IPv4", "out", "", nil, switches{v4: []string{"out"}}},
		{"a way for IPv6", "", "out", nil, switches{v6: []string{"out"}}},
		{"ways by two interfaces", "out", "far", nil, switches{v4: []string{"out"}, v6: []string{"far"}}},
		{"a router for IPv4", "out", "out", map[string]string{"ipv4/ip_forward": "1"}, switches{v6: []string{"out"}}},
		{"a router for IPv6", "out", "out", map[string]string{"ipv6/conf/all/forwarding": "1"}, switches{v4: []string{"out"}}},
		{"a router", "out", "out", map[string]string{"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"}, switches{}},
		{"this interface alone", "out", "out", map[string]string{"ipv4/conf/out/forwarding": "1", "ipv6/conf/out/force_forwarding": "1"}, switches{}},
		{"others alone", "out", "out", map[string]string{"ipv4/conf/far/forwarding": "1", "ipv6/conf/far/force_forwarding": "1"}, switches{v4: []string{"out"}, v6: []string{"out"}}},
		{"one that has gone", "gone", "", nil, switches{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			machine(t)
			for name, value := range test.settings {
				setting(t, name, value)
			}
			var got switches
			for range 2 { // each is entered once
				got.add(test.v4, test.v6)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(switches{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("switches (-want +got):\n%s", diff)
			}
			if got, want := got.none(), test.want.v4 == nil && test.want.v6 == nil; got != want {
				t.Errorf("got %v as to whether that is none, want %v", got, want)
			}
		})
	}
}

// closed are the switches of one interface.
func closed(name string) (s switches) {
	s.add(name, name)
	return s
}

func TestSwitchesOfAnOlderKernel(t *testing.T) {
	machine(t)
	olderKernel(t)
	want := switches{v4: []string{"out"}, allV6: true}
	if diff := cmp.Diff(want, closed("out"), cmp.AllowUnexported(switches{})); diff != "" {
		t.Errorf("switches (-want +got):\n%s", diff)
	}
	setting(t, "ipv6/conf/all/forwarding", "1")
	want.allV6 = false
	if diff := cmp.Diff(want, closed("out"), cmp.AllowUnexported(switches{})); diff != "" {
		t.Errorf("switches of a router (-want +got):\n%s", diff)
	}
}

// Wherever an answer or a stranger can come from: at each interface that a route of
// the main table leads through, but neither at the bridge nor at loopback, nor where
// there are but link-local addresses.
func TestAddRouted(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	setUpByName(t, "lo")
	if _, err := makeBridge(c, defaultPolicy()); err != nil {
		t.Fatal(err)
	}
	const lo = 1
	addRoute(t, &netlink.Route{LinkIndex: lo, Dst: ipNet("203.0.113.0/24")})
	addRoute(t, &netlink.Route{Type: unix.RTN_BLACKHOLE, Dst: ipNet("198.18.0.0/15")})
	for name, prefix := range map[string]string{"lan4": "198.51.100.0/24", "lan6": "2001:db8:2::/64", "another": "203.0.112.0/24", "bare": ""} {
		l := addLink(t, &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}})
		switch {
		case name == "another":
			addRoute(t, &netlink.Route{LinkIndex: l.Attrs().Index, Dst: ipNet(prefix), Table: 4711})
		case prefix != "":
			addRoute(t, &netlink.Route{LinkIndex: l.Attrs().Index, Dst: ipNet(prefix)})
		}
	}
	for _, test := range []struct {
		name   string
		change func(*policy.Policy)
		v4, v6 []string
	}{
		{"both families", func(*policy.Policy) {}, []string{"lan4", "out"}, []string{"lan6", "out"}},
		{"containers without IPv6", func(p *policy.Policy) { p.Subnet6 = netip.Prefix{} }, []string{"lan4", "out"}, nil},
	} {
		p := defaultPolicy()
		test.change(p)
		var got switches
		for range 2 { // each is entered once
			if err := got.addRouted(c, p); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(got.v4)
		slices.Sort(got.v6)
		if diff := cmp.Diff(switches{v4: test.v4, v6: test.v6}, got, cmp.AllowUnexported(switches{})); diff != "" {
			t.Errorf("%s: switches (-want +got):\n%s", test.name, diff)
		}
	}
}

// guarded is a machine with bridge and filter.
func guarded(t *testing.T, c *conn, p *policy.Policy) (bridge int) {
	t.Helper()
	bridge, err := makeBridge(c, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := filter.Write(p, filter.Routed{}); err != nil {
		t.Fatal(err)
	}
	if err := filter.Finish(p); err != nil {
		t.Fatal(err)
	}
	return bridge
}

func TestTurnOn(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	p := defaultPolicy()
	bridge := guarded(t, c, p)
	for range 2 { // as when two start at once, and both found it closed
		s := switches{v4: []string{"out"}, v6: []string{"out"}}
		if err := turnOn(c, p, bridge, s); err != nil {
			t.Fatal(err)
		}
		wantSettings(t, map[string]string{
			"ipv4/ip_forward": "0", "ipv4/conf/out/forwarding": "1", "ipv4/conf/far/forwarding": "0", "ipv4/conf/default/forwarding": "0",
			"ipv6/conf/all/forwarding": "0", "ipv6/conf/out/force_forwarding": "1", "ipv6/conf/far/force_forwarding": "0",
			"ipv6/conf/out/accept_ra": "1",
		})
		wantNotes(t, c, "unc-forward.out", "unc-forward6.out")
		wantKeys(t, "routed", "out")
		wantKeys(t, "routed6", "out")
	}
	if s := closed("out"); !s.none() {
		t.Errorf("got %+v still closed, want none", s)
	}
	wantRecorded(t, c, filter.Routed{IPv4: []string{"out"}, IPv6: []string{"out"}})
	if present, err := filter.Present(p); !present || err != nil {
		t.Errorf("the filter: got %v, %v, want it whole", present, err)
	}
}

func wantRecorded(t *testing.T, c *conn, want filter.Routed) {
	t.Helper()
	got, err := recorded(c, defaultPolicy())
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("recorded: %v (-want +got):\n%s", err, diff)
	}
}

// A bridge of the host's is closed by its address too: what it passes on, it may.
func TestTurnOnABridge(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	p := defaultPolicy()
	bridge := guarded(t, c, p)
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 7}
	addLink(t, &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "lan", HardwareAddr: mac}})
	if err := turnOn(c, p, bridge, switches{v4: []string{"lan", "out"}, v6: []string{"lan"}}); err != nil {
		t.Fatal(err)
	}
	wantSettings(t, map[string]string{"ipv4/conf/lan/forwarding": "1", "ipv6/conf/lan/force_forwarding": "1"})
	wantRecorded(t, c, filter.Routed{IPv4: []string{"lan", "out"}, IPv6: []string{"lan"}, Bridges: map[string]net.HardwareAddr{"lan": mac}})
	wantKeys(t, "routed", "out")
	wantKeys(t, "routed6")
	wantKeys(t, "bridging", "lan")
	wantKeys(t, "bridging6", "lan")
}

func TestTurnOnNothing(t *testing.T) {
	c := testNetns(t)
	// There is no bridge to write on, and no filter.
	if err := turnOn(c, defaultPolicy(), 4711, switches{}); err != nil {
		t.Errorf("got %v, want nothing done", err)
	}
}

// The filter comes before the setting: where it can't be closed, all stays as it
// was. And before the filter comes the note.
func TestTurnOnNeedsTheFilter(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	p := defaultPolicy()
	bridge, err := makeBridge(c, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := turnOn(c, p, bridge, switches{v4: []string{"out"}, v6: []string{"out"}}); err == nil {
		t.Error("got no error without a filter, want one")
	}
	wantSettings(t, map[string]string{"ipv4/conf/out/forwarding": "0", "ipv6/conf/out/force_forwarding": "0"})
	wantNotes(t, c, "unc-forward.out", "unc-forward6.out")
	// Without the note, nothing is closed either.
	if err := filter.Write(p, filter.Routed{}); err != nil {
		t.Fatal(err)
	}
	if err := turnOn(c, p, 4711, switches{v4: []string{"far"}}); !errors.Is(err, unix.ENODEV) {
		t.Errorf("without a bridge: got %v, want %v", err, unix.ENODEV)
	}
	wantKeys(t, "routed")
	wantSettings(t, map[string]string{"ipv4/conf/far/forwarding": "0"})
}

func TestTurnOff(t *testing.T) {
	needForceForwarding(t)
	for _, test := range []struct {
		name      string
		meanwhile map[string]string // what an administrator has done
	}{
		{"as it was", nil},
		{"turned off already", map[string]string{"ipv4/conf/out/forwarding": "0", "ipv6/conf/out/force_forwarding": "0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := machine(t)
			p := defaultPolicy()
			bridge := guarded(t, c, p)
			setting(t, "ipv4/conf/far/forwarding", "1") // an administrator's
			if err := turnOn(c, p, bridge, switches{v4: []string{"out"}, v6: []string{"out"}}); err != nil {
				t.Fatal(err)
			}
			for name, value := range test.meanwhile {
				setting(t, name, value)
			}
			l, err := c.link("unc0")
			if err != nil {
				t.Fatal(err)
			}
			l.names = append(l.names, forwardPrefix+"gone", "lan") // an interface that was pulled out, and a name that root gave
			if err := turnOff(l); err != nil {
				t.Fatal(err)
			}
			wantSettings(t, map[string]string{
				"ipv4/ip_forward": "0", "ipv4/conf/out/forwarding": "0", "ipv4/conf/far/forwarding": "1",
				"ipv6/conf/out/force_forwarding": "0", "ipv6/conf/all/forwarding": "0",
			})
		})
	}
}

// On a kernel that has but one switch for IPv6, all of the host becomes a router:
// it keeps heeding router advertisements where it did, and routes nothing but what
// is the bridge's.
func TestTurnOnAnOlderKernel(t *testing.T) {
	c := machine(t)
	p := defaultPolicy()
	setting(t, "ipv6/conf/far/accept_ra", "0")
	setting(t, "ipv6/conf/default/accept_ra", "1")
	bridge := guarded(t, c, p)
	learned := routerAdvertised(t)
	olderKernel(t)
	if err := turnOn(c, p, bridge, closed("out")); err != nil {
		t.Fatal(err)
	}
	wantSettings(t, map[string]string{
		"ipv4/conf/out/forwarding": "1", "ipv4/ip_forward": "0",
		"ipv6/conf/all/forwarding": "1", "ipv6/conf/out/accept_ra": "2", "ipv6/conf/default/accept_ra": "2",
		"ipv6/conf/far/accept_ra": "0", "ipv6/conf/unc0/accept_ra": "0",
	})
	got := notes(t, c)
	for _, note := range []string{"unc-forward.out", "unc-forward6", "unc-forward6.out", "unc-forward6.far", "unc-accept-ra.out", "unc-accept-ra.default"} {
		if !slices.Contains(got, note) {
			t.Errorf("got names %q of the bridge, want %q among them", got, note)
		}
	}
	for _, note := range got {
		switch note {
		case "unc-accept-ra.far", "unc-accept-ra.unc0", "unc-accept-ra.all":
			t.Errorf("got name %q of the bridge, and that was not changed", note)
		case "unc-forward6.unc0", "unc-forward6.lo", "unc-forward6.all", "unc-forward6.default":
			t.Errorf("got name %q of the bridge, and that is to be closed to nobody", note)
		}
	}
	if !learned() {
		t.Error("the route that was learned from a router advertisement is gone")
	}
	r, err := recorded(c, p)
	if err != nil {
		t.Fatal(err)
	}
	// All that there are, among them those that the kernel makes by itself.
	slices.Sort(r.IPv6)
	if !slices.Contains(r.IPv6, "out") || !slices.Contains(r.IPv6, "far") || !slices.Equal(keysOf(t, "routed6"), r.IPv6) {
		t.Errorf("got %q recorded and %q in the filter, want out and far in both", r.IPv6, keysOf(t, "routed6"))
	}
	wantKeys(t, "routed", "out")
	if present, err := filter.Present(p); !present || err != nil {
		t.Errorf("the filter: got %v, %v, want it whole", present, err)
	}
	if s := closed("out"); !s.none() {
		t.Errorf("got %+v still closed, want none", s)
	}

	l, err := c.link("unc0")
	if err != nil {
		t.Fatal(err)
	}
	if err := turnOff(l); err != nil {
		t.Fatal(err)
	}
	wantSettings(t, map[string]string{
		"ipv4/conf/out/forwarding": "0", "ipv6/conf/all/forwarding": "0", "ipv6/conf/out/accept_ra": "1",
		"ipv6/conf/default/accept_ra": "1", "ipv6/conf/far/accept_ra": "0",
	})
	if !learned() {
		t.Error("turned off, the route that was learned from a router advertisement is gone")
	}
}

// routerAdvertised adds a default route as the kernel does for a router
// advertisement, and returns what tells whether it is there.
func routerAdvertised(t *testing.T) (learned func() bool) {
	t.Helper()
	out := linkNamed(t, "out")
	addRoutes(t, out, &netlink.Route{Gw: gateway6, Priority: 1 << 20, Protocol: unix.RTPROT_RA})
	return func() bool {
		routes, err := netlink.RouteList(out, netlink.FAMILY_V6)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Protocol == unix.RTPROT_RA })
	}
}

func TestRouteBridge(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	p := defaultPolicy()
	if _, err := makeBridge(c, p); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := routeBridge(p); err != nil {
			t.Fatal(err)
		}
		wantSettings(t, map[string]string{
			"ipv4/conf/unc0/forwarding": "1", "ipv6/conf/unc0/force_forwarding": "1",
			"ipv4/conf/out/forwarding": "0", "ipv6/conf/out/force_forwarding": "0", "ipv4/ip_forward": "0", "ipv6/conf/all/forwarding": "0",
		})
	}
	wantNotes(t, c)
}

func TestRouteBridgeOnAnOlderKernel(t *testing.T) {
	c := machine(t)
	p := defaultPolicy()
	if _, err := makeBridge(c, p); err != nil {
		t.Fatal(err)
	}
	olderKernel(t)
	if err := routeBridge(p); err != nil {
		t.Fatal(err)
	}
	wantSettings(t, map[string]string{"ipv4/conf/unc0/forwarding": "1", "ipv6/conf/all/forwarding": "0"})
}

func TestSysctlIs(t *testing.T) {
	machine(t)
	for _, test := range []struct {
		name, value string
		want        bool
	}{
		{"forwarding", "0", true},
		{"forwarding", "1", false},
		{"forwarding", "", false},
		{"no_such_setting", "0", false},
		{"no_such_setting", "", false},
	} {
		if got := sysctlIs("ipv4", "out", test.name, test.value); got != test.want {
			t.Errorf("%s is %q: got %v, want %v", test.name, test.value, got, test.want)
		}
	}
	err := setSysctl("ipv4", "gone", "forwarding", "1")
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), `"/proc/sys/net/ipv4/conf/gone/forwarding" to 1`) {
		t.Errorf("got error %v, want one that says what was to be set to what", err)
	}
}
