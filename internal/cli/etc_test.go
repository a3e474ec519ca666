package cli

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/netplumb"
	"unc/internal/resolvconf"
)

func TestHostEntry(t *testing.T) {
	for _, test := range []struct {
		text, name, address, want string
	}{
		{text: "db:192.0.2.7", name: "db", address: "192.0.2.7"},
		{text: "db.example.org:192.0.2.7", name: "db.example.org", address: "192.0.2.7"},
		{text: "db:2001:db8::7", name: "db", address: "2001:db8::7"},
		{text: "db:::1", name: "db", address: "::1"},
		{text: "db:host-gateway", name: "db", address: ""},
		{text: "db", want: "it is not a name, a colon and an address"},
		{text: "", want: "it is not a name, a colon and an address"},
		{text: ":192.0.2.7", want: "it is not a name, a colon and an address"},
		{text: "a b:192.0.2.7", want: "it is not a name, a colon and an address"},
		{text: "#db:192.0.2.7", want: "it is not a name, a colon and an address"},
		{text: "a\n192.0.2.66\tb:192.0.2.7", want: "it is not a name, a colon and an address"},
		{text: "db:", want: `"" is neither an address nor host-gateway`},
		{text: "db:there", want: `"there" is neither an address nor host-gateway`},
		{text: "db:192.0.2.7 evil", want: `"192.0.2.7 evil" is neither an address nor host-gateway`},
		{text: "db:Host-Gateway", want: `"Host-Gateway" is neither an address nor host-gateway`},
		{text: "db:fe80::1%eth0 192.0.2.66", want: `"fe80::1%eth0 192.0.2.66" is neither an address nor host-gateway`},
	} {
		t.Run(test.text, func(t *testing.T) {
			var h hostEntry
			got := ""
			if err := h.UnmarshalText([]byte(test.text)); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Fatalf("got error %q, want %q", got, test.want)
			}
			if test.want != "" {
				return
			}
			want := hostEntry{name: test.name}
			if test.address != "" {
				want.address = netip.MustParseAddr(test.address)
			}
			if h != want {
				t.Errorf("got %+v, want %+v", h, want)
			}
		})
	}
}

// onBridge is a container's network with IPv6.
func onBridge() *netplumb.Network {
	return &netplumb.Network{
		Address: netip.MustParsePrefix("10.100.42.7/24"), Gateway: netip.MustParseAddr("10.100.42.1"),
		Address6: netip.MustParsePrefix("fd00::7/64"), Gateway6: netip.MustParseAddr("fd00::1"),
	}
}

const ownLoopback = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"

