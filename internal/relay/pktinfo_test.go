package relay

import (
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// interface number 7
var (
	ipv4      = unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: 7, Spec_dst: [4]byte{192, 0, 2, 1}, Addr: [4]byte{192, 0, 2, 255}})
	unsaved   = unix.PktInfo4(&unix.Inet4Pktinfo{Addr: [4]byte{192, 0, 2, 1}})
	ipv6      = unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: 7, Addr: netip.MustParseAddr("2001:db8::1").As16()})
	linkLocal = unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: 7, Addr: netip.MustParseAddr("fe80::1").As16()})
	multicast = unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: 7, Addr: netip.MustParseAddr("ff02::1").As16()})
	other     = unix.UnixRights(3)
)

func TestLocalAddr(t *testing.T) {
	for _, test := range []struct {
		name    string
		control []byte
		want    netip.Addr
	}{
		{"none", nil, netip.Addr{}},
		{"IPv4, to all hosts of a network", ipv4, netip.MustParseAddr("192.0.2.1")},
		{"IPv4, arrived before it was asked for", unsaved, netip.Addr{}},
		{"IPv6", ipv6, netip.MustParseAddr("2001:db8::1")},
		{"link-local", linkLocal, netip.MustParseAddr("fe80::1%7")},
		{"multicast", multicast, netip.Addr{}},
		{"another message", other, netip.Addr{}},
		{"after another message", slices.Concat(other, ipv6), netip.MustParseAddr("2001:db8::1")},
		{"cut off", ipv6[:len(ipv6)-8], netip.Addr{}},
		{"a header", ipv4[:unix.SizeofCmsghdr], netip.Addr{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := localAddr(test.control); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestFromAddr(t *testing.T) {
	for _, test := range []struct {
		name string
		addr netip.Addr
		want []byte
	}{
		{"none", netip.Addr{}, nil},
		{"IPv4", netip.MustParseAddr("192.0.2.1"), unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: [4]byte{192, 0, 2, 1}})},
		{"IPv6", netip.MustParseAddr("2001:db8::1"), unix.PktInfo6(&unix.Inet6Pktinfo{Addr: netip.MustParseAddr("2001:db8::1").As16()})},
		{"link-local", netip.MustParseAddr("fe80::1%7"), linkLocal},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := fromAddr(test.addr); !slices.Equal(got, test.want) {
				t.Errorf("got % x, want % x", got, test.want)
			}
		})
	}
}

func FuzzLocalAddr(f *testing.F) {
	for _, seed := range [][]byte{nil, ipv4, unsaved, ipv6, linkLocal, multicast, other} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, control []byte) {
		addr := localAddr(control)
		if !addr.IsValid() {
			return
		}
		if addr.IsUnspecified() || addr.IsMulticast() {
			t.Errorf("got %v, which no datagram comes from", addr)
		}
		if got := localAddr(fromAddr(addr)); got != addr {
			t.Errorf("got %v, want %v", got, addr)
		}
	})
}
