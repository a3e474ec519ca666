package netplumb

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/hint"
	"unc/internal/policy"
	"unc/internal/ports"
)

// published opens sockets as net-setup does, without any capability.
func published(t *testing.T, netns int, p *policy.Policy, asked ...ports.Mapping) (sockets []Socket, err error) {
	t.Helper()
	powerless(t, netns, func() { sockets, err = openSockets(p, asked) })
	t.Cleanup(func() { closeSockets(sockets) })
	return sockets, err
}

// loopbackOnly is a host that has nothing but loopback.
func loopbackOnly(t *testing.T) (netns int) {
	t.Helper()
	testNetns(t)
	setUpByName(t, "lo")
	return host(t)
}

func mapping(t *testing.T, text string) ports.Mapping {
	t.Helper()
	m, err := ports.ParseMapping(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mappings(t *testing.T, texts ...string) (list []ports.Mapping) {
	t.Helper()
	for _, text := range texts {
		list = append(list, mapping(t, text))
	}
	return list
}

// described says what the kernel knows of a socket.
func described(t *testing.T, s Socket) string {
	t.Helper()
	option := func(level, name int) int {
		n, err := unix.GetsockoptInt(s.FD, level, name)
		if err != nil {
			t.Errorf("%v: option %d: %v", s.Mapping, name, err)
		}
		return n
	}
	name, err := unix.Getsockname(s.FD)
	if err != nil {
		t.Fatal(err)
	}
	var local netip.AddrPort
	only6 := ""
	switch at := name.(type) {
	case *unix.SockaddrInet4:
		local = netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port))
	case *unix.SockaddrInet6:
		local = netip.AddrPortFrom(netip.AddrFrom16(at.Addr), uint16(at.Port))
		if option(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY) == 1 {
			only6 = " only"
		}
	}
	kind := map[[2]int]string{{unix.SOCK_STREAM, 1}: "tcp listens", {unix.SOCK_DGRAM, 0}: "udp"}[[2]int{
		option(unix.SOL_SOCKET, unix.SO_TYPE), option(unix.SOL_SOCKET, unix.SO_ACCEPTCONN),
	}]
	return fmt.Sprintf("%s at %v%s", kind, local, only6)
}

