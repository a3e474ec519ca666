package ports

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"unc/internal/hint"
)

var sameAddrs = cmpopts.EquateComparable(netip.Addr{})

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

var good = []struct {
	name, spec string
	want       []Mapping
}{
	{"host and container", "8080:80", []Mapping{{HostPort: 8080, Port: 80}}},
	{"tcp", "8080:80/tcp", []Mapping{{HostPort: 8080, Port: 80}}},
	{"udp", "8080:80/udp", []Mapping{{UDP: true, HostPort: 8080, Port: 80}}},
	{"capital letters", "8080:80/UDP", []Mapping{{UDP: true, HostPort: 8080, Port: 80}}},
	{"picked", "80", []Mapping{{Port: 80}}},
	{"picked udp", "53/udp", []Mapping{{UDP: true, Port: 53}}},
	{"the first and the last", "1:65535", []Mapping{{HostPort: 1, Port: 65535}}},
	{"an address", "127.0.0.1:8080:80", []Mapping{{Host: addr("127.0.0.1"), HostPort: 8080, Port: 80}}},
	{"an address, picked", "127.0.0.1::80/udp", []Mapping{{UDP: true, Host: addr("127.0.0.1"), Port: 80}}},
	{"all of IPv4", "0.0.0.0:8080:80", []Mapping{{Host: addr("0.0.0.0"), HostPort: 8080, Port: 80}}},
	{"IPv6", "[::1]:8080:80", []Mapping{{Host: addr("::1"), HostPort: 8080, Port: 80}}},
	{"IPv6, picked", "[2001:db8::1]::80", []Mapping{{Host: addr("2001:db8::1"), Port: 80}}},
	{"IPv6 in full", "[0:0:0:0:0:0:0:1]:8080:80", []Mapping{{Host: addr("::1"), HostPort: 8080, Port: 80}}},
	{"all of IPv6", "[::]:8080:80", []Mapping{{Host: addr("::"), HostPort: 8080, Port: 80}}},
	{"link-local IPv4", "169.254.1.1:8080:80", []Mapping{{Host: addr("169.254.1.1"), HostPort: 8080, Port: 80}}},
	{"a range", "8000-8001:80-81", []Mapping{{HostPort: 8000, Port: 80}, {HostPort: 8001, Port: 81}}},
	{"a range of one", "8000-8000:80", []Mapping{{HostPort: 8000, Port: 80}}},
	{"a range, picked", "80-81/udp", []Mapping{{UDP: true, Port: 80}, {UDP: true, Port: 81}}},
	{"a range at an address", "[::1]:65534-65535:1-2", []Mapping{
		{Host: addr("::1"), HostPort: 65534, Port: 1},
		{Host: addr("::1"), HostPort: 65535, Port: 2},
	}},
}

func TestParse(t *testing.T) {
	for _, test := range good {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(test.spec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, sameAddrs); diff != "" {
				t.Errorf("mappings (-want +got):\n%s", diff)
			}
		})
	}
}

