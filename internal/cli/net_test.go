package cli

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/netplumb"
)

func TestPortList(t *testing.T) {
	port := func(protocol, host string, number uint16) netplumb.Port {
		return netplumb.Port{Protocol: protocol, Host: netip.MustParseAddrPort(host), Port: number}
	}
	for _, test := range []struct {
		name  string
		ports []netplumb.Port
		want  string
	}{
		{"none", nil, "-"},
		{"one", []netplumb.Port{port("tcp", "0.0.0.0:8080", 80)}, "0.0.0.0:8080->80/tcp"},
		{"IPv6", []netplumb.Port{port("udp", "[::1]:53", 53)}, "[::1]:53->53/udp"},
		{"two", []netplumb.Port{port("tcp", "127.0.0.1:1", 2), port("tcp", "[::]:1", 2)}, "127.0.0.1:1->2/tcp, [::]:1->2/tcp"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := portList(test.ports); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPrintStatus(t *testing.T) {
	machine := func(change func(*netplumb.Status)) *netplumb.Status {
		s := &netplumb.Status{
			Bridge: "unc0", Exists: true, Filter: true,
			Subnet: netip.MustParsePrefix("10.100.42.0/24"), Gateway: netip.MustParseAddr("10.100.42.1"),
			Subnet6: netip.MustParsePrefix("fd00::/64"), Gateway6: netip.MustParseAddr("fd00::1"),
		}
		change(s)
		return s
	}
	const there = "bridge  unc0: 10.100.42.1/24, fd00::1/64\nfilter  in place\n"
	for _, test := range []struct {
		name   string
		status *netplumb.Status
		want   string
	}{
		{
			"nothing yet", machine(func(s *netplumb.Status) { s.Exists, s.Filter = false, false }),
			"bridge  unc0: not there, the first container makes it\nfilter  not there, the first container makes it\nno containers\n",
		},
		{"all there", machine(func(*netplumb.Status) {}), there + "no containers\n"},
		{
			"without IPv6", machine(func(s *netplumb.Status) { s.Subnet6, s.Gateway6 = netip.Prefix{}, netip.Addr{} }),
			"bridge  unc0: 10.100.42.1/24\nfilter  in place\nno containers\n",
		},
		{
			"the filter is missing", machine(func(s *netplumb.Status) { s.Filter = false }),
			"bridge  unc0: 10.100.42.1/24, fd00::1/64\nfilter  MISSING, the next container or unc net reload puts it back\nno containers\n",
		},
		{
			"warnings", machine(func(s *netplumb.Status) { s.Warnings = []string{"a firewall\x1b[2J is in the way", "another"} }),
			there + "warning: a firewall?[2J is in the way\nwarning: another\nno containers\n",
		},
		{"containers", machine(func(s *netplumb.Status) {
			s.Leases = []netplumb.Lease{
				{Address: netip.MustParseAddr("10.100.42.7"), Owner: 0, Name: "web", Ports: []netplumb.Port{
					{Protocol: "tcp", Host: netip.MustParseAddrPort("0.0.0.0:8080"), Port: 80},
				}},
				{Address: netip.MustParseAddr("10.100.42.100"), Owner: 3999999999},
			}
		}), there + `
ADDRESS        OWNER       NAME  PORTS
10.100.42.7    root        web   0.0.0.0:8080->80/tcp
10.100.42.100  3999999999  -     -
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			if err := printStatus(&b, test.status); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, b.String()); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
		})
	}
}

var errNoRoom = errors.New("no room")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errNoRoom }

func TestPrintStatusToAFullDevice(t *testing.T) {
	for name, s := range map[string]*netplumb.Status{
		"without containers": {Warnings: []string{"x"}},
		"with containers":    {Exists: true, Leases: []netplumb.Lease{{Address: netip.MustParseAddr("10.100.42.7")}}},
	} {
		if err := printStatus(full{}, s); !errors.Is(err, errNoRoom) {
			t.Errorf("%s: got error %v, want %v", name, err, errNoRoom)
		}
	}
}
