package policy

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/hint"
)

func TestParse(t *testing.T) {
	subnet6 := func(text string) func(p *Policy) {
		return func(p *Policy) { p.Subnet6 = netip.MustParsePrefix(text) }
	}
	publish := func(spans ...Span) func(p *Policy) {
		return func(p *Policy) { p.Publish = spans }
	}
	for _, test := range []struct {
		name, text string
		want       func(p *Policy) // what it changes of the defaults
	}{
		{"empty", "", func(*Policy) {}},
		{"comments", "# one\n; two\n\n  \t# three\r\n#BRIDGE=x\\\n", func(*Policy) {}},
		{"without a newline", "BRIDGE=br0", func(p *Policy) { p.Bridge = "br0" }},
		{"as other systems end lines", "BRIDGE=br0\r\nNAT=no\r\n", func(p *Policy) { p.Bridge, p.NAT = "br0", false }},
		{"spaces", " \tBRIDGE \t= \tbr0 \t\n", func(p *Policy) { p.Bridge = "br0" }},
		{"double quotes", `BRIDGE="br0"`, func(p *Policy) { p.Bridge = "br0" }},
		{"single quotes", `BRIDGE = 'br0' `, func(p *Policy) { p.Bridge = "br0" }},
		{"quotes in quotes", `BRIDGE="b'0"`, func(p *Policy) { p.Bridge = "b'0" }},
		{"equals sign in a value", "BRIDGE=a=b", func(p *Policy) { p.Bridge = "a=b" }},

		{"longest bridge", "BRIDGE=a23456789012345", func(p *Policy) { p.Bridge = "a23456789012345" }},
		{"bridge of one letter", "BRIDGE=u", func(p *Policy) { p.Bridge = "u" }},
		{"bridge with a dot", "BRIDGE=br0.7", func(p *Policy) { p.Bridge = "br0.7" }},
		{"largest subnet", "SUBNET=172.16.0.0/16", func(p *Policy) { p.Subnet = netip.MustParsePrefix("172.16.0.0/16") }},
		{"smallest subnet", "SUBNET=192.168.1.240/28", func(p *Policy) { p.Subnet = netip.MustParsePrefix("192.168.1.240/28") }},
		{"public subnet", "SUBNET=203.0.113.0/24", func(p *Policy) { p.Subnet = netip.MustParsePrefix("203.0.113.0/24") }},
		{"beside the loopback", "SUBNET=128.0.0.0/16", func(p *Policy) { p.Subnet = netip.MustParsePrefix("128.0.0.0/16") }},
		{"beside multicast", "SUBNET=223.255.0.0/16", func(p *Policy) { p.Subnet = netip.MustParsePrefix("223.255.0.0/16") }},
		{"unique local subnet", "SUBNET6=fd42:756e:6300:1::/64", subnet6("fd42:756e:6300:1::/64")},
		{"global subnet", "SUBNET6=2001:DB8:0::/64", subnet6("2001:db8::/64")},
		{"last global subnet", "SUBNET6=3fff:ffff:ffff:ffff::/64", subnet6("3fff:ffff:ffff:ffff::/64")},
		{"no IPv6", "SUBNET6=none", func(*Policy) {}},
		{"smallest MTU", "MTU=1280", func(p *Policy) { p.MTU = 1280 }},
		{"largest MTU", "MTU=65535", func(p *Policy) { p.MTU = 65535 }},
		{"least of all", "MAX_PER_USER=1\nMAX_PORTS_PER_USER=0\nMAX_CONNECTIONS=64", func(p *Policy) {
			p.MaxPerUser, p.MaxPorts, p.MaxConnections = 1, 0, 64
		}},
		{"most of all", "MAX_PER_USER=1022\nMAX_PORTS_PER_USER=1024\nMAX_CONNECTIONS=1048576", func(p *Policy) {
			p.MaxPerUser, p.MaxPorts, p.MaxConnections = 1022, 1024, 1048576
		}},
		{"all no", "ISOLATION=none\nNAT=no\nHOST_ACCESS=no", func(p *Policy) { p.Isolated, p.NAT, p.HostAccess = false, false, false }},
		{"all yes", "ISOLATION=user\nNAT=yes\nHOST_ACCESS=yes", func(*Policy) {}},
		{"one port", "PUBLISH=80", publish(Span{80, 80})},
		{"no port", "PUBLISH=none", publish()},
		{"all ports", "PUBLISH=1-65535", publish(Span{1, 65535})},
		{"ports in disorder", "PUBLISH=8000-8999, 443,80", publish(Span{80, 80}, Span{443, 443}, Span{8000, 8999})},
		{"ports that touch", "PUBLISH=82,80-81,84,83", publish(Span{80, 84})},
		{"ports with one between", "PUBLISH=80-81,83", publish(Span{80, 81}, Span{83, 83})},
		{"ports that overlap", "PUBLISH=100-200,50-300,150-250,301", publish(Span{50, 301})},
		{"ports twice", "PUBLISH=80,80,80-80", publish(Span{80, 80})},
		{"the last port", "PUBLISH=65535,65535,1-65534", publish(Span{1, 65535})},
		{"everybody", "ALLOW=*", func(*Policy) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(test.text)
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			test.want(want)
			if diff := cmp.Diff(want, &got.policy, compared); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseWhatIsLookedUpLater(t *testing.T) {
	for _, test := range []struct {
		name, text             string
		flannel, deriveSubnet6 bool
		allow                  []string
	}{
		{"empty", "", false, true, nil},
		{"flannel", "SUBNET=flannel", true, true, nil},
		{"no flannel", "SUBNET=10.1.2.0/24", false, true, nil},
		{"IPv6 subnet", "SUBNET6=fd00::/64", false, false, nil},
		{"no IPv6", "SUBNET6=none", false, false, nil},
		{"everybody", "ALLOW=*", false, true, nil},
		{"one user", "ALLOW=alice", false, true, []string{"alice"}},
		{"several", "ALLOW=\"alice,@users @100, \t1001\"", false, true, []string{"alice", "@users", "@100", "1001"}},
		{"not quite a number", "ALLOW=1001st", false, true, []string{"1001st"}},
		{"the largest number", "ALLOW=4294967294", false, true, []string{"4294967294"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := Parse(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if s.flannel != test.flannel || s.deriveSubnet6 != test.deriveSubnet6 {
				t.Errorf("got flannel %v, IPv6 subnet to be derived %v, want %v, %v", s.flannel, s.deriveSubnet6, test.flannel, test.deriveSubnet6)
			}
			if diff := cmp.Diff(test.allow, s.allow); diff != "" {
				t.Errorf("allowed (-want +got):\n%s", diff)
			}
			if s.policy.everybody != (len(test.allow) == 0) {
				t.Errorf("got everybody %v with %v allowed", s.policy.everybody, test.allow)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const (
		ports   = "want ports as in 80,443,8000-8999, from 1 to 65535, or none"
		subnet  = "want addresses as in 10.100.42.0/24, or flannel"
		subnet6 = "want addresses as in fd42:756e:6300::/64, or none"
		globals = "want IPv6 addresses of 2000::/3 or fc00::/7"
		signs   = "want letters, digits and signs other than / : %"
		meaning = "that name has a meaning of its own"
		quotes  = "quotes go around a whole value, and have none of their kind inside"
		comment = "a comment goes into a line of its own"
		none    = "no value; without the line, the default counts"
		mtu     = "want a number from 1280 to 65535"
	)
	for _, test := range []struct{ name, text, want string }{
		{"no key", "\n# comment\n=x", `line 3: "=x" is not KEY=value`},
		{"no equals sign", "BRIDGE", `line 1: "BRIDGE" is not KEY=value`},
		{"a long line", strings.Repeat("x", 1000), `line 1: "` + strings.Repeat("x", 64) + `" is not KEY=value`},
		{"a key twice", "NAT=no\n\nNAT=no", "line 3: NAT is in line 1 already"},
		{"a key twice after an unknown one", "X=1\nX=1", `line 1: unknown key "X"`},
		{"unknown", "NETWORK=x", `line 1: unknown key "NETWORK"`},
		{"misspelled", "SUBNETT=x", `line 1: unknown key "SUBNETT", perhaps for SUBNET`},
		{"in lower case", "max_per_user=1", `line 1: unknown key "max_per_user", perhaps for MAX_PER_USER`},
		{"for a shell", "export NAT=no", `line 1: unknown key "export NAT"`},
		{"with a byte order mark", "\ufeffNAT=no", `line 1: unknown key "\ufeffNAT"`},
		{"no value", "NAT=", `line 1: "NAT": ` + none},
		{"spaces for a value", "NAT= \t", `line 1: "NAT": ` + none},
		{"empty quotes", `NAT=""`, `line 1: "NAT": ` + none},
		{"a quote", `NAT="`, `line 1: "NAT": ` + quotes},
		{"open quote", `NAT="no`, `line 1: "NAT": ` + quotes},
		{"closing quote", `NAT=no'`, `line 1: "NAT": ` + quotes},
		{"other quote", `NAT='no"`, `line 1: "NAT": ` + quotes},
		{"more after the quote", `NAT="no" yes`, `line 1: "NAT": ` + quotes},
		{"two words in quotes", `ALLOW="alice" "bob"`, `line 1: "ALLOW": ` + quotes},
		{"quote inside", `ALLOW=al"ic"e`, `line 1: "ALLOW": ` + quotes},
		{"comment behind", "ALLOW=alice # and bob", `line 1: "ALLOW": ` + comment},
		{"other comment behind", "ALLOW=alice\t;bob", `line 1: "ALLOW": ` + comment},
		{"continued", "ALLOW=alice\\\nbob", `line 2: "bob" is not KEY=value`},

		{"bridge too long", "BRIDGE=a234567890123456", `line 1: BRIDGE="a234567890123456": want at most 15 bytes`},
		{"bridge with a slash", "BRIDGE=a/b", `line 1: BRIDGE="a/b": ` + signs},
		{"bridge with a colon", "BRIDGE=a:b", `line 1: BRIDGE="a:b": ` + signs},
		{"bridge with a space", "BRIDGE=a b", `line 1: BRIDGE="a b": ` + signs},
		{"bridge with a zero", "BRIDGE=a\x00b", `line 1: BRIDGE="a\x00b": ` + signs},
		{"bridge with an umlaut", "BRIDGE=ü", `line 1: BRIDGE="ü": ` + signs},
		{"bridge with half a letter", "BRIDGE=a\xff", `line 1: BRIDGE="a\xff": ` + signs},
		{"bridge as a template", "BRIDGE=br%d", `line 1: BRIDGE="br%d": ` + signs},
		{"bridge like an option", "BRIDGE=-all", `line 1: BRIDGE="-all": want a name that is not like an option`},
		{"bridge like a port", "BRIDGE=uv0a642a07", `line 1: BRIDGE="uv0a642a07": names that begin with "uv" are those of the bridge's ports`},
		{"bridge dot", "BRIDGE=.", `line 1: BRIDGE=".": ` + meaning},
		{"bridge dots", "BRIDGE=..", `line 1: BRIDGE="..": ` + meaning},
		{"loopback as bridge", "BRIDGE=lo", `line 1: BRIDGE="lo": ` + meaning},
		{"all as bridge", "BRIDGE=all", `line 1: BRIDGE="all": ` + meaning},
		{"default as bridge", "BRIDGE=default", `line 1: BRIDGE="default": ` + meaning},

		{"no subnet", "SUBNET=none", `line 1: SUBNET="none": ` + subnet},
		{"an address", "SUBNET=10.100.42.0", `line 1: SUBNET="10.100.42.0": ` + subnet},
		{"leading zero", "SUBNET=10.100.042.0/24", `line 1: SUBNET="10.100.042.0/24": ` + subnet},
		{"flannel otherwise", "SUBNET=Flannel", `line 1: SUBNET="Flannel": ` + subnet},
		{"host bits", "SUBNET=10.100.42.1/24", `line 1: SUBNET="10.100.42.1/24": want the subnet's own address, 10.100.42.0/24`},
		{"too large", "SUBNET=10.100.0.0/15", `line 1: SUBNET="10.100.0.0/15": want a prefix from /16 to /28`},
		{"too small", "SUBNET=10.100.42.0/29", `line 1: SUBNET="10.100.42.0/29": want a prefix from /16 to /28`},
		{"IPv6", "SUBNET=fd00::/64", `line 1: SUBNET="fd00::/64": want IPv4 addresses`},
		{"mapped", "SUBNET=::ffff:10.100.42.0/24", `line 1: SUBNET="::ffff:10.100.42.0/24": want IPv4 addresses`},
		{"unspecified", "SUBNET=0.0.0.0/16", `line 1: SUBNET="0.0.0.0/16": 0.0.0.0/8 can't be used`},
		{"this network", "SUBNET=0.1.2.0/24", `line 1: SUBNET="0.1.2.0/24": 0.0.0.0/8 can't be used`},
		{"loopback", "SUBNET=127.1.0.0/16", `line 1: SUBNET="127.1.0.0/16": 127.0.0.0/8 is the host's loopback`},
		{"link-local", "SUBNET=169.254.7.0/24", `line 1: SUBNET="169.254.7.0/24": 169.254.0.0/16 is for link-local addresses`},
		{"multicast", "SUBNET=224.0.0.0/24", `line 1: SUBNET="224.0.0.0/24": 224.0.0.0 and above are not for hosts`},
		{"broadcast", "SUBNET=255.255.255.240/28", `line 1: SUBNET="255.255.255.240/28": 224.0.0.0 and above are not for hosts`},

		{"IPv6 nonsense", "SUBNET6=auto", `line 1: SUBNET6="auto": ` + subnet6},
		{"IPv6 address", "SUBNET6=fd00::", `line 1: SUBNET6="fd00::": ` + subnet6},
		{"IPv6 zone", "SUBNET6=fd00::%eth0/64", `line 1: SUBNET6="fd00::%eth0/64": ` + subnet6},
		{"IPv6 too large", "SUBNET6=fd00::/48", `line 1: SUBNET6="fd00::/48": want a prefix of /64`},
		{"IPv6 too small", "SUBNET6=fd00::/65", `line 1: SUBNET6="fd00::/65": want a prefix of /64`},
		{"IPv6 host bits", "SUBNET6=fd00::1/64", `line 1: SUBNET6="fd00::1/64": want the subnet's own address, fd00::/64`},
		{"IPv6 link-local", "SUBNET6=fe80::/64", `line 1: SUBNET6="fe80::/64": ` + globals},
		{"IPv6 multicast", "SUBNET6=ff02::/64", `line 1: SUBNET6="ff02::/64": ` + globals},
		{"IPv6 loopback", "SUBNET6=::/64", `line 1: SUBNET6="::/64": ` + globals},
		{"IPv6 reserved", "SUBNET6=4000::/64", `line 1: SUBNET6="4000::/64": ` + globals},
		{"IPv4", "SUBNET6=10.100.42.0/24", `line 1: SUBNET6="10.100.42.0/24": ` + globals},
		{"IPv4 mapped", "SUBNET6=::ffff:10.0.0.0/64", `line 1: SUBNET6="::ffff:10.0.0.0/64": ` + globals},

		{"MTU too small", "MTU=1279", `line 1: MTU="1279": ` + mtu},
		{"MTU too large", "MTU=65536", `line 1: MTU="65536": ` + mtu},
		{"MTU with a unit", "MTU=1500b", `line 1: MTU="1500b": ` + mtu},
		{"MTU with a zero", "MTU=01500", `line 1: MTU="01500": ` + mtu},
		{"MTU with a sign", "MTU=+1500", `line 1: MTU="+1500": ` + mtu},
		{"MTU of a game", "MTU=99999999999999999999", `line 1: MTU="99999999999999999999": ` + mtu},
		{"nothing per user", "MAX_PER_USER=0", `line 1: MAX_PER_USER="0": want a number from 1 to 1022`},
		{"too many per user", "MAX_PER_USER=1023", `line 1: MAX_PER_USER="1023": want a number from 1 to 1022`},
		{"too many ports", "MAX_PORTS_PER_USER=1025", `line 1: MAX_PORTS_PER_USER="1025": want a number from 0 to 1024`},
		{"less than no ports", "MAX_PORTS_PER_USER=-1", `line 1: MAX_PORTS_PER_USER="-1": want a number from 0 to 1024`},
		{"minus no ports", "MAX_PORTS_PER_USER=-0", `line 1: MAX_PORTS_PER_USER="-0": want a number from 0 to 1024`},
		{"too few connections", "MAX_CONNECTIONS=63", `line 1: MAX_CONNECTIONS="63": want a number from 64 to 1048576`},
		{"too many connections", "MAX_CONNECTIONS=1048577", `line 1: MAX_CONNECTIONS="1048577": want a number from 64 to 1048576`},
		{"isolation", "ISOLATION=yes", `line 1: ISOLATION="yes": want user or none`},
		{"NAT", "NAT=true", `line 1: NAT="true": want yes or no`},
		{"host access", "HOST_ACCESS=No", `line 1: HOST_ACCESS="No": want yes or no`},

		{"port zero", "PUBLISH=0", `line 1: PUBLISH="0": ` + ports},
		{"port too large", "PUBLISH=65536", `line 1: PUBLISH="65536": ` + ports},
		{"port with a zero", "PUBLISH=080", `line 1: PUBLISH="080": ` + ports},
		{"port by name", "PUBLISH=http", `line 1: PUBLISH="http": ` + ports},
		{"range without end", "PUBLISH=80-", `line 1: PUBLISH="80-": ` + ports},
		{"range without beginning", "PUBLISH=-80", `line 1: PUBLISH="-80": ` + ports},
		{"range of three", "PUBLISH=80-81-82", `line 1: PUBLISH="80-81-82": ` + ports},
		{"range with spaces", "PUBLISH=80 - 82", `line 1: PUBLISH="80 - 82": ` + ports},
		{"range backwards", "PUBLISH=81-80", `line 1: PUBLISH="81-80": want the lower end of a range first`},
		{"ports without a comma", "PUBLISH=80 443", `line 1: PUBLISH="80 443": ` + ports},
		{"comma at the end", "PUBLISH=80,", `line 1: PUBLISH="80,": ` + ports},
		{"none and more", "PUBLISH=none,80", `line 1: PUBLISH="none,80": ` + ports},

		{"commas alone", "ALLOW=,", `line 1: ALLOW=",": want users and @groups, or *`},
		{"no group", "ALLOW=alice @", `line 1: ALLOW="alice @": want names after @, and * on its own`},
		{"everybody and more", "ALLOW=alice,*", `line 1: ALLOW="alice,*": want names after @, and * on its own`},
		{"every group", "ALLOW=@*", `line 1: ALLOW="@*": want names after @, and * on its own`},
		{"two fields", "ALLOW=alice:x", `line 1: ALLOW="alice:x": "alice:x" is not a name`},
		{"no user", "ALLOW=4294967295", `line 1: ALLOW="4294967295": "4294967295" is not the number of a user or group`},
		{"user too large", "ALLOW=4294967296", `line 1: ALLOW="4294967296": "4294967296" is not the number of a user or group`},
		{"user with a zero", "ALLOW=0100", `line 1: ALLOW="0100": "0100" is not the number of a user or group`},
		{"group too large", "ALLOW=@4294967296", `line 1: ALLOW="@4294967296": "4294967296" is not the number of a user or group`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.text)
			if err == nil {
				t.Fatalf("got no error, want %v", test.want)
			}
			if got := err.Error(); got != test.want {
				t.Errorf("got %v\nwant %v", got, test.want)
			}
		})
	}
}

func TestUnknownKeyHint(t *testing.T) {
	_, err := Parse("COLOUR=red")
	hints := strings.Join(hint.Of(err), " ")
	for _, key := range keys {
		if !strings.Contains(hints, " "+key.name) {
			t.Errorf("got hint %q, want %s in it", hints, key.name)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, test := range []struct{ key, want string }{
		{"BRIDGES", "BRIDGE"},
		{"bridge", "BRIDGE"},
		{"SUBNET_6", "SUBNET6"},
		{"SUBNET4", "SUBNET"},
		{"MAX-PORTS-PER-USER", "MAX_PORTS_PER_USER"},
		{"ALOW", "ALLOW"},
		{"NTA", ""},
		{"MUT", ""},
		{"NATS", "NAT"},
		{"DNS", ""},
		{"", ""},
		{"PUBLISHED", "PUBLISH"},
		{"PUBLISHING", ""},
		{"MAX_PORTS_PER_USER_MAX_PORTS", ""},
	} {
		if got := nearest(test.key); got != test.want {
			t.Errorf("%q: got %q, want %q", test.key, got, test.want)
		}
	}
}

// What Parse accepts keeps to the limits, whatever it was.
func FuzzParse(f *testing.F) {
	f.Add("BRIDGE=br0\nSUBNET=10.0.0.0/16\nSUBNET6=fd00::/64\nMTU=1500\nPUBLISH=80,443,8000-8999\n")
	f.Add("# c\n;\nMAX_PER_USER=1\nMAX_PORTS_PER_USER=0\nMAX_CONNECTIONS=64\nISOLATION=none\nNAT=no\nHOST_ACCESS=no\n")
	f.Add("ALLOW=\"alice @users,1001\"\r\nSUBNET = 'flannel'\nSUBNET6=none\nPUBLISH=none")
	f.Add("PUBLISH=65535,1-65534\nBRIDGE=\"a'b\"\n=\nNAT")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			if s != nil || !strings.HasPrefix(err.Error(), "line ") {
				t.Fatalf("got %v, %v, want nothing but an error with its line", s, err)
			}
			return
		}
		if err := consistent(&s.policy); err != nil {
			t.Fatal(err)
		}
		if s.policy.everybody != (len(s.allow) == 0) {
			t.Errorf("got everybody %v with %q allowed", s.policy.everybody, s.allow)
		}
	})
}

// consistent checks what the rest of unc relies on.
func consistent(p *Policy) error {
	within := func(n, least, most int) bool { return least <= n && n <= most }
	switch {
	case !within(len(p.Bridge), 1, 15) || strings.ContainsAny(p.Bridge, "/: \t\n%") || strings.HasPrefix(p.Bridge, "uv"):
		return errors.New("the bridge's name")
	case !p.Subnet.Addr().Is4() || p.Subnet != p.Subnet.Masked() || !within(p.Subnet.Bits(), 16, 28):
		return errors.New("the subnet")
	case p.Subnet6.IsValid() && (p.Subnet6 != p.Subnet6.Masked() || p.Subnet6.Bits() != 64 || !p.Subnet6.Addr().IsGlobalUnicast()):
		return errors.New("the IPv6 subnet")
	case p.MTU != 0 && !within(p.MTU, minMTU, maxMTU):
		return errors.New("the MTU")
	case !within(p.MaxPerUser, 1, 1022) || !within(p.MaxPorts, 0, 1024) || !within(p.MaxConnections, 64, 1<<20):
		return errors.New("a limit")
	}
	for _, addr := range []netip.Addr{p.Gateway(), p.Addr(2)} {
		if !p.Subnet.Contains(addr) || !addr.IsGlobalUnicast() {
			return errors.New("an address")
		}
	}
	end := -1 // of the ports before
	for _, s := range p.Publish {
		if s.First == 0 || s.First > s.Last || int(s.First) <= end+1 && end >= 0 {
			return errors.New("the ports")
		}
		end = int(s.Last)
	}
	return nil
}
