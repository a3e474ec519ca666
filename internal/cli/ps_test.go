package cli

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"unc/internal/record"
)

// entries are one that runs, one that is about to, and one that has failed; the first would
// like to write on the terminal of whoever lists it.
func entries() []*record.Entry {
	now := time.Now()
	any4, any6, local := netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.MustParseAddr("127.0.0.1")
	return []*record.Entry{
		{Alive: true, Info: &record.Info{
			Name: "web", Supervisor: 10, PID: 11, Started: now.Add(-time.Hour), Command: []string{"sh", "-c", "\x1b[2J" + strings.Repeat("é", 40)},
			Network: record.Network{Kind: "bridge", Address: netip.MustParseAddr("10.100.42.7"), Ports: []record.Port{
				{Host: any4, HostPort: 8080, Port: 80, Protocol: "tcp"},
				{Host: any6, HostPort: 8080, Port: 80, Protocol: "tcp"},
				{Host: local, HostPort: 53, Port: 53, Protocol: "udp"},
			}},
		}},
		{Alive: true, Info: &record.Info{Name: "young"}},
		{Info: &record.Info{Name: "bad", Supervisor: 12, Command: []string{"false"}, Ended: &record.Ended{Code: 3, Time: now.Add(-26 * time.Hour)}}},
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	if err := printTable(&b, entries()); err != nil {
		t.Fatal(err)
	}
	want := `NAME COMMAND STATUS ADDRESS PORTS
web sh -c ?[2J` + strings.Repeat("é", maxCommand-11) + `… up 1 hour 10.100.42.7 8080->80/tcp, 127.0.0.1:53->53/udp
young starting - -
bad false exited (3) 1 day ago - -
`
	if squeezed(b.String()) != squeezed(want) {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestPublishedPorts(t *testing.T) {
	port := func(host string, hostPort uint16, protocol string) record.Port {
		return record.Port{Host: netip.MustParseAddr(host), HostPort: hostPort, Port: 80, Protocol: protocol}
	}
	for _, test := range []struct {
		name string
		list []record.Port
		want string
	}{
		{"none", nil, ""},
		{"every address of both families", []record.Port{port("0.0.0.0", 8080, "tcp"), port("::", 8080, "tcp")}, "8080->80/tcp"},
		{"every IPv4 address", []record.Port{port("0.0.0.0", 8080, "tcp")}, "8080->80/tcp"},
		{"every IPv6 address", []record.Port{port("::", 8080, "tcp")}, "[::]:8080->80/tcp"},
		{"another port of the host", []record.Port{port("0.0.0.0", 8080, "tcp"), port("::", 8081, "tcp")}, "8080->80/tcp, [::]:8081->80/tcp"},
		{"another protocol", []record.Port{port("0.0.0.0", 8080, "tcp"), port("::", 8080, "udp")}, "8080->80/tcp, [::]:8080->80/udp"},
		{"one address of each", []record.Port{port("127.0.0.1", 8080, "tcp"), port("::1", 8080, "tcp")}, "127.0.0.1:8080->80/tcp, [::1]:8080->80/tcp"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := publishedPorts(test.list); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRoughly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 seconds", 0: "0 seconds", time.Second: "1 second", 90 * time.Second: "1 minute",
		2*time.Hour + time.Minute: "2 hours", 24 * time.Hour: "1 day",
	} {
		if got := roughly(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
