package netplumb

import (
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/lease"
	"unc/internal/policy"
)

// reported is the report of a machine.
func reported(t *testing.T, c *conn, p *policy.Policy) *Status {
	t.Helper()
	var result Result
	err := raised(t, host(t), func() (err error) {
		result, err = report(c, p, Request{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return result.Status
}

func TestReportOfNothing(t *testing.T) {
	needIPv6(t)
	c := testNetns(t)
	want := &Status{
		Bridge: "unc0", Subnet: netip.MustParsePrefix("10.100.42.0/24"), Gateway: netip.MustParseAddr("10.100.42.1"),
		Subnet6: netip.MustParsePrefix("fd42:756e:6300:1::/64"), Gateway6: netip.MustParseAddr("fd42:756e:6300:1::1"),
		Warnings: []string{}, Leases: []Lease{},
	}
	got := reported(t, c, defaultPolicy())
	if diff := cmp.Diff(want, got, sameAddrs); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	const asJSON = `{"bridge":"unc0","exists":false,"subnet":"10.100.42.0/24","gateway":"10.100.42.1",` +
		`"subnet6":"fd42:756e:6300:1::/64","gateway6":"fd42:756e:6300:1::1","filter":false,"warnings":[],"leases":[]}`
	if diff := cmp.Diff(asJSON, string(text)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// The report has each container, port and owner, and nothing that is somebody
// else's or looks alike.
func TestReport(t *testing.T) {
	needForceForwarding(t)
	c := machine(t)
	netns := host(t)
	setUpByName(t, "lo")
	p := defaultPolicy()
	me := uint32(os.Getuid())
	w := wiring{policy: p, bridge: furnished(t, c, p), mtu: 1500}
	for _, container := range []struct {
		owner  uint32
		name   string
		addr   string
		number uint32
		ports  []string
	}{
		{me, "web", "10.100.42.200", 200, []string{"tcp * 8080 80", "udp 127.0.0.1 8080 81", "tcp ::1 9000 65535"}},
		{owner, "", "10.100.42.9", 9, nil},
		// These sockets are this test's user's, and not of who has the lease.
		{4000000000, "web", "10.100.42.77", 77, []string{"udp 192.0.2.2 5353 53", "tcp * 8081 80"}},
	} {
		w.owner = container.owner
		asked := mappings(t, container.ports...)
		if _, err := requested(t, c, w, Request{Name: container.name, Address: netip.MustParseAddr(container.addr), Publish: asked}); err != nil {
			t.Fatal(err)
		}
		sockets, err := published(t, netns, p, asked...)
		if err != nil {
			t.Fatal(err)
		}
		if err := markSockets(sockets, p, container.number); err != nil {
			t.Fatal(err)
		}
	}
	// What must not be listed: a port of the bridge that is none of unc's, a link of
	// that kind of name that is not on the bridge, sockets without a mark or with
	// another's, and one whose container has gone.
	master := netlink.LinkAttrs{Name: "tap7", MasterIndex: w.bridge}
	addLink(t, &netlink.Veth{LinkAttrs: master, PeerName: "tap7far"})
	addLink(t, &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: lease.Name(netip.MustParseAddr("10.100.42.11"))}})
	others, err := published(t, netns, p, mappings(t, "tcp 127.0.0.1 7001 80", "tcp 127.0.0.1 7002 80", "tcp 127.0.0.1 7003 80")...)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(others[1].FD, unix.SOL_SOCKET, unix.SO_MARK, 0x42); err != nil {
		t.Fatal(err)
	}
	if err := markSockets(others[2:], p, 33); err != nil {
		t.Fatal(err)
	}

	leased := func(addr, name string, owner uint32, ports ...Port) Lease {
		a := netip.MustParseAddr(addr)
		return Lease{Interface: lease.Name(a), Address: a, Address6: with6(a), Owner: owner, Name: name, Ports: ports}
	}
	port := func(protocol, host string, port uint16) Port {
		return Port{protocol, netip.MustParseAddrPort(host), port}
	}
	want := &Status{
		Bridge: "unc0", Exists: true, Subnet: p.Subnet, Gateway: p.Gateway(), Subnet6: p.Subnet6, Gateway6: p.Gateway6(),
		Filter: true, Warnings: []string{},
		Leases: []Lease{
			leased("10.100.42.9", "", owner),
			leased("10.100.42.77", "web", 4000000000),
			leased(
				"10.100.42.200", "web", me,
				port("tcp", "0.0.0.0:8080", 80), port("tcp", "[::]:8080", 80), port("tcp", "[::1]:9000", 65535), port("udp", "127.0.0.1:8080", 81),
			),
		},
	}
	sameAddrPorts := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
	if diff := cmp.Diff(want, reported(t, c, p), sameAddrs, sameAddrPorts); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}

	// A firewall that drops, and a filter that is missing.
	nft, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	drop := nftables.ChainPolicyDrop
	table := nft.AddTable(&nftables.Table{Name: "filter", Family: nftables.TableFamilyIPv4})
	nft.AddChain(&nftables.Chain{
		Name: "FORWARD", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: &drop,
	})
	if err := nft.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := filter.Remove(); err != nil {
		t.Fatal(err)
	}
	got := reported(t, c, p)
	if got.Filter || len(got.Warnings) != 1 || len(got.Leases) != 3 {
		t.Errorf("without a filter, and with a firewall that drops: got %+v", got)
	}
}

// The list of sockets is the kernel's choice: those with unc's marks that wait.
func TestListMarked(t *testing.T) {
	needIPv6(t)
	netns := loopbackOnly(t)
	p := defaultPolicy()
	sockets, err := published(t, netns, p, mappings(t, "tcp * 8080 80", "udp * 5353 53", "tcp 127.0.0.1 7001 80")...)
	if err != nil {
		t.Fatal(err)
	}
	if err := markSockets(sockets[:4], p, 1000); err != nil {
		t.Fatal(err)
	}
	// A connection that comes from such a socket is not one of them.
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(client)
	if err := unix.SetsockoptInt(client, unix.SOL_SOCKET, unix.SO_MARK, int(filter.Mark(1000, 80))); err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(client, &unix.SockaddrInet4{Port: 7001, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	got, err := listMarked()
	if err != nil {
		t.Fatal(err)
	}
	tcp, udp := filter.Mark(1000, 80), filter.Mark(1000, 53)
	want := []markedSocket{
		{"tcp", netip.MustParseAddrPort("0.0.0.0:8080"), tcp, uint32(os.Getuid())},
		{"tcp", netip.MustParseAddrPort("[::]:8080"), tcp, uint32(os.Getuid())},
		{"udp", netip.MustParseAddrPort("0.0.0.0:5353"), udp, uint32(os.Getuid())},
		{"udp", netip.MustParseAddrPort("[::]:5353"), udp, uint32(os.Getuid())},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	closeSockets(sockets)
	if got, err := listMarked(); len(got) != 0 || err != nil {
		t.Errorf("after they were closed: got %v, %v, want none", got, err)
	}
}

// Marks are shown to who has the capability. Without it, there is an error and not
// an empty list.
func TestListMarkedNeedsTheCapability(t *testing.T) {
	netns := loopbackOnly(t)
	var err error
	powerless(t, netns, func() { _, err = listMarked() })
	if err == nil {
		t.Error("got no error, want one")
	}
}

func TestParseSocket(t *testing.T) {
	message := func(family byte, port uint16, addr netip.Addr, attrs ...byte) []byte {
		b := make([]byte, diagMessageSize)
		b[0] = family
		binary.BigEndian.PutUint16(b[diagSourcePort:], port)
		copy(b[diagSource:], addr.AsSlice())
		return append(b, attrs...)
	}
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	mark := append(binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, 8), diagMark), 1, 2, 3, 4)
	for _, test := range []struct {
		name    string
		payload []byte
		want    netip.AddrPort // the zero one: refused
	}{
		{"IPv4", message(unix.AF_INET, 80, v4, mark...), netip.AddrPortFrom(v4, 80)},
		{"IPv6", message(unix.AF_INET6, 65535, v6, mark...), netip.AddrPortFrom(v6, 65535)},
		{"nothing", nil, netip.AddrPort{}},
		{"too short", message(unix.AF_INET, 80, v4)[:diagMessageSize-1], netip.AddrPort{}},
		{"no mark", message(unix.AF_INET, 80, v4), netip.AddrPort{}},
		{"a mark beyond the end", message(unix.AF_INET, 80, v4, mark[:6]...), netip.AddrPort{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := parseSocket(test.payload)
			if ok != test.want.IsValid() || ok && (got.local != test.want || got.mark != binary.NativeEndian.Uint32([]byte{1, 2, 3, 4})) {
				t.Errorf("got %+v, %v, want %v", got, ok, test.want)
			}
		})
	}
}