func TestPublish(t *testing.T) {
	needIPv6(t)
	for _, test := range []struct {
		name, asked string
		want        []string // what sockets there are
	}{
		{"TCP at all addresses", "tcp * 8080 80", []string{"tcp listens at 0.0.0.0:8080", "tcp listens at [::]:8080 only"}},
		{"UDP at all addresses", "udp * 5353 53", []string{"udp at 0.0.0.0:5353", "udp at [::]:5353 only"}},
		{"all of IPv4", "tcp 0.0.0.0 8080 80", []string{"tcp listens at 0.0.0.0:8080"}},
		{"all of IPv6", "tcp :: 8080 80", []string{"tcp listens at [::]:8080 only"}},
		{"one address", "udp 127.0.0.1 5353 53", []string{"udp at 127.0.0.1:5353"}},
		{"one of IPv6", "tcp ::1 8080 80", []string{"tcp listens at [::1]:8080 only"}},
		{"the lowest", "tcp 127.0.0.1 1024 1", []string{"tcp listens at 127.0.0.1:1024"}},
		{"the highest", "tcp 127.0.0.1 65535 65535", []string{"tcp listens at 127.0.0.1:65535"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			netns := loopbackOnly(t)
			asked := mapping(t, test.asked)
			sockets, err := published(t, netns, defaultPolicy(), asked)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range sockets {
				got = append(got, described(t, s))
				if s.Mapping.UDP != asked.UDP || s.Mapping.HostPort != asked.HostPort || s.Mapping.Port != asked.Port || !s.Mapping.Host.IsValid() {
					t.Errorf("got mapping %v for %v", s.Mapping, asked)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("sockets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPublishRefuses(t *testing.T) {
	only := func(spans ...policy.Span) func(*policy.Policy) {
		return func(p *policy.Policy) { p.Publish = spans }
	}
	for _, test := range []struct {
		name   string
		change func(*policy.Policy)
		asked  []string
		want   string
		is     error // what the caller can tell it by
		hint   string
	}{
		{
			"in use", nil,
			[]string{"tcp * 9000 80"},
			"publishing tcp port 9000: it is in use: address already in use", unix.EADDRINUSE, "unc net",
		},
		{
			"in use at one address", nil,
			[]string{"tcp 127.0.0.1 9000 80"},
			"publishing tcp port 9000: it is in use: address already in use", unix.EADDRINUSE, "unc net",
		},
		{
			"UDP in use", nil,
			[]string{"udp 127.0.0.1 9000 80"},
			"publishing udp port 9000: it is in use: address already in use", unix.EADDRINUSE, "unc net",
		},
		{
			"an address of nobody's", nil,
			[]string{"tcp 192.0.2.77 8080 80"},
			"publishing tcp port 8080: 192.0.2.77 is not an address of this host", nil, "ip address show",
		},
		{
			"root's", only(policy.Span{First: 1, Last: 65535}),
			[]string{"tcp * 80 80"},
			"publishing tcp port 80: this host lets only root use ports below 1024", nil, "ip_unprivileged_port_start=80",
		},
		{
			"below the policy's", nil,
			[]string{"tcp * 1023 80"},
			"publishing tcp port 1023: this machine's policy is PUBLISH=1024-65535", nil, "change PUBLISH",
		},
		{
			"between the policy's", only(policy.Span{First: 80, Last: 80}, policy.Span{First: 8000, Last: 8080}),
			[]string{"udp * 7999 80"},
			"publishing udp port 7999: this machine's policy is PUBLISH=80,8000-8080", nil, "change PUBLISH",
		},
		{
			"nothing may be", only(),
			[]string{"udp * 8080 80"},
			"publishing udp port 8080: this machine's policy is PUBLISH=none", nil, "change PUBLISH",
		},
		{
			"any, where nothing may be", only(),
			[]string{"udp * 0 80"},
			"publishing port 80 of the container: found no free port of the host among none", nil, "",
		},
		{
			"any, where all are taken", only(policy.Span{First: 9000, Last: 9000}),
			[]string{"tcp * 0 80"},
			"publishing port 80 of the container: found no free port of the host among 9000", nil, "",
		},
		{
			"no way to the outside", func(p *policy.Policy) { p.NAT = false },
			[]string{"tcp * 8080 80"},
			"no port can be published here: NAT=no in /etc/unc/network.conf keeps containers from the outside", nil, "",
		},
		{
			"too many", func(p *policy.Policy) { p.MaxPorts = 1 },
			[]string{"tcp * 8080 80", "tcp * 8081 81"},
			"the quota is used up: one user may publish 1 ports on this machine", errQuota, "MAX_PORTS_PER_USER",
		},
		{
			"none allowed", func(p *policy.Policy) { p.MaxPorts = 0 },
			[]string{"tcp * 0 80"},
			"the quota is used up: one user may publish 0 ports on this machine", errQuota, "MAX_PORTS_PER_USER",
		},
		{
			"one twice", nil,
			[]string{"tcp * 8080 80", "tcp 127.0.0.1 8080 81"},
			`publishing "127.0.0.1:8080:81/tcp": "8080:80/tcp" has the same host port at the same address`, nil, "",
		},
		{
			"the second of two", nil,
			[]string{"tcp * 8080 80", "tcp * 9000 81"},
			"publishing tcp port 9000: it is in use: address already in use", unix.EADDRINUSE, "unc net",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			netns := loopbackOnly(t)
			// Somebody has these, at one address each.
			for _, text := range []string{"tcp 127.0.0.1 9000 1", "udp 127.0.0.1 9000 1"} {
				if _, err := published(t, netns, defaultPolicy(), mapping(t, text)); err != nil {
					t.Fatal(err)
				}
			}
			p := defaultPolicy()
			if test.change != nil {
				test.change(p)
			}
			before := openFiles(t)
			got, err := published(t, netns, p, mappings(t, test.asked...)...)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, error %v, want %q", got, err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("got error %v, want one that is %v", err, test.is)
			}
			if hints := strings.Join(hint.Of(err), "\n"); !strings.Contains(hints, test.hint) || (test.hint == "") != (hints == "") {
				t.Errorf("got hints %q, want %q in them", hints, test.hint)
			}
			if diff := cmp.Diff(before, openFiles(t), sameFiles); diff != "" {
				t.Errorf("open files (-want +got):\n%s", diff)
			}
		})
	}
}

// A port that is picked is one of the policy's, and for both families the same.
func TestPublishPicks(t *testing.T) {
	needIPv6(t)
	netns := loopbackOnly(t)
	p := defaultPolicy()
	p.Publish = []policy.Span{{First: 2000, Last: 2000}, {First: 3000, Last: 3002}}
	asked := mappings(t, "tcp * 0 80", "tcp * 0 80", "tcp 127.0.0.1 0 81", "tcp * 0 82", "udp * 0 53")
	sockets, err := published(t, netns, p, asked...)
	if err != nil {
		t.Fatal(err)
	}
	if len(sockets) != 9 {
		t.Fatalf("got %d sockets, want 9", len(sockets))
	}
	var tcp []uint16
	for i, s := range sockets {
		if !p.MayPublish(s.Mapping.HostPort) {
			t.Errorf("got %v, want a port that may be published", s.Mapping)
		}
		if local := described(t, s); !strings.Contains(local, fmt.Sprintf(":%d", s.Mapping.HostPort)) {
			t.Errorf("got %v, which is %s", s.Mapping, local)
		}
		if s.Mapping.Host.Is4() && !s.Mapping.UDP {
			tcp = append(tcp, s.Mapping.HostPort)
		}
		if s.Mapping.Host.Is6() && sockets[i-1].Mapping.HostPort != s.Mapping.HostPort {
			t.Errorf("got %v beside %v, want one port", s.Mapping, sockets[i-1].Mapping)
		}
	}
	slices.Sort(tcp)
	if diff := cmp.Diff([]uint16{2000, 3000, 3001, 3002}, tcp); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	if _, err := published(t, netns, p, mapping(t, "tcp * 0 80")); err == nil {
		t.Error("got one more port, want none: all are taken")
	}
}

// A port that the policy allows and the kernel does not is passed over.
func TestPublishPicksNoPortOfRoot(t *testing.T) {
	netns := loopbackOnly(t)
	p := defaultPolicy()
	p.Publish = []policy.Span{{First: 80, Last: 99}, {First: 2000, Last: 2000}}
	for i := range 20 {
		sockets, err := published(t, netns, p, mapping(t, "tcp 127.0.0.1 0 80"))
		if err != nil {
			t.Fatalf("pick %d: %v", i, err)
		}
		if got := sockets[0].Mapping.HostPort; got != 2000 {
			t.Errorf("pick %d: got port %d, want 2000", i, got)
		}
		closeSockets(sockets)
	}
}

// What is picked is never what another mapping asks for by number.
func TestPublishPicksWhatIsLeft(t *testing.T) {
	netns := loopbackOnly(t)
	p := defaultPolicy()
	p.Publish = []policy.Span{{First: 2000, Last: 2001}}
	for i := range 20 {
		sockets, err := published(t, netns, p, mappings(t, "tcp 127.0.0.1 0 80", "tcp 127.0.0.1 2000 81")...)
		if err != nil {
			t.Fatalf("pick %d: %v", i, err)
		}
		if len(sockets) != 2 || sockets[0].Mapping.HostPort != 2001 && sockets[1].Mapping.HostPort != 2001 {
			t.Errorf("pick %d: got %v, want ports 2000 and 2001", i, sockets)
		}
		closeSockets(sockets)
	}
}

func TestAnyPort(t *testing.T) {
	for _, test := range []struct {
		name  string
		spans []policy.Span
	}{
		{"one", []policy.Span{{First: 80, Last: 80}}},
		{"the first and the last", []policy.Span{{First: 1, Last: 1}, {First: 65535, Last: 65535}}},
		{"some", []policy.Span{{First: 80, Last: 81}, {First: 443, Last: 443}, {First: 8000, Last: 8002}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := map[uint16]bool{}
			for _, s := range test.spans {
				for port := int(s.First); port <= int(s.Last); port++ {
					want[uint16(port)] = true
				}
			}
			got := map[uint16]bool{}
			for range 1000 { // the chance to miss one of six is 6 * (5/6)^1000
				got[anyPort(test.spans)] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ports (-want +got):\n%s", diff)
			}
		})
	}
	if got := anyPort(nil); got != 0 {
		t.Errorf("of none: got %d, want 0", got)
	}
}

// Where the administrator lets users have lower ports, the kernel says so.
func TestPublishBelow1024(t *testing.T) {
	netns := loopbackOnly(t)
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("80"), 0); err != nil {
		t.Fatal(err)
	}
	p := defaultPolicy()
	p.Publish = []policy.Span{{First: 1, Last: 65535}}
	if _, err := published(t, netns, p, mapping(t, "tcp 127.0.0.1 80 80")); err != nil {
		t.Errorf("port 80: %v", err)
	}
	_, err := published(t, netns, p, mapping(t, "tcp 127.0.0.1 79 80"))
	const want = "publishing tcp port 79: this host lets only root use ports below 80"
	if err == nil || err.Error() != want {
		t.Errorf("port 79: got error %v, want %q", err, want)
	}
}

func TestMarkSockets(t *testing.T) {
	needIPv6(t)
	for _, test := range []struct {
		name   string
		change func(*policy.Policy)
		want   [2]uint32
	}{
		{"both families", func(*policy.Policy) {}, [2]uint32{filter.Mark(77, 80), filter.Mark(77, 80)}},
		{"containers without IPv6", func(p *policy.Policy) { p.Subnet6 = netip.Prefix{} }, [2]uint32{filter.Mark(77, 80), 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			netns := loopbackOnly(t)
			p := defaultPolicy()
			test.change(p)
			sockets, err := published(t, netns, p, mapping(t, "tcp * 8080 80"))
			if err != nil {
				t.Fatal(err)
			}
			if err := markSockets(sockets, p, 77); err != nil {
				t.Fatal(err)
			}
			for i, want := range test.want {
				got, err := unix.GetsockoptInt(sockets[i].FD, unix.SOL_SOCKET, unix.SO_MARK)
				if uint32(got) != want || err != nil {
					t.Errorf("socket %v: got mark %#x, %v, want %#x", sockets[i].Mapping, got, err, want)
				}
			}
		})
	}
}

// Nobody marks a socket without the capability.
func TestMarkSocketsNeedsTheCapability(t *testing.T) {
	netns := loopbackOnly(t)
	sockets, err := published(t, netns, defaultPolicy(), mapping(t, "tcp 127.0.0.1 8080 80"))
	if err != nil {
		t.Fatal(err)
	}
	powerless(t, netns, func() { err = markSockets(sockets, defaultPolicy(), 77) })
	if !errors.Is(err, unix.EPERM) {
		t.Errorf("got error %v, want %v", err, unix.EPERM)
	}
}
