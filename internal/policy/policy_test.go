package policy

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// compared is how policies are compared: all of them, addresses as values.
var compared = cmp.Options{
	cmp.AllowUnexported(Policy{}),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

// defaults are those that do not depend on the machine.
func defaults() *Policy {
	return &Policy{
		Bridge:         "unc0",
		Subnet:         netip.MustParsePrefix("10.100.42.0/24"),
		MaxPerUser:     128,
		MaxPorts:       128,
		MaxConnections: 8192,
		Isolated:       true,
		NAT:            true,
		HostAccess:     true,
		Publish:        []Span{{1024, 65535}},
		everybody:      true,
	}
}

// Every number has an address of its own in the subnet, and gives it back.
func TestNumbers(t *testing.T) {
	for _, test := range []struct {
		bits int
		last uint32
	}{
		{16, 1023},
		{17, 1023},
		{18, 1023},
		{19, 1023},
		{20, 1023},
		{21, 1023},
		{22, 1022},
		{23, 510},
		{24, 254},
		{25, 126},
		{26, 62},
		{27, 30},
		{28, 14},
	} {
		t.Run(fmt.Sprint(test.bits), func(t *testing.T) {
			p := Policy{Subnet: netip.PrefixFrom(netip.MustParseAddr("10.100.0.0"), test.bits)}
			first, last := p.Numbers()
			if first != 2 || last != test.last {
				t.Fatalf("got %d to %d, want 2 to %d", first, last, test.last)
			}
			addr := p.Gateway()
			for n := first; n <= last; n++ {
				addr = addr.Next()
				if got := p.Addr(n); got != addr || !p.Subnet.Contains(got) {
					t.Fatalf("got address %v of number %d, want %v", got, n, addr)
				}
				if got, ok := p.Number(addr); got != n || !ok {
					t.Fatalf("got number %d, %v of %v, want %d", got, ok, addr, n)
				}
			}
			for _, n := range []uint32{0, 1, last + 1} {
				if got, ok := p.Number(p.Addr(n)); ok {
					t.Errorf("got number %d of %v, want none", got, p.Addr(n))
				}
			}
		})
	}
}

func TestNumberOfOthers(t *testing.T) {
	p := defaults()
	for _, addr := range []string{"10.100.41.255", "10.100.43.2", "10.100.42.0", "10.100.42.1", "10.100.42.255", "::ffff:10.100.42.7", "fd00::7"} {
		if got, ok := p.Number(netip.MustParseAddr(addr)); ok {
			t.Errorf("got number %d of %v, want none", got, addr)
		}
	}
	if _, ok := p.Number(netip.Addr{}); ok {
		t.Error("got a number of no address, want none")
	}
}

func TestAddresses(t *testing.T) {
	p := defaults()
	p.Subnet6 = netip.MustParsePrefix("fd12:3456:789a:bcde::/64")
	for _, test := range []struct {
		name string
		got  netip.Addr
		want string
	}{
		{"gateway", p.Gateway(), "10.100.42.1"},
		{"address", p.Addr(254), "10.100.42.254"},
		{"gateway in IPv6", p.Gateway6(), "fd12:3456:789a:bcde::1"},
		{"address in IPv6", p.Addr6(1023), "fd12:3456:789a:bcde::3ff"},
		{"link-local", LinkLocal(7), "fe80::7"},
		{"without IPv6", defaults().Addr6(7), "invalid IP"},
		{"gateway without IPv6", defaults().Gateway6(), "invalid IP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.got.String(); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestMayPublish(t *testing.T) {
	p := Policy{Publish: []Span{{80, 80}, {1024, 2000}, {65535, 65535}}}
	for _, test := range []struct {
		port uint16
		want bool
	}{
		{0, false},
		{79, false},
		{80, true},
		{81, false},
		{1023, false},
		{1024, true},
		{2000, true},
		{2001, false},
		{65534, false},
		{65535, true},
	} {
		if got := p.MayPublish(test.port); got != test.want {
			t.Errorf("port %d: got %v, want %v", test.port, got, test.want)
		}
	}
	if (&Policy{}).MayPublish(1024) {
		t.Error("got true where no port may be published, want false")
	}
}

func TestAllows(t *testing.T) {
	alice, users := Policy{users: []uint32{1001, 1002}}, Policy{groups: []uint32{100, 1003}}
	for _, test := range []struct {
		name   string
		policy Policy
		uid    uint32
		groups []uint32
		want   bool
	}{
		{"everybody", Policy{everybody: true}, 1001, nil, true},
		{"nobody", Policy{}, 1001, []uint32{1001}, false},
		{"the user", alice, 1002, nil, true},
		{"another user", alice, 1003, nil, false},
		{"a group with the user's number", alice, 1003, []uint32{1001}, false},
		{"in the group", users, 1001, []uint32{1001, 100}, true},
		{"in another group", users, 1001, []uint32{1001, 101}, false},
		{"in no group", users, 1001, nil, false},
		{"a user with the group's number", users, 1003, []uint32{1001}, false},
		{"one of both", Policy{users: []uint32{7}, groups: []uint32{8}}, 7, []uint32{9}, true},
		{"root is not special", alice, 0, []uint32{0}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.policy.Allows(test.uid, test.groups); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
