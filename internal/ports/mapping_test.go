package ports

import "testing"

var mappings = []struct {
	name, text string
	want       Mapping
}{
	{"tcp", "tcp * 8080 80", Mapping{HostPort: 8080, Port: 80}},
	{"udp", "udp * 8080 80", Mapping{UDP: true, HostPort: 8080, Port: 80}},
	{"picked", "tcp * 0 80", Mapping{Port: 80}},
	{"IPv4", "tcp 127.0.0.1 8080 80", Mapping{Host: addr("127.0.0.1"), HostPort: 8080, Port: 80}},
	{"all of IPv4", "tcp 0.0.0.0 8080 80", Mapping{Host: addr("0.0.0.0"), HostPort: 8080, Port: 80}},
	{"IPv6", "udp 2001:db8::1 65535 65535", Mapping{UDP: true, Host: addr("2001:db8::1"), HostPort: 65535, Port: 65535}},
	{"all of IPv6", "tcp :: 1 1", Mapping{Host: addr("::"), HostPort: 1, Port: 1}},
}

func TestMapping(t *testing.T) {
	for _, test := range mappings {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseMapping(test.text)
			if got != test.want || err != nil {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
			if got := test.want.String(); got != test.text {
				t.Errorf("got %q, want %q", got, test.text)
			}
		})
	}
}

var notMappings = []struct{ name, text string }{
	{"empty", ""},
	{"an argument", "8080:80"},
	{"three fields", "tcp * 80"},
	{"five fields", "tcp * 8080 80 "},
	{"two spaces", "tcp  * 8080 80"},
	{"a tab", "tcp\t* 8080 80"},
	{"a line end", "tcp * 8080 80\n"},
	{"a zero byte", "tcp * 8080 80\x00"},
	{"capital letters", "TCP * 8080 80"},
	{"sctp", "sctp * 8080 80"},
	{"no address", "tcp  8080 80"},
	{"a name", "tcp localhost 8080 80"},
	{"brackets", "tcp [::1] 8080 80"},
	{"another spelling of an address", "tcp 0:0::1 8080 80"},
	{"a zone", "tcp fe80::1%eth0 8080 80"},
	{"IPv4 as IPv6", "tcp ::ffff:127.0.0.1 8080 80"},
	{"multicast", "udp 224.0.0.251 5353 5353"},
	{"broadcast", "udp 255.255.255.255 67 67"},
	{"no container port", "tcp * 8080 0"},
	{"a leading zero", "tcp * 08080 80"},
	{"zero twice", "tcp * 00 80"},
	{"negative zero", "tcp * -0 80"},
	{"too large", "tcp * 8080 65536"},
	{"a range", "tcp * 8080-8081 80-81"},
}

func TestParseMappingRefuses(t *testing.T) {
	for _, test := range notMappings {
		t.Run(test.name, func(t *testing.T) {
			if got, err := ParseMapping(test.text); err == nil || got != (Mapping{}) {
				t.Errorf("got %v, %v, want an error", got, err)
			}
		})
	}
}

func FuzzParseMapping(f *testing.F) {
	for _, test := range mappings {
		f.Add(test.text)
	}
	for _, test := range notMappings {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMapping(text)
		switch {
		case err != nil && m != (Mapping{}):
			t.Errorf("got %v with error %v, want none", m, err)
		case err == nil && m.String() != text:
			t.Errorf("%q is read as %q", text, m)
		case err == nil && m.Port == 0:
			t.Errorf("%q has no port", text)
		}
	})
}
