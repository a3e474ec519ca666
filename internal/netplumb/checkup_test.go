package netplumb

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/caps"
	"unc/internal/hint"
	"unc/internal/policy"
	"unc/internal/tier"
)

// counted is a checkup of this host's, by its parts.
func counted(c *conn, p *policy.Policy, owner uint32) *Checkup {
	k := &Checkup{Terms: &Terms{}}
	k.count(c, p, owner)
	return k
}

func TestCheckupCounts(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	setUpByName(t, "lo")
	p := defaultPolicy()
	p.MaxPerUser, p.MaxPorts = 2, 3
	w := wiring{policy: p, bridge: furnished(t, c, p), mtu: 1500, owner: owner}
	for i, want := range []struct {
		publish       []string
		leases, ports int
		full, noPorts bool
	}{
		{nil, 1, 0, false, false},
		{[]string{"tcp * 8080 80", "udp * 8081 81", "tcp * 8082 82"}, 2, 3, true, true},
	} {
		if _, err := requested(t, c, w, Request{Publish: mappings(t, want.publish...)}); err != nil {
			t.Fatal(err)
		}
		k := counted(c, p, owner)
		if k.Terms.Leases != want.leases || k.Terms.Ports != want.ports || (k.Quota != nil) != want.full || (k.Ports != nil) != want.noPorts {
			t.Errorf("after %d: got %+v, %+v, %+v, want %+v", i+1, k.Terms, k.Quota, k.Ports, want)
		}
	}
	// They are one user's.
	if k := counted(c, p, owner+1); k.Terms.Leases != 0 || k.Terms.Ports != 0 || k.Quota != nil || k.Ports != nil {
		t.Errorf("another user: got %+v", k)
	}
}

func TestCheckupOfTheBridge(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, c *conn)
		want   string // of the failure
	}{
		{"none yet", func(*testing.T, *conn) {}, ""},
		{"a stranger's", func(t *testing.T, _ *conn) { addLink(t, &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "unc0"}}) }, "is not unc's bridge"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testNetns(t)
			test.change(t, c)
			k := &Checkup{}
			k.lookAtBridge(c, defaultPolicy())
			got := ""
			if k.Bridge != nil {
				got = k.Bridge.Text
			}
			if !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// withoutPolicy hides what the machine may have in /etc/unc, in a mount namespace of the
// test's thread.
func withoutPolicy(t *testing.T) {
	t.Helper()
	err := unix.Unshare(unix.CLONE_NEWNS)
	if err == nil {
		err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	}
	if err == nil {
		err = unix.Mount("tmpfs", "/etc", "tmpfs", 0, "mode=755")
	}
	if err != nil {
		tier.Skip(t, "covering /etc: %v", err)
	}
}

// Without the capability all is told that takes none.
func TestCheckupWithoutTheCapability(t *testing.T) {
	testNetns(t)
	withoutPolicy(t)
	k := checkup(caps.ErrNotPermitted)
	if checkCaller(false) != nil { // as root of a user namespace, who is told nothing else
		if k.Setup == nil || k.Terms != nil {
			t.Errorf("got %+v, want why this caller can't have it, and nothing else", k)
		}
		return
	}
	if k.Setup == nil || k.Terms == nil || k.Filter != nil || k.InPlace {
		t.Errorf("got %+v, want what net-setup lacks, and the policy's terms", k)
	}
}

func TestFailure(t *testing.T) {
	if f := failure(nil); f != nil || f.Err() != nil {
		t.Errorf("got %v, want nil for no error", f)
	}
	text, err := json.Marshal(failure(hint.With(errors.New("it is broken"), "mend it")))
	if err != nil {
		t.Fatal(err)
	}
	var f *Failure
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	if got := f.Err(); got.Error() != "it is broken" || !cmp.Equal(hint.Of(got), []string{"mend it"}) {
		t.Errorf("got %v with %q", got, hint.Of(got))
	}
}

// A route through the bridge itself is not in its way; any other that overlaps is.
func TestSubnetBesideItsBridge(t *testing.T) {
	c := testNetns(t)
	addLink(t, &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "unc0"}})
	setUpByName(t, "unc0")
	l, err := netlink.LinkByName("unc0")
	if err != nil {
		t.Fatal(err)
	}
	addr, err := netlink.ParseAddr("10.100.42.1/24")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.AddrAdd(l, addr); err != nil {
		t.Fatal(err)
	}
	p := defaultPolicy()
	if err := checkSubnetFree(c, p, l.Attrs().Index); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if err := checkSubnetFree(c, p, 0); err == nil {
		t.Error("got nil for a subnet that is taken")
	}
	addLink(t, &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "other"}})
	setUpByName(t, "other")
	other, err := netlink.LinkByName("other")
	if err != nil {
		t.Fatal(err)
	}
	network, err := netlink.ParseIPNet("10.100.42.64/26")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: other.Attrs().Index, Dst: network}); err != nil {
		t.Fatal(err)
	}
	if err := checkSubnetFree(c, p, l.Attrs().Index); err == nil || !strings.Contains(err.Error(), `10.100.42.64/26 through "other"`) {
		t.Errorf("got %v, want the other route", err)
	}
}
