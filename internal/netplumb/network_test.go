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
		Address6:  netip.MustParsePrefix("fd42:756e:6300:1::7/64"),
		Gateway6:  netip.MustParseAddr("fd42:756e:6300:1::1"),
		LinkLocal: netip.MustParsePrefix("fe80::7/64"),
		MTU:       1500,
	}
}

// sameAddrs compares addresses by what they are.
var sameAddrs = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Network)
		want   bool // an error
	}{
		{"good", func(*Network) {}, false},
		{"no IPv6", func(n *Network) {
			n.Address6, n.Gateway6, n.LinkLocal = netip.Prefix{}, netip.Addr{}, netip.Prefix{}
		}, false},
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
		{"an IPv4 address for IPv6", func(n *Network) { n.Address6 = n.Address }, true},
		{"no IPv6 gateway", func(n *Network) { n.Gateway6 = netip.Addr{} }, true},
		{"an IPv6 gateway elsewhere", func(n *Network) { n.Gateway6 = netip.MustParseAddr("fd42:756e:6300:2::1") }, true},
		{"no link-local address", func(n *Network) { n.LinkLocal = netip.Prefix{} }, true},
		{"another for the link-local address", func(n *Network) { n.LinkLocal = n.Address6 }, true},
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
	all := good()
	all.Resolvers = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	all.Search, all.Options, all.Warnings = []string{"a.example"}, []string{"ndots:2"}, []string{"beware"}
	all.Sockets = []Socket{{FD: 7}} // a number that means nothing elsewhere
	least := good()
	least.Address6, least.Gateway6, least.LinkLocal = netip.Prefix{}, netip.Addr{}, netip.Prefix{}
	least.Resolvers = []netip.Addr{}
	for _, test := range []struct {
		name    string
		network Network
		want    string
	}{
		{
			"all of it", all, `{"interface":"eth0","address":"10.100.42.7/24","gateway":"10.100.42.1",` +
				`"address6":"fd42:756e:6300:1::7/64","gateway6":"fd42:756e:6300:1::1","link_local":"fe80::7/64","mtu":1500,` +
				`"resolvers":["192.0.2.1"],"search":["a.example"],"options":["ndots:2"],"warnings":["beware"]}`,
		},
		{"the least", least, `{"interface":"eth0","address":"10.100.42.7/24","gateway":"10.100.42.1","mtu":1500,"resolvers":[]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := json.Marshal(test.network)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}
