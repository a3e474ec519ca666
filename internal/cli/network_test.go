package cli

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/netplumb"
	"unc/internal/nsexec"
	"unc/internal/ports"
	"unc/internal/resolvconf"
)

// Each flag that needs something of the network, with each kind of that.
func TestNetworkFlagsNeedANetwork(t *testing.T) {
	for _, test := range []struct {
		flag  string
		given networkFlags
		works string // the kinds with which it means something
	}{
		{"", networkFlags{}, "bridge none host"},
		{"--name", networkFlags{Name: "web"}, "bridge"},
		{"--publish", networkFlags{Publish: []string{"8080:80"}}, "bridge"},
		{"--ip", networkFlags{IP: netip.MustParseAddr("10.100.42.7")}, "bridge"},
		{"--dns", networkFlags{DNS: []netip.Addr{netip.MustParseAddr("192.0.2.53")}}, "bridge host"},
		{"--dns-search", networkFlags{DNSSearch: []string{"example.org"}}, "bridge host"},
		{"--add-host", networkFlags{AddHost: []hostEntry{{name: "db"}}}, "bridge none host"},
	} {
		for _, kind := range []string{bridged, alone, onHost} {
			t.Run(test.flag+" with "+kind, func(t *testing.T) {
				f := test.given
				f.Network = kind
				got, want := "", ""
				if err := f.Validate(); err != nil {
					got = err.Error()
				}
				if !strings.Contains(test.works, kind) {
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
			Name: "web-1_a", IP: netip.MustParseAddr("10.100.42.7"), Publish: []string{"8080:80", "81", "127.0.0.1:8080:80/udp"},
			DNS: []netip.Addr{netip.MustParseAddr("::1")}, DNSSearch: []string{"lan", "example.org"},
		}, ""},
		{"an IPv6 address", networkFlags{IP: netip.MustParseAddr("fd00::7")}, "--ip fd00::7: give the IPv4 address, which the IPv6 address follows"},
		{"an IPv4 address as IPv6", networkFlags{IP: netip.MustParseAddr("::ffff:10.100.42.7")}, "--ip ::ffff:10.100.42.7: give the IPv4 address, which the IPv6 address follows"},
		{"an empty domain", networkFlags{DNSSearch: []string{"lan", ""}}, `--dns-search: "" is no domain`},
		{"two domains in one", networkFlags{DNSSearch: []string{"a b"}}, `--dns-search: "a b" is no domain`},
		{"a domain and another line", networkFlags{DNSSearch: []string{"a\nnameserver 192.0.2.66"}}, `--dns-search: "a\nnameserver 192.0.2.66" is no domain`},
		{"a scoped resolver", networkFlags{DNS: []netip.Addr{netip.MustParseAddr("fe80::1%eth0")}}, ""},
		{"a scope and another line", networkFlags{DNS: []netip.Addr{netip.MustParseAddr("fe80::1%x\nsearch evil")}}, `--dns: "fe80::1%x\nsearch evil" is no address`},
		{"a name in upper case", networkFlags{Name: "Web"}, `"Web" is no name for a container: that is up to 63 of a-z, 0-9, - and _, with no - at either end`},
		{"a name with a dot", networkFlags{Name: "web.1"}, `"web.1" is no name for a container: that is up to 63 of a-z, 0-9, - and _, with no - at either end`},
		{"no port", networkFlags{Publish: []string{"http"}}, `publishing "http": "http" is not a port, which is a number from 1 to 65535`},
		{"the second is no port", networkFlags{Publish: []string{"80", "0"}}, `publishing "0": "0" is not a port, which is a number from 1 to 65535`},
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
	for name, want := range map[string]nsexec.Network{bridged: nsexec.OwnNetwork, alone: nsexec.NoNetwork, onHost: nsexec.HostNetwork} {
		if got := (&networkFlags{Network: name}).kind(); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestHostEntry(t *testing.T) {
	for _, test := range []struct {
		text, name, address, want string
	}{
		{text: "db:192.0.2.7", name: "db", address: "192.0.2.7"},
		{text: "db.example.org:192.0.2.7", name: "db.example.org", address: "192.0.2.7"},
		{text: "db:2001:db8::7", name: "db", address: "2001:db8::7"},
		{text: "db:::1", name: "db", address: "::1"},
		{text: "db:host-gateway", name: "db", address: ""},
		{text: "db", want: `"db" is not a name, a colon and an address`},
		{text: "", want: `"" is not a name, a colon and an address`},
		{text: ":192.0.2.7", want: `":192.0.2.7" is not a name, a colon and an address`},
		{text: "a b:192.0.2.7", want: `"a b:192.0.2.7" is not a name, a colon and an address`},
		{text: "#db:192.0.2.7", want: `"#db:192.0.2.7" is not a name, a colon and an address`},
		{text: "a\n192.0.2.66\tb:192.0.2.7", want: `"a\n192.0.2.66\tb:192.0.2.7" is not a name, a colon and an address`},
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
			networkFlags{Network: bridged, Name: "web"},
			onBridge(),
			ownLoopback + "10.100.42.7\tbox web\nfd00::7\tbox web\n" + gateway,
		},
		{
			"called as its host",
			networkFlags{Network: bridged, Name: "box"},
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
			"alone, more of them",
			networkFlags{Network: alone, AddHost: more},
			nil,
			ownLoopback + "127.0.1.1\tbox\n192.0.2.7\tdb\n127.0.0.1\there\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.f.hosts(test.n, "box")
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
	got, err := (&networkFlags{Network: onHost}).hosts(nil, "box")
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

func TestTellPicked(t *testing.T) {
	for _, test := range []struct {
		name    string
		asked   []string
		sockets []string
		want    []string
	}{
		{"nothing", nil, nil, nil},
		{"none was picked", []string{"tcp * 8080 80"}, []string{"tcp 0.0.0.0 8080 80", "tcp :: 8080 80"}, nil},
		{
			"one at all addresses",
			[]string{"tcp * 0 80"},
			[]string{"tcp 0.0.0.0 49153 80", "tcp :: 49153 80"},
			[]string{"port 49153 of the host leads to port 80/tcp of the container"},
		},
		{
			"one at one address",
			[]string{"udp 127.0.0.1 0 53"},
			[]string{"udp 127.0.0.1 49153 53"},
			[]string{"port 49153 of the host leads to port 53/udp of the container"},
		},
		{
			"both protocols",
			[]string{"tcp * 0 53", "udp * 0 53"},
			[]string{"tcp 0.0.0.0 5001 53", "tcp :: 5001 53", "udp 0.0.0.0 5002 53", "udp :: 5002 53"},
			[]string{"port 5001 of the host leads to port 53/tcp of the container", "port 5002 of the host leads to port 53/udp of the container"},
		},
		{
			"a port of the container named and picked",
			[]string{"tcp * 8080 80", "tcp * 0 80"},
			[]string{"tcp 0.0.0.0 8080 80", "tcp :: 8080 80", "tcp 0.0.0.0 5001 80", "tcp :: 5001 80"},
			[]string{"port 5001 of the host leads to port 80/tcp of the container"},
		},
		{
			"the same picked twice",
			[]string{"tcp * 0 80", "tcp * 0 80"},
			[]string{"tcp 0.0.0.0 5001 80", "tcp :: 5001 80", "tcp 0.0.0.0 5002 80", "tcp :: 5002 80"},
			[]string{"port 5001 of the host leads to port 80/tcp of the container", "port 5002 of the host leads to port 80/tcp of the container"},
		},
		{
			"at two addresses",
			[]string{"tcp 127.0.0.1 0 80", "tcp ::1 0 80"},
			[]string{"tcp 127.0.0.1 5001 80", "tcp ::1 5002 80"},
			[]string{"port 5001 of the host leads to port 80/tcp of the container", "port 5002 of the host leads to port 80/tcp of the container"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var sockets []netplumb.Socket
			for _, m := range mappings(t, test.sockets) {
				sockets = append(sockets, netplumb.Socket{Mapping: m, FD: -1})
			}
			got := tellPicked(mappings(t, test.asked), sockets)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

func mappings(t *testing.T, texts []string) (list []ports.Mapping) {
	t.Helper()
	for _, text := range texts {
		m, err := ports.ParseMapping(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}
