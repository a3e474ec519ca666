package netplumb

import (
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Who has a port below 1024 has been root, many believe. A container's program may
// have one inside, and seems to have another outside.
func TestLowSourcePortsStayInside(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		b := s.start(t, owner, 77)
		const low, high = 700, 40000
		for _, is6 := range []bool{false, true} {
			to := netip.AddrPortFrom(neighbourAt[is6], 9000)
			tcp, udp := listening(t, s.lan, is6, 9000), bound(t, s.lan, unix.SOCK_DGRAM, is6, 9000)
			for _, port := range []uint16{1, low, 1023, 1024, high, 65535} {
				client := bound(t, b.netns, unix.SOCK_DGRAM, is6, port)
				if err := unix.Connect(client, sockaddr(to)); err != nil {
					t.Fatal(err)
				}
				sent(t, client, "hello")
				_, from, err := heard(udp)
				if err != nil || from.Addr() != hostAt[is6] || from.Port() < 1024 {
					t.Errorf("UDP from port %d: got %v, %v, want it from %v and a port from 1024 on", port, from, err, hostAt[is6])
				}
				// The way back is that of the port inside.
				if err := unix.Sendto(udp, []byte("answer"), 0, sockaddr(from)); err != nil {
					t.Fatal(err)
				}
				if got, _, err := heard(client); got != "answer" || err != nil {
					t.Errorf("UDP to port %d: got %q, %v", port, got, err)
				}

				client = bound(t, b.netns, unix.SOCK_STREAM, is6, port)
				if err := unix.SetNonblock(client, true); err != nil {
					t.Fatal(err)
				}
				_ = unix.Connect(client, sockaddr(to)) // answered says what came of it
				if err := answered(t, client); err != nil {
					t.Errorf("TCP from port %d: %v", port, err)
					continue
				}
				fd, peer, err := unix.Accept4(tcp, unix.SOCK_CLOEXEC)
				if err != nil {
					t.Fatal(err)
				}
				unix.Close(fd)
				if from := addrPort(peer); from.Addr() != hostAt[is6] || from.Port() < 1024 {
					t.Errorf("TCP from port %d: got %v, want it from %v and a port from 1024 on", port, from, hostAt[is6])
				}
			}
		}
	})
}

// trackedBetween counts what the host's table of connections has from one address to
// another.
func trackedBetween(t *testing.T, from, to netip.Addr) (n int) {
	t.Helper()
	family := netlink.InetFamily(unix.AF_INET)
	if from.Is6() {
		family = unix.AF_INET6
	}
	flows, err := netlink.ConntrackTableList(netlink.ConntrackTable, family)
	if err != nil {
		t.Fatalf("listing tracked connections: %v", err)
	}
	for _, f := range flows {
		src, _ := netip.AddrFromSlice(f.Forward.SrcIP)
		dst, _ := netip.AddrFromSlice(f.Forward.DstIP)
		if src.Unmap() == from && dst.Unmap() == to {
			n++
		}
	}
	return n
}

// What one container sends another is none of the host's business, with br_netfilter
// too. What the host routes is tracked, of containers and of connections that are
// redirected.
func TestBridgedIsNotTracked(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		from, to := s.start(t, owner, 77), s.start(t, owner, 78)
		at := serve(t, to, 80, 53)
		for _, is6 := range []bool{false, true} {
			here, there := s.addr(from, is6), s.addr(to, is6)
			sent(t, toUDP(t, from.netns, netip.AddrPortFrom(there, 53)), "hello")
			if got, _, err := heard(at.udp[is6]); got != "hello" || err != nil {
				t.Errorf("from %v to %v: got %q, %v", here, there, got, err)
			}
			if err := answered(t, begun(t, from.netns, netip.AddrPortFrom(there, 80))); err != nil {
				t.Errorf("from %v to %v: %v", here, there, err)
			}
			if n := trackedBetween(t, here, there); n != 0 {
				t.Errorf("from %v to %v: got %d tracked connections, want none", here, there, n)
			}

			outside := bound(t, s.lan, unix.SOCK_DGRAM, is6, 9000)
			sent(t, toUDP(t, from.netns, netip.AddrPortFrom(neighbourAt[is6], 9000)), "hello")
			if got, _, err := heard(outside); got != "hello" || err != nil {
				t.Errorf("from %v to the neighbour: got %q, %v", here, got, err)
			}
			if n := trackedBetween(t, here, neighbourAt[is6]); n != 1 {
				t.Errorf("from %v to the neighbour: got %d tracked connections, want 1", here, n)
			}
		}
	})
}

// With br_netfilter as without it, a container that publishes a port is asked there
// by itself, and by others that are on the bridge with it.
func TestPublishedOnTheBridge(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		b, of := s.start(t, owner, 77, "tcp * 8080 80", "udp * 5353 53"), s.start(t, owner, 78)
		at := serve(t, b, 80, 53)
		for _, is6 := range []bool{false, true} {
			for _, from := range []caller{{"itself", b.netns, is6}, {"another of the owner's", of.netns, is6}} {
				at.wantTCP(t, from, 8080)
				at.wantUDP(t, from, 5353, "hello")
			}
		}
	})
}