// bad is what is refused.
var bad = []struct{ name, spec, want, hint string }{
	{"empty", "", `a port is missing`, ""},
	{"a word", "http", `"http" is not a port, which is a number from 1 to 65535`, ""},
	{"zero", "0", `"0" is not a port, which is a number from 1 to 65535`, ""},
	{"zero of the host", "0:80", `"0" is not a port, which is a number from 1 to 65535`, ""},
	{"zero of the container", "80:0", `"0" is not a port, which is a number from 1 to 65535`, ""},
	{"too large", "65536", `"65536" is not a port, which is a number from 1 to 65535`, ""},
	{"a leading zero", "080", `"080" is not a port, which is a number from 1 to 65535`, ""},
	{"a sign", "+80", `"+80" is not a port, which is a number from 1 to 65535`, ""},
	{"negative", "-80", `a port is missing`, ""},
	{"a space", "80 ", `"80 " is not a port, which is a number from 1 to 65535`, ""},
	{"other digits", "٨٠", `"٨٠" is not a port, which is a number from 1 to 65535`, ""},
	{"no container port", "8080:", `a port is missing`, ""},
	{"no host port", ":80", `there is nothing before the colon`, "unc run -p 80 ...    # a host port that is free"},
	{"a colon", ":", `a port is missing`, ""},
	{"no address", ":8080:80", `it is not an address, a host port and a container port with colons between them`, ""},
	{
		"an address and one port", "127.0.0.1:80", `an address is followed by a host port, which may be empty, and a container port`,
		"unc run -p 127.0.0.1::80 ...    # a host port that is free",
	},
	{"an address alone", "127.0.0.1", `"127.0.0.1" is not a port, which is a number from 1 to 65535`, ""},
	{"four parts", "1:2:3:4", `it is not an address, a host port and a container port with colons between them`, ""},
	{"no address, but a name", "localhost:8080:80", `"localhost" is not an IP address`, ""},
	{"a broken address", "127.0.0.256:8080:80", `"127.0.0.256" is not an IP address`, ""},
	{"no protocol", "80/", `there is no protocol after the slash; unc publishes tcp and udp`, ""},
	{"sctp", "80/sctp", `the protocol is "sctp", and unc publishes tcp and udp`, ""},
	{"two protocols", "80/tcp/udp", `the protocol is "tcp/udp", and unc publishes tcp and udp`, ""},
	{"a protocol of the host's", "8080/tcp:80", `the protocol is "tcp:80", and unc publishes tcp and udp`, ""},
	{"no brackets", "::1:8080:80", `an IPv6 address stands in brackets`, "unc run -p '[::1]:8080:80' ..."},
	{"no brackets, picked", "2001:db8::1::80", `an IPv6 address stands in brackets`, "unc run -p '[2001:db8::1]::80' ..."},
	{"no brackets, all", ":::8080:80", `an IPv6 address stands in brackets`, "unc run -p '[::]:8080:80' ..."},
	{"an open bracket", "[::1:8080:80", `the bracket before an IPv6 address is followed by the address, a bracket and a colon`, ""},
	{"nothing after the bracket", "[::1]", `the bracket before an IPv6 address is followed by the address, a bracket and a colon`, ""},
	{"one port after the bracket", "[::1]:80", `after an address come the host's port, a colon, and the container's port`, ""},
	{"IPv4 in brackets", "[127.0.0.1]:8080:80", `"127.0.0.1" in the brackets is not an IPv6 address`, ""},
	{"empty brackets", "[]:8080:80", `"" in the brackets is not an IPv6 address`, ""},
	{"a zone", "[fe80::1%eth0]:8080:80", `the address "fe80::1%eth0" has a zone, and unc publishes at addresses without`, ""},
	{
		"link-local IPv6", "[fe80::1]:8080:80",
		`the address "fe80::1" is link-local: it means nothing without a zone, and unc publishes at addresses without`, "",
	},
	{
		"IPv4 as IPv6", "[::ffff:127.0.0.1]:8080:80",
		`the address "::ffff:127.0.0.1" is an IPv4 address written as IPv6; write 127.0.0.1`, "",
	},
	{
		"multicast", "224.0.0.1:8080:80",
		`the address "224.0.0.1" stands for many machines, and a port is published at an address of this one`, "",
	},
	{
		"IPv6 multicast", "[ff02::1]:8080:80",
		`the address "ff02::1" stands for many machines, and a port is published at an address of this one`, "",
	},
	{
		"broadcast", "255.255.255.255:8080:80",
		`the address "255.255.255.255" stands for many machines, and a port is published at an address of this one`, "",
	},
	{"a range without end", "80-", `a port is missing`, ""},
	{"a range without begin", "8080:-80", `a port is missing`, ""},
	{"a range of three", "80-81-82", `"81-82" is not a port, which is a number from 1 to 65535`, ""},
	{"a range backwards", "81-80", `the range "81-80" ends before it begins`, ""},
	{
		"one of a range", "8000-8010:80", `11 host ports can't lead to one container port; unc does not choose one of them`,
		"unc run -p 80 ...    # a host port that is free",
	},
	{"a range from one", "8000:80-90", `8000 on the host and 80-90 in the container are not equally many ports`, ""},
	{"ranges that differ", "8000-8001:80-82", `8000-8001 on the host and 80-82 in the container are not equally many ports`, ""},
	{"too many", "1-1025", `1025 ports are more than the 1024 that one argument may publish`, ""},
	{"all there are", "1-65535:1-65535", `65535 ports are more than the 1024 that one argument may publish`, ""},
}

func TestParseRefuses(t *testing.T) {
	for _, test := range bad {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(test.spec)
			if err == nil {
				t.Fatalf("got %v, want an error", got)
			}
			if got, want := err.Error(), test.want; got != want {
				t.Errorf("got error %q, want %q", got, want)
			}
			if got := strings.Join(hint.Of(err), "\n"); got != test.hint {
				t.Errorf("got hint %q, want %q", got, test.hint)
			}
		})
	}
}

func TestParseMost(t *testing.T) {
	got, err := Parse("60000-61023:1-1024")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != maxPorts {
		t.Fatalf("got %d mappings, want %d", len(got), maxPorts)
	}
	if got, want := got[maxPorts-1], (Mapping{HostPort: 61023, Port: 1024}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// An error shows what was refused, but no more of it than helps.
func TestErrorsQuoteLittle(t *testing.T) {
	for _, test := range []struct{ name, spec string }{
		{"a port", strings.Repeat("9", 4096)},
		{"an address", strings.Repeat("x", 4096) + ":80:80"},
		{"in brackets", "[" + strings.Repeat("x", 4096) + "]:80:80"},
		{"a zone", "[fe80::1%" + strings.Repeat("x", 4096) + "]:80:80"},
		{"a protocol", "80/" + strings.Repeat("x", 4096)},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.spec)
			if err == nil || len(err.Error()) > 300 {
				t.Errorf("got error %.400v, want one of at most 300 bytes", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range good {
		f.Add(test.spec)
	}
	for _, test := range bad {
		f.Add(test.spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		all, err := Parse(spec)
		if err != nil {
			if all != nil {
				t.Errorf("got %v with error %v, want none", all, err)
			}
			return
		}
		if len(all) == 0 || len(all) > maxPorts {
			t.Errorf("got %d mappings, want 1 to %d", len(all), maxPorts)
		}
		if err := Check(all); err != nil {
			t.Errorf("one argument is not at odds with itself: %v", err)
		}
		for _, m := range all {
			if got, err := ParseMapping(m.String()); got != m || err != nil {
				t.Errorf("%q is read as %v, %v", m, got, err)
			}
			if got, err := Parse(m.argument()); !slices.Equal(got, []Mapping{m}) || err != nil {
				t.Errorf("%q is read as %v, %v", m.argument(), got, err)
			}
		}
	})
}
