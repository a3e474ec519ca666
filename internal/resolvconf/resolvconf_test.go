package resolvconf

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// same lets cmp look at addresses, whose fields are hidden from it.
var same = cmp.Options{
	cmpopts.EquateComparable(netip.Addr{}),
	cmpopts.EquateEmpty(),
}

func addrs(texts ...string) []netip.Addr {
	var list []netip.Addr
	for _, text := range texts {
		list = append(list, netip.MustParseAddr(text))
	}
	return list
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       Config
	}{
		{name: "empty"},
		{
			name: "all of it",
			text: "# made by hand\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch a.example b.example\noptions ndots:2 edns0\n",
			want: Config{addrs("192.0.2.1", "192.0.2.2"), []string{"a.example", "b.example"}, []string{"ndots:2", "edns0"}},
		},
		{name: "no line end", text: "nameserver 192.0.2.1", want: Config{Servers: addrs("192.0.2.1")}},
		{name: "tabs, carriage returns", text: "nameserver\t192.0.2.1\r\n", want: Config{Servers: addrs("192.0.2.1")}},
		{name: "comments", text: "#nameserver 192.0.2.1\n;nameserver 192.0.2.2\n # nameserver 192.0.2.3\n"},
		{name: "trailing comment", text: "nameserver 192.0.2.1 # first\n", want: Config{Servers: addrs("192.0.2.1")}},
		{name: "a stub", text: "nameserver 127.0.0.53\n", want: Config{Servers: addrs("127.0.0.53")}},
		{name: "IPv6", text: "nameserver 2001:db8::1\n", want: Config{Servers: addrs("2001:db8::1")}},
		{name: "IPv6 with a zone", text: "nameserver fe80::1%eth0\n", want: Config{Servers: addrs("fe80::1%eth0")}},
		{name: "IPv6 with a zone that is no word", text: "nameserver fe80::1%eth\x000\n"},
		{name: "IPv4 as IPv6", text: "nameserver ::ffff:192.0.2.1\n", want: Config{Servers: addrs("192.0.2.1")}},
		{name: "no address", text: "nameserver\nnameserver resolver.example\nnameserver 192.0.2.256\n"},
		{name: "domain", text: "domain a.example\n", want: Config{Search: []string{"a.example"}}},
		{name: "the last search counts", text: "search a.example\ndomain b.example\n", want: Config{Search: []string{"b.example"}}},
		{name: "options add up", text: "options a\noptions b\n", want: Config{Options: []string{"a", "b"}}},
		{name: "not printable", text: "search a\x00.example b.example\noptions \x7f\n", want: Config{Search: []string{"b.example"}}},
		{name: "unknown", text: "sortlist 192.0.2.0\nNAMESERVER 192.0.2.1\n"},
		{name: "more than are heeded", text: strings.Repeat("nameserver 192.0.2.1\n", 4), want: Config{Servers: addrs("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Parse(test.text), same); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}

func TestText(t *testing.T) {
	for _, test := range []struct {
		name, remark string
		config       Config
		want         string
	}{
		{
			name:   "all of it",
			remark: "none",
			config: Config{addrs("192.0.2.1"), []string{"a.example", "b.example"}, []string{"ndots:2"}},
			want:   "nameserver 192.0.2.1\nsearch a.example b.example\noptions ndots:2\n",
		},
		{
			name:   "three are heeded",
			config: Config{Servers: addrs("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")},
			want:   "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n",
		},
		{name: "scoped", config: Config{Servers: addrs("fe80::1%eth0")}, want: "nameserver fe80::1%eth0\n"},
		{name: "no server", remark: "none", config: Config{Search: []string{"a.example"}}, want: "# none\nsearch a.example\n"},
		{name: "nothing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.config.Text(test.remark)); diff != "" {
				t.Errorf("resolv.conf (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever a file says, what is written from it has one line for each thing, and
// nothing becomes a line that was none.
func FuzzParse(f *testing.F) {
	f.Add("nameserver 192.0.2.1\nsearch a.example\noptions ndots:2\n")
	f.Add("search a\rnameserver\u2028192.0.2.1\x00\nnameserver fe80::1%a\n")
	f.Add("# nameserver 127.0.0.53\n;\n\n  \t \nnameserver 127.0.0.53")
	f.Add("nameserver fe80::1%\x01\x00\noptions \x1f a\nsearch \x7f")
	f.Fuzz(func(t *testing.T, text string) {
		c := Parse(text)
		written := c.Text("none")
		if !strings.HasSuffix(written, "\n") && written != "" {
			t.Errorf("got %q, want a whole last line", written)
		}
		want := max(1, min(len(c.Servers), MaxServers))
		for _, list := range [][]string{c.Search, c.Options} {
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
			if !printable(strings.ReplaceAll(strings.TrimSuffix(line, "\n"), " ", "")) {
				t.Errorf("got line %q, want no control characters", line)
			}
		}
		c.Servers = c.Servers[:min(len(c.Servers), MaxServers)]
		if diff := cmp.Diff(c, Parse(written), same); diff != "" {
			t.Errorf("read again (-want +got):\n%s", diff)
		}
	})
}