func TestHosts(t *testing.T) {
	const gateway = "10.100.42.1\thost.containers.internal host.docker.internal\n"
	without6 := onBridge()
	without6.Address6, without6.Gateway6 = netip.Prefix{}, netip.Addr{}
	more := []hostEntry{{name: "db", address: netip.MustParseAddr("192.0.2.7")}, {name: "here"}}
	for _, test := range []struct {
		name string
		f    networkFlags
		n    *netplumb.Network
		want string
	}{
		{
			"on the bridge",
			networkFlags{Network: bridged},
			onBridge(),
			ownLoopback + "10.100.42.7\tbox\nfd00::7\tbox\n" + gateway,
		},
		{
			"without IPv6",
			networkFlags{Network: bridged},
			without6,
			ownLoopback + "10.100.42.7\tbox\n" + gateway,
		},
		{
			"with a name",
			networkFlags{Network: bridged},
			onBridge(),
			ownLoopback + "10.100.42.7\tbox web\nfd00::7\tbox web\n" + gateway,
		},
		{
			"called as its host",
			networkFlags{Network: bridged},
			without6,
			ownLoopback + "10.100.42.7\tbox\n" + gateway,
		},
		{
			"more of them",
			networkFlags{Network: bridged, AddHost: more},
			onBridge(),
			ownLoopback + "10.100.42.7\tbox\nfd00::7\tbox\n" + gateway + "192.0.2.7\tdb\n10.100.42.1\there\nfd00::1\there\n",
		},
		{
			"alone",
			networkFlags{Network: alone},
			nil,
			ownLoopback + "127.0.1.1\tbox\n",
		},
		{
			"another's",
			networkFlags{Network: peerWeb, peer: &peerNetwork{hosts: "10.100.42.7\tweb\n" + gateway}, AddHost: more},
			nil,
			"10.100.42.7\tweb\n" + gateway + "127.0.1.1\tbox side\n192.0.2.7\tdb\n10.100.42.1\there\n",
		},
		{
			"another's, who does not know its host",
			networkFlags{Network: peerWeb, peer: &peerNetwork{hosts: ownLoopback}, AddHost: more},
			nil,
			ownLoopback + "127.0.1.1\tbox\n192.0.2.7\tdb\n127.0.0.1\there\n",
		},
		{
			"alone, more of them",
			networkFlags{Network: alone, AddHost: more},
			nil,
			ownLoopback + "127.0.1.1\tbox\n192.0.2.7\tdb\n127.0.0.1\there\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.f.hosts(test.n, "box", map[string]string{"with a name": "web", "called as its host": "box", "another's": "side"}[test.name])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("hosts (-want +got):\n%s", diff)
			}
		})
	}
}

// On the host's network a container knows what the host knows, and itself.
func TestHostsOnTheHostsNetwork(t *testing.T) {
	theirs, err := os.ReadFile("/etc/hosts")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	got, err := (&networkFlags{Network: onHost}).hosts(nil, "box", "")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSuffix(string(theirs), "\n") + "\n127.0.1.1\tbox\n127.0.0.1\thost.containers.internal host.docker.internal\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

func TestResolvConf(t *testing.T) {
	host := resolvconf.Config{
		Servers: []netip.Addr{netip.MustParseAddr("127.0.0.53")}, Search: []string{"lan", "example.org"},
		Options: []string{"edns0", "ndots:2", "trust-ad"},
	}
	other := []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")}
	for _, test := range []struct {
		name string
		f    networkFlags
		host resolvconf.Config
		want string
	}{
		{
			"on the bridge",
			networkFlags{Network: bridged},
			host,
			"nameserver 127.0.0.11\nsearch lan example.org\noptions edns0 trust-ad ndots:0\n",
		},
		{
			"of a host that has nothing",
			networkFlags{Network: bridged},
			resolvconf.Config{},
			"nameserver 127.0.0.11\noptions ndots:0\n",
		},
		{
			"others are asked by the same",
			networkFlags{Network: bridged, DNS: other},
			host,
			"nameserver 127.0.0.11\nsearch lan example.org\noptions edns0 trust-ad ndots:0\n",
		},
		{
			"another domain",
			networkFlags{Network: bridged, DNSSearch: []string{"corp"}},
			host,
			"nameserver 127.0.0.11\nsearch corp\noptions edns0 trust-ad ndots:0\n",
		},
		{
			"on the host's",
			networkFlags{Network: onHost},
			host,
			"nameserver 127.0.0.53\nsearch lan example.org\noptions edns0 ndots:2 trust-ad\n",
		},
		{
			"on the host's, asking others",
			networkFlags{Network: onHost, DNS: other, DNSSearch: []string{"corp"}},
			host,
			"nameserver 192.0.2.53\nnameserver 2001:db8::53\nsearch corp\noptions edns0 ndots:2 trust-ad\n",
		},
		{"alone", networkFlags{Network: alone}, host, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			for line := range strings.Lines(test.f.resolvConf(test.host)) {
				if !strings.HasPrefix(line, "#") {
					got += line
				}
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if host.Options[1] != "ndots:2" {
				t.Errorf("the host's options were changed: %v", host.Options)
			}
		})
	}
}
