package netplumb

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// wantBridge looks at the bridge with other eyes than unc's: those of the net
// package, of another netlink library and of /proc/sys.
func wantBridge(t *testing.T, index int) {
	t.Helper()
	got, err := net.InterfaceByName("unc0")
	if err != nil {
		t.Fatal(err)
	}
	if got.Index != index {
		t.Errorf("got bridge number %d, want %d", index, got.Index)
	}
	if got, want := got.HardwareAddr.String(), "02:75:0a:64:2a:01"; got != want {
		t.Errorf("got MAC address %v, want %v", got, want)
	}
	if got.Flags&net.FlagUp == 0 {
		t.Error("the bridge is down")
	}
	addresses, err := got.Addrs()
	if err != nil {
		t.Fatal(err)
	}
	// The one link-local one that the guard knows, and none of the kernel's own.
	want := "[10.100.42.1/24]"
	if kernelHasIPv6() {
		want = "[10.100.42.1/24 fd42:756e:6300:1::1/64 fe80::1/64]"
	}
	var list []string
	for _, a := range addresses {
		list = append(list, a.String())
	}
	slices.Sort(list)
	if diff := cmp.Diff(want, fmt.Sprint(list)); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	l, ok := linkNamed(t, "unc0").(*netlink.Bridge)
	if !ok || l.MulticastSnooping == nil || *l.MulticastSnooping {
		t.Errorf("got %+v, want a bridge without multicast snooping", l)
	}
	wantSettings(t, map[string]string{
		"ipv4/conf/unc0/accept_redirects": "0",
		"ipv4/conf/unc0/route_localnet":   "0",
		"ipv6/conf/unc0/accept_ra":        "0",
		"ipv6/conf/unc0/accept_redirects": "0",
		"ipv6/conf/unc0/addr_gen_mode":    "1", // no link-local address, now or when there is a port
	})
}

// wantSettings reads kernel settings of the test's namespace.
func wantSettings(t *testing.T, want map[string]string) {
	t.Helper()
	for name, value := range want {
		text, err := os.ReadFile("/proc/sys/net/" + name)
		if strings.HasPrefix(name, "ipv6") && errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			t.Error(err)
		}
		if got := strings.TrimSpace(string(text)); got != value {
			t.Errorf("got %s = %s, want %s", name, got, value)
		}
	}
}

