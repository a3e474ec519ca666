package cli

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/nsexec"
)

// peerWeb is the network of a container called web.
const peerWeb = joined + ":web"

// Each flag that needs something of the network, with each kind of that.
func TestNetworkFlagsNeedANetwork(t *testing.T) {
	for _, test := range []struct {
		flag  string
		given networkFlags
		works []string // the kinds with which it means something
	}{
		{"", networkFlags{}, []string{bridged, alone, onHost, peerWeb}},
		{"--publish", networkFlags{Publish: []string{"8080:80"}}, []string{bridged}},
		{"--ip", networkFlags{IP: netip.MustParseAddr("10.100.42.7")}, []string{bridged}},
		{"--dns", networkFlags{DNS: []netip.Addr{netip.MustParseAddr("192.0.2.53")}}, []string{bridged, onHost}},
		{"--dns-search", networkFlags{DNSSearch: []string{"example.org"}}, []string{bridged, onHost}},
		{"--add-host", networkFlags{AddHost: []hostEntry{{name: "db"}}}, []string{bridged, alone, onHost, peerWeb}},
	} {
		for _, kind := range []string{bridged, alone, onHost, peerWeb} {
			t.Run(test.flag+" with "+kind, func(t *testing.T) {
				f := test.given
				f.Network = kind
				got, want := "", ""
				if err := f.Validate(); err != nil {
					got = err.Error()
				}
				if !slices.Contains(test.works, kind) {
					want = test.flag + " means nothing with --network " + kind
				}
				if got != want {
					t.Errorf("got error %q, want %q", got, want)
				}
			})
		}
	}
}

func TestNetworkFlagsValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		f    networkFlags
		want string
	}{
		{"all at once", networkFlags{
			IP: netip.MustParseAddr("10.100.42.7"), Publish: []string{"8080:80", "81", "127.0.0.1:8080:80/udp"},
			DNS: []netip.Addr{netip.MustParseAddr("::1")}, DNSSearch: []string{"lan", "example.org"},
		}, ""},
		{"an IPv6 address", networkFlags{IP: netip.MustParseAddr("fd00::7")}, `--ip "fd00::7": give the IPv4 address, which the IPv6 address follows`},
		{"an IPv4 address as IPv6", networkFlags{IP: netip.MustParseAddr("::ffff:10.100.42.7")}, `--ip "::ffff:10.100.42.7": give the IPv4 address, which the IPv6 address follows`},
		{"an empty domain", networkFlags{DNSSearch: []string{"lan", ""}}, `--dns-search "": it is no domain`},
		{"two domains in one", networkFlags{DNSSearch: []string{"a b"}}, `--dns-search "a b": it is no domain`},
		{"a domain and another line", networkFlags{DNSSearch: []string{"a\nnameserver 192.0.2.66"}}, `--dns-search "a\nnameserver 192.0.2.66": it is no domain`},
		{"a scoped resolver", networkFlags{DNS: []netip.Addr{netip.MustParseAddr("fe80::1%eth0")}}, ""},
		{"a scope and another line", networkFlags{DNS: []netip.Addr{netip.MustParseAddr("fe80::1%x\nsearch evil")}}, `--dns "fe80::1%x\nsearch evil": it is not an IP address`},
		{"no port", networkFlags{Publish: []string{"http"}}, `--publish "http": "http" is not a port, which is a number from 1 to 65535`},
		{"the second is no port", networkFlags{Publish: []string{"80", "0"}}, `--publish "0": "0" is not a port, which is a number from 1 to 65535`},
		{"one port twice", networkFlags{Publish: []string{"8080:80", "8080:81"}}, `publishing "8080:81/tcp": "8080:80/tcp" has the same host port at the same address`},
		{"a range over a port", networkFlags{Publish: []string{"127.0.0.1:8005:80", "8000-8009:80-89"}}, `publishing "8005:85/tcp": "127.0.0.1:8005:80/tcp" has the same host port at the same address`},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.f.Network = bridged
			got := ""
			if err := test.f.Validate(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}

func TestPublishedIsWhatPublishSays(t *testing.T) {
	f := networkFlags{Network: bridged, Publish: []string{"8080:80", "[::1]:53-54:153-154/udp", "81"}}
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range f.published {
		got = append(got, m.String())
	}
	want := []string{"tcp * 8080 80", "udp ::1 53 153", "udp ::1 54 154", "tcp * 0 81"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

func TestKindOfNetwork(t *testing.T) {
	const noName = ` is no name for a container: that is up to 63 of a-z, 0-9, - and _, with no - at either end`
	for _, test := range []struct {
		network  string
		kind     nsexec.Network
		peerName string
		err      string
	}{
		{bridged, nsexec.OwnNetwork, "", ""},
		{alone, nsexec.NoNetwork, "", ""},
		{onHost, nsexec.HostNetwork, "", ""},
		{peerWeb, nsexec.JoinedNetwork, "web", ""},
		{joined, 0, "", `--network "container": did you mean container:NAME? there are bridge, none, host and container:NAME`},
		{joined + ":", 0, "", `--network "container:": ""` + noName},
		{joined + ":../x", 0, "", `--network "container:../x": "../x"` + noName},
	} {
		t.Run(test.network, func(t *testing.T) {
			f := networkFlags{Network: test.network}
			got := ""
			if err := f.Validate(); err != nil {
				got = err.Error()
			}
			if got != test.err || got == "" && (f.kind != test.kind || f.peerName != test.peerName) {
				t.Errorf("got %v, %q, error %q; want %v, %q, error %q", f.kind, f.peerName, got, test.kind, test.peerName, test.err)
			}
		})
	}
}
