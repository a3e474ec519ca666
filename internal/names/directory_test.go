package names

import (
	"net/netip"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	longest := strings.Repeat("a", maxLabel)
	d := testDirectory()
	lookup := d.Lookup
	d.Lookup = func(owner uint32, name string) (v4, v6 netip.Addr, ok bool) {
		if name == longest {
			return netip.MustParseAddr("10.100.42.99"), netip.Addr{}, true
		}
		return lookup(owner, name)
	}
	for _, test := range []struct {
		name   string
		v4, v6 string // none if empty
		ok     bool
	}{
		{"web", "10.100.42.7", "fd00::7", true},
		{"WEB", "10.100.42.7", "fd00::7", true},
		{"four", "10.100.42.8", "", true},
		{"web.alice", "10.100.42.7", "fd00::7", true},
		{"web.1000", "10.100.42.7", "fd00::7", true}, // not the user of that name
		{"web.bob", "10.100.42.9", "fd00::9", true},
		{"wEb.bOB", "10.100.42.9", "fd00::9", true},
		{"web.Bob", "", "", false}, // another user, exactly
		{"web.1001", "10.100.42.9", "fd00::9", true},
		{"web.1002", "10.100.42.10", "", true},
		{"web.1003", "10.100.42.11", "", true},
		{longest, "10.100.42.99", "", true},
		{"host.containers.internal", "10.100.42.1", "fd00::1", true},
		{"Host.Docker.Internal", "10.100.42.1", "fd00::1", true},

		{"", "", "", false},
		{"mail", "", "", false},
		{"four.bob", "", "", false},
		{"web.carol", "", "", false},
		{"web.01000", "", "", false},
		{"web.4294967295", "", "", false},
		{"web.4294968296", "", "", false}, // 1000 in 32 bits
		{"web.-1000", "", "", false},
		{"web.+1000", "", "", false},
		{"web.do.t", "", "", false},
		{"web.alice.example", "", "", false},
		{"containers.internal", "", "", false},
		{"_web", "", "", false},
		{"-web", "", "", false},
		{"$", "", "", false},
		{"web.$", "", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want record
			if test.v4 != "" {
				want.v4 = netip.MustParseAddr(test.v4)
			}
			if test.v6 != "" {
				want.v6 = netip.MustParseAddr(test.v6)
			}
			got, ok := d.find(test.name)
			if got != want || ok != test.ok {
				t.Errorf("got %v, %v, want %v, %v", got, ok, want, test.ok)
			}
		})
	}
}

func TestFindWithoutGateway(t *testing.T) {
	d := testDirectory()
	d.Gateway6 = netip.Addr{}
	if got, ok := d.find(hostName); !ok || got.v6.IsValid() {
		t.Errorf("without IPv6: got %v, %v, want an IPv4 address alone", got, ok)
	}
	d.Gateway = netip.Addr{}
	if got, ok := d.find(hostName); ok {
		t.Errorf("without any: got %v, want none", got)
	}
}

func TestFindAddr(t *testing.T) {
	d := testDirectory()
	d.Reverse = func(addr netip.Addr) (uint32, string, bool) {
		if addr == netip.MustParseAddr("10.100.42.66") {
			return bob, "no name", true
		}
		return testDirectory().Reverse(addr)
	}
	for _, test := range []struct{ name, want string }{
		{"7.42.100.10.in-addr.arpa", "web."},
		{"7.42.100.10.IN-ADDR.ARPA", "web."},
		{"9.42.100.10.in-addr.arpa", "web.bob."},
		{"10.42.100.10.in-addr.arpa", "web.1002."}, // the name would be two labels
		{"11.42.100.10.in-addr.arpa", "web.1003."}, // the name would be alice's number
		{"1.42.100.10.in-addr.arpa", "host.containers.internal."},
		{"9." + strings.Repeat("0.", 27) + "0.0.d.f.ip6.arpa", "web.bob."},
		{"1." + strings.Repeat("0.", 27) + "0.0.d.f.ip6.arpa", "host.containers.internal."},
		{"66.42.100.10.in-addr.arpa", ""},
		{"12.42.100.10.in-addr.arpa", ""},
		{"07.42.100.10.in-addr.arpa", ""},
		{"7.42.100.in-addr.arpa", ""},
		{"7.7.42.100.10.in-addr.arpa", ""},
		{".in-addr.arpa", ""},
		{"in-addr.arpa", ""},
		{"a.in-addr.arpa", ""},
		{"9.0.ip6.arpa", ""},
		{"9" + strings.Repeat("0", 62) + ".ip6.arpa", ""},
		{"g." + strings.Repeat("0.", 27) + "0.0.d.f.ip6.arpa", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := d.find(test.name)
			if got != (record{name: test.want}) || ok != (test.want != "") {
				t.Errorf("got %v, %v, want %q", got, ok, test.want)
			}
		})
	}
}

// Whatever is asked for, those who look names up are given names that can be.
func FuzzFind(f *testing.F) {
	for _, name := range []string{"web", "web.alice", "WEB.1000", "7.42.100.10.in-addr.arpa", "..", ".web", "web.", hostName, "9." + strings.Repeat("0.", 31) + "ip6.arpa"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		d := testDirectory()
		d.Lookup = func(_ uint32, name string) (v4, v6 netip.Addr, ok bool) {
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || name == "" || len(name) > maxLabel {
				t.Errorf("looked up container %q", name)
			}
			return netip.Addr{}, netip.Addr{}, false
		}
		d.UserID = func(name string) (uint32, bool) {
			if strings.ContainsAny(name, ".:/\n\x00") || name == "" || len(name) > maxLabel {
				t.Errorf("looked up user %q", name)
			}
			return 0, true
		}
		d.Reverse = func(addr netip.Addr) (uint32, string, bool) {
			if !addr.IsValid() || addr.Zone() != "" {
				t.Errorf("looked up address %v", addr)
			}
			return 0, "", false
		}
		d.find(name)
	})
}
