package netplumb

import (
	"net"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

func ipNet(text string) *net.IPNet {
	_, subnet, err := net.ParseCIDR(text)
	if err != nil {
		panic(err)
	}
	return subnet
}

func addRoute(t *testing.T, r *netlink.Route) {
	t.Helper()
	if err := netlink.RouteAdd(r); err != nil {
		t.Fatalf("adding route %v: %v", r, err)
	}
}

var anywhere = ipNet("0.0.0.0/0")

// gateway and gateway6 are where the wire of a test's host leads.
var (
	gateway  = net.ParseIP("192.0.2.1")
	gateway6 = net.ParseIP("2001:db8:1::1")
)

func TestEgressMTU(t *testing.T) {
	const loopback = 1
	throughOut := &netlink.Route{Gw: gateway}
	leadsNowhere := func(kind int) *netlink.Route { return &netlink.Route{Type: kind, Dst: anywhere} }
	for _, test := range []struct {
		name   string
		mtu    int // of the interface
		routes []*netlink.Route
		want   int
	}{
		{"no route", 9000, nil, 1500},
		{"the interface's", 9000, []*netlink.Route{throughOut}, 9000},
		{"the route's own", 9000, []*netlink.Route{{Gw: gateway, MTU: 1400}}, 1400},
		{"less than IPv6 allows", 576, []*netlink.Route{throughOut}, 1280},
		{"less on the route", 1500, []*netlink.Route{{Gw: gateway, MTU: 1000}}, 1280},
		{"as large as can be", 65535, []*netlink.Route{throughOut}, 65535},
		{"larger than an IPv4 packet", 1500, []*netlink.Route{{LinkIndex: loopback, Dst: anywhere}}, 65535},
		{"a route elsewhere", 9000, []*netlink.Route{{Gw: gateway, Dst: ipNet("203.0.113.0/24")}}, 1500},
		{"blackhole", 9000, []*netlink.Route{leadsNowhere(unix.RTN_BLACKHOLE)}, 1500},
		{"unreachable", 9000, []*netlink.Route{leadsNowhere(unix.RTN_UNREACHABLE)}, 1500},
		{"prohibit", 9000, []*netlink.Route{leadsNowhere(unix.RTN_PROHIBIT)}, 1500},
		{"throw", 9000, []*netlink.Route{leadsNowhere(unix.RTN_THROW)}, 1500},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testNetns(t)
			setUpByName(t, "lo") // its MTU is 65536
			out := wire(t, max(test.mtu, 1280))
			addRoutes(t, out, test.routes...)
			if test.mtu < 1280 { // which takes IPv6 off the interface
				if err := netlink.LinkSetMTU(out, test.mtu); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := egressMTU(c); got != test.want || err != nil {
				t.Errorf("got %d, %v, want %d, nil", got, err, test.want)
			}
		})
	}
}

// addRoutes adds routes, those that lead somewhere over the wire.
func addRoutes(t *testing.T, out netlink.Link, routes ...*netlink.Route) {
	t.Helper()
	for _, r := range routes {
		added := *r
		if added.Type == 0 && added.LinkIndex == 0 {
			added.LinkIndex = out.Attrs().Index
		}
		addRoute(t, &added)
	}
}

func TestCheckSubnetFree(t *testing.T) {
	for _, test := range []struct {
		name, dst string
		kind      int // 0: through the interface
		want      string
	}{
		{"by the default route only", "0.0.0.0/0", 0, ""},
		{"by one half of a default route", "0.0.0.0/1", 0, ""},
		{"by the other half of one", "128.0.0.0/1", 0, ""},
		{"by a quarter of one", "0.0.0.0/2", 0, `this host routes 0.0.0.0/2 through "out"`},
		{"beside it", "10.100.43.0/24", 0, ""},
		{"the same", "10.100.42.0/24", 0, `this host routes 10.100.42.0/24 through "out"`},
		{"around it", "10.0.0.0/8", 0, `this host routes 10.0.0.0/8 through "out"`},
		{"a part of it", "10.100.42.128/25", 0, `this host routes 10.100.42.128/25 through "out"`},
		{"one address of it", "10.100.42.77/32", 0, `this host routes 10.100.42.77/32 through "out"`},
		{"refused", "10.100.42.0/24", unix.RTN_BLACKHOLE, `this host routes 10.100.42.0/24 through "nowhere"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testNetns(t)
			out := wire(t, 1500)
			if err := checkSubnetFree(c, defaultPolicy(), 0); err != nil {
				t.Fatalf("before: %v", err)
			}
			r := &netlink.Route{Dst: ipNet(test.dst), Type: test.kind}
			if test.kind == 0 {
				r.LinkIndex = out.Attrs().Index
			}
			addRoute(t, r)
			err := checkSubnetFree(c, defaultPolicy(), 0)
			if test.want == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			want := "the address range 10.100.42.0/24 is taken: " + test.want
			if err == nil || err.Error() != want {
				t.Errorf("got error %v, want %q", err, want)
			}
			if len(hint.Of(err)) == 0 {
				t.Error("got no hint, want one")
			}
		})
	}
}
