package netplumb

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameAddrs lets cmp look at addresses, whose fields are hidden from it.
var sameAddrs = cmp.Options{
	cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}),
	cmpopts.EquateEmpty(),
}

func addrs(texts ...string) []netip.Addr {
	var list []netip.Addr
	for _, text := range texts {
		list = append(list, netip.MustParseAddr(text))
	}
	return list
}

func TestParseResolvConf(t *testing.T) {
	for _, test := range []struct {
		name, text      string
		servers         []netip.Addr
		search, options []string
	}{
		{name: "empty"},
		{
			name:    "all of it",
			text:    "# made by hand\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch a.example b.example\noptions ndots:2 edns0\n",
			servers: addrs("192.0.2.1", "192.0.2.2"),
			search:  []string{"a.example", "b.example"}, options: []string{"ndots:2", "edns0"},
		},
		{name: "no line end", text: "nameserver 192.0.2.1", servers: addrs("192.0.2.1")},
		{name: "tabs, carriage returns", text: "nameserver\t192.0.2.1\r\n", servers: addrs("192.0.2.1")},
		{name: "comments", text: "#nameserver 192.0.2.1\n;nameserver 192.0.2.2\n # nameserver 192.0.2.3\n"},
		{name: "trailing comment", text: "nameserver 192.0.2.1 # first\n", servers: addrs("192.0.2.1")},
		{name: "IPv6", text: "nameserver 2001:db8::1\n", servers: addrs("2001:db8::1")},
		{name: "IPv6 with a zone", text: "nameserver fe80::1%eth0\n", servers: addrs("fe80::1%eth0")},
		{name: "IPv4 as IPv6", text: "nameserver ::ffff:192.0.2.1\n", servers: addrs("192.0.2.1")},
		{name: "no address", text: "nameserver\nnameserver resolver.example\nnameserver 192.0.2.256\n"},
		{name: "domain", text: "domain a.example\n", search: []string{"a.example"}},
		{name: "the last search counts", text: "search a.example\ndomain b.example\n", search: []string{"b.example"}},
		{name: "options add up", text: "options a\noptions b\n", options: []string{"a", "b"}},
		{name: "unknown", text: "sortlist 192.0.2.0\nNAMESERVER 192.0.2.1\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			servers, search, options := parseResolvConf(test.text)
			if diff := cmp.Diff(test.servers, servers, sameAddrs); diff != "" {
				t.Errorf("servers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.search, search, sameAddrs); diff != "" {
				t.Errorf("search (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.options, options, sameAddrs); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	for _, test := range []struct {
		addr string
		want bool
	}{
		{"192.0.2.1", true},
		{"10.100.42.1", true},
		{"127.0.0.53", false},
		{"127.0.0.1", false},
		{"0.0.0.0", false},
		{"::1", false},
		{"2001:db8::1", false},
		{"fe80::1%eth0", false},
	} {
		t.Run(test.addr, func(t *testing.T) {
			if got := reachable(netip.MustParseAddr(test.addr)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestResolvConf(t *testing.T) {
	for _, test := range []struct {
		name    string
		network Network
		want    string
	}{
		{
			"all of it",
			Network{Resolvers: addrs("192.0.2.1"), Search: []string{"a.example", "b.example"}, Options: []string{"ndots:2"}},
			"nameserver 192.0.2.1\nsearch a.example b.example\noptions ndots:2\n",
		},
		{
			"three are heeded",
			Network{Resolvers: addrs("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")},
			"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n",
		},
		{
			"none",
			Network{Search: []string{"a.example"}},
			"# this host's resolvers are on its loopback, where a container can't reach them\nsearch a.example\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.network.ResolvConf()); diff != "" {
				t.Errorf("resolv.conf (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHostsFile(t *testing.T) {
	n := Network{Address: netip.MustParsePrefix("10.100.42.7/24")}
	want := "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.100.42.7\tbox\n"
	if diff := cmp.Diff(want, n.Hosts("box")); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

// Whatever the host's file says, the container's has one line for each thing,
// and nothing becomes a line that was none.
func FuzzResolvConf(f *testing.F) {
	f.Add("nameserver 192.0.2.1\nsearch a.example\noptions ndots:2\n")
	f.Add("search a\rnameserver\u2028192.0.2.1\x00\nnameserver fe80::1%a\n")
	f.Add("# nameserver 127.0.0.53\n;\n\n  \t \nnameserver 127.0.0.53")
	f.Fuzz(func(t *testing.T, text string) {
		servers, search, options := parseResolvConf(text)
		n := Network{Resolvers: servers, Search: search, Options: options}
		written := n.ResolvConf()
		if !strings.HasSuffix(written, "\n") {
			t.Errorf("got %q, want a whole last line", written)
		}
		want := max(1, min(len(servers), maxResolvers))
		for _, list := range [][]string{search, options} {
			if len(list) > 0 {
				want++
			}
		}
		if got := strings.Count(written, "\n"); got != want {
			t.Errorf("got %d lines of %q, want %d", got, written, want)
		}
		// As libc sees them: it knows no other space, and no other line end.
		keywords := []string{"#", "nameserver", "search", "options"}
		for line := range strings.Lines(written) {
			if word, _, _ := strings.Cut(line, " "); !slices.Contains(keywords, word) {
				t.Errorf("got line %q", line)
			}
		}
		again, searchAgain, optionsAgain := parseResolvConf(written)
		if diff := cmp.Diff(servers[:min(len(servers), maxResolvers)], again, sameAddrs); diff != "" {
			t.Errorf("servers, read again (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(search, searchAgain, sameAddrs); diff != "" {
			t.Errorf("search, read again (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(options, optionsAgain, sameAddrs); diff != "" {
			t.Errorf("options, read again (-want +got):\n%s", diff)
		}
	})
}
