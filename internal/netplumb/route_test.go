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

func TestEgressMTU(t *testing.T) {
	const loopback = 1
	gateway := net.ParseIP("192.0.2.1")
	for _, test := range []struct {
		name  string
		mtu   int // of the interface
		route *netlink.Route
		want  int
	}{
		{"no route", 9000, nil, 1500},
		{"the interface's", 9000, &netlink.Route{Gw: gateway}, 9000},
		{"the route's own", 9000, &netlink.Route{Gw: gateway, MTU: 1400}, 1400},
		{"less than IPv6 allows", 576, &netlink.Route{Gw: gateway}, 1280},
		{"less on the route", 1500, &netlink.Route{Gw: gateway, MTU: 1000}, 1280},
		{"as large as can be", 65535, &netlink.Route{Gw: gateway}, 65535},
		{"larger than an IPv4 packet", 1500, &netlink.Route{LinkIndex: loopback, Dst: anywhere}, 65535},
		{"a route elsewhere", 9000, &netlink.Route{Gw: gateway, Dst: ipNet("203.0.113.0/24")}, 1500},
		{"blackhole", 9000, &netlink.Route{Type: unix.RTN_BLACKHOLE, Dst: anywhere}, 1500},
		{"unreachable", 9000, &netlink.Route{Type: unix.RTN_UNREACHABLE, Dst: anywhere}, 1500},
		{"prohibit", 9000, &netlink.Route{Type: unix.RTN_PROHIBIT, Dst: anywhere}, 1500},
		{"throw", 9000, &netlink.Route{Type: unix.RTN_THROW, Dst: anywhere}, 1500},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testNetns(t)
			setUpByName(t, "lo") // its MTU is 65536
			out := wire(t, test.mtu)
			if test.route != nil {
				if test.route.Type == 0 && test.route.LinkIndex == 0 {
					test.route.LinkIndex = out.Attrs().Index
				}
				addRoute(t, test.route)
			}
			if got, err := egressMTU(c); got != test.want || err != nil {
				t.Errorf("got %v, %v, want %v, nil", got, err, test.want)
			}
		})
	}
}

func TestCheckSubnetFree(t *testing.T) {
	for _, test := range []struct {
		name, dst string
		kind      int // 0: through the interface
		want      string
	}{
		{"by the default route only", "0.0.0.0/0", 0, ""},
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
			if err := checkSubnetFree(c, defaultPolicy); err != nil {
				t.Fatalf("before: %v", err)
			}
			r := &netlink.Route{Dst: ipNet(test.dst), Type: test.kind}
			if test.kind == 0 {
				r.LinkIndex = out.Attrs().Index
			}
			addRoute(t, r)
			err := checkSubnetFree(c, defaultPolicy)
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