func TestMakeBridge(t *testing.T) {
	c := testNetns(t)
	if index, err := findBridge(c, defaultPolicy()); index != 0 || err != nil {
		t.Errorf("before: got %v, %v, want 0, nil", index, err)
	}
	index, err := makeBridge(c, defaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	wantBridge(t, index)
	if found, err := findBridge(c, defaultPolicy()); found != index || err != nil {
		t.Errorf("after: got %v, %v, want %v, nil", found, err, index)
	}
	// As when two first containers start at once, and one was faster.
	if again, err := makeBridge(c, defaultPolicy()); again != index || err != nil {
		t.Errorf("again: got %v, %v, want %v, nil", again, err, index)
	}
	wantBridge(t, index)
}

// Whoever makes the bridge may be killed at any step; the next one finishes it.
func TestMakeBridgeFinishes(t *testing.T) {
	create := func(c *conn) error { return createBridge(c, defaultPolicy()) }
	do := func(c *conn, what func(index int) error) error {
		if err := create(c); err != nil {
			return err
		}
		index, err := c.index("unc0")
		if err != nil {
			return err
		}
		return what(index)
	}
	for _, test := range []struct {
		name    string
		prepare func(*conn) error
	}{
		{"created", create},
		{"up, no address", func(c *conn) error {
			return do(c, func(index int) error { return c.Must(setUp(index)) })
		}},
		{"an address, not up", func(c *conn) error {
			return do(c, func(index int) error { return c.Must(newAddress(index, gatewayPrefix(defaultPolicy()))) })
		}},
		{"all addresses but the one that counts", func(c *conn) error {
			return do(c, func(index int) error {
				if !kernelHasIPv6() {
					return c.Must(setUp(index))
				}
				return errors.Join(c.Must(newAddress(index, netip.MustParsePrefix("fe80::1/64"))), c.Must(setUp(index)))
			})
		}},
		{"all but up", func(c *conn) error {
			return do(c, func(index int) error {
				return errors.Join(c.Must(withoutLinkLocal(index).Req), c.Must(newAddress(index, gatewayPrefix(defaultPolicy()))))
			})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testNetns(t)
			if err := test.prepare(c); err != nil {
				t.Fatal(err)
			}
			if index, err := findBridge(c, defaultPolicy()); index != 0 || err != nil {
				t.Errorf("before: got %v, %v, want 0, nil", index, err)
			}
			index, err := makeBridge(c, defaultPolicy())
			if err != nil {
				t.Fatal(err)
			}
			wantBridge(t, index)
		})
	}
}

// Many first containers at once make one bridge.
func TestMakeBridgeAtOnce(t *testing.T) {
	testNetns(t)
	netns, err := thisNetns()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(netns)
	var wait sync.WaitGroup
	numbers := make([]int, 16)
	for i := range numbers {
		wait.Go(func() {
			// The settings of the bridge are those of the writing thread's namespace.
			inside(t, netns, func() error {
				c, err := dial()
				if err != nil {
					return err
				}
				defer c.Close()
				numbers[i], err = makeBridge(c, defaultPolicy())
				return err
			})
		})
	}
	wait.Wait()
	for _, number := range numbers {
		wantBridge(t, number)
	}
}

func TestBridgeOfAStranger(t *testing.T) {
	ours, err := net.ParseMAC("02:75:0a:64:2a:01")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := net.ParseMAC("02:75:0a:64:2b:01")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		link netlink.Link
	}{
		{"a bridge", &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "unc0"}}},
		{"unc's, for another subnet", &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "unc0", HardwareAddr: theirs}}},
		{"no bridge, but its MAC address", &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "unc0", HardwareAddr: ours}, PeerName: "far"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testNetns(t)
			addLink(t, test.link)
			// A link-local address that has just been added says so for a while.
			if err := os.WriteFile("/proc/sys/net/ipv6/conf/unc0/disable_ipv6", []byte("1"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			before := stranger(t)
			_, found := findBridge(c, defaultPolicy())
			_, made := makeBridge(c, defaultPolicy())
			for _, err := range []error{found, made} {
				want := `interface "unc0" exists but is not unc's bridge for 10.100.42.0/24`
				if err == nil || err.Error() != want {
					t.Errorf("got error %v, want %q", err, want)
				}
				if len(hint.Of(err)) == 0 {
					t.Error("got no hint, want one")
				}
			}
			if diff := cmp.Diff(before, stranger(t)); diff != "" {
				t.Errorf("the stranger's interface was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// stranger is all about an interface called unc0 that unc could change.
func stranger(t *testing.T) string {
	t.Helper()
	l, err := net.InterfaceByName("unc0")
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := l.Addrs()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%d %s %d %v %v\n", l.Index, l.HardwareAddr, l.MTU, l.Flags&net.FlagUp, addresses)
	for _, s := range bridgeSysctls {
		value, err := os.ReadFile(fmt.Sprintf("/proc/sys/net/%s/conf/unc0/%s", s.family, s.name))
		text += fmt.Sprintln(s, string(value), err)
	}
	return text
}

func TestMakeBridgeRefusesATakenSubnet(t *testing.T) {
	c := testNetns(t)
	out := wire(t, 1500)
	addRoute(t, &netlink.Route{LinkIndex: out.Attrs().Index, Dst: ipNet("10.100.0.0/16")})
	_, err := makeBridge(c, defaultPolicy())
	want := `the address range 10.100.42.0/24 is taken: this host routes 10.100.0.0/16 through "out"`
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %q", err, want)
	}
	if _, err := c.index("unc0"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("looking for a bridge afterwards: got %v, want %v", err, unix.ENODEV)
	}
}

func TestHasAddress(t *testing.T) {
	c := testNetns(t)
	out := wire(t, 1500).Attrs().Index
	for _, test := range []struct {
		name, address string
		index         int
		want          bool
	}{
		{"its own", "192.0.2.2/24", out, true},
		{"with another length", "192.0.2.2/25", out, true},
		{"another", "192.0.2.3/24", out, false},
		{"that of another link", "192.0.2.2/24", 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := hasAddress(c, test.index, netip.MustParsePrefix(test.address))
			if got != test.want || err != nil {
				t.Errorf("got %v, %v, want %v, nil", got, err, test.want)
			}
		})
	}
}
