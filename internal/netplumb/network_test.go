package netplumb

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// good is a network as net-setup prints it.
func good() Network {
	return Network{
		Interface: "eth0",
		Address:   netip.MustParsePrefix("10.100.42.7/24"),
		Gateway:   netip.MustParseAddr("10.100.42.1"),
		MTU:       1500,
		Resolvers: addrs("192.0.2.1"),
		Search:    []string{"a.example"},
		Options:   []string{"ndots:2"},
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Network)
		want   bool // an error
	}{
		{"good", func(*Network) {}, false},
		{"no resolvers", func(n *Network) { n.Resolvers, n.Search, n.Options = nil, nil, nil }, false},
		{"smallest MTU", func(n *Network) { n.MTU = 1280 }, false},
		{"largest MTU", func(n *Network) { n.MTU = 65535 }, false},
		{"empty", func(n *Network) { *n = Network{} }, true},
		{"no interface", func(n *Network) { n.Interface = "" }, true},
		{"another interface", func(n *Network) { n.Interface = "lo" }, true},
		{"no address", func(n *Network) { n.Address = netip.Prefix{} }, true},
		{"an IPv6 address", func(n *Network) { n.Address = netip.MustParsePrefix("fd00::7/64") }, true},
		{"no gateway", func(n *Network) { n.Gateway = netip.Addr{} }, true},
		{"a gateway elsewhere", func(n *Network) { n.Gateway = netip.MustParseAddr("10.100.43.1") }, true},
		{"an IPv6 gateway", func(n *Network) { n.Gateway = netip.MustParseAddr("fd00::1") }, true},
		{"an MTU too small", func(n *Network) { n.MTU = 1279 }, true},
		{"an MTU too large", func(n *Network) { n.MTU = 65536 }, true},
		{"a domain that is a line", func(n *Network) { n.Search = []string{"a\nnameserver"} }, true},
		{"an option that is two", func(n *Network) { n.Options = []string{"rotate ndots:1"} }, true},
		{"an empty domain", func(n *Network) { n.Search = []string{""} }, true},
		{"a negative MTU", func(n *Network) { n.MTU = -1500 }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := good()
			test.change(&n)
			if err := n.validate(); (err != nil) != test.want {
				t.Errorf("got error %v, want one: %v", err, test.want)
			}
		})
	}
}

// net-setup's answer to other programs than unc is JSON, which they rely on.
func TestNetworkAsJSON(t *testing.T) {
	got, err := json.Marshal(good())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"interface":"eth0","address":"10.100.42.7/24","gateway":"10.100.42.1","mtu":1500,` +
		`"resolvers":["192.0.2.1"],"search":["a.example"],"options":["ndots:2"]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}
