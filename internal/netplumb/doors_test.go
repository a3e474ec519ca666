package netplumb

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"unc/internal/filter"
)

// A user keeps the sockets of a container that has ended, and its address becomes
// another user's. Nothing that comes for those sockets reaches him, whatever doors he
// has himself, nor what is a part of an earlier connection.
func TestSocketsOfWhoHasGone(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		me := uint32(os.Getuid())
		callers, w := s.callers(t), s.witness(t)
		first := s.start(t, me, 77, "tcp * 8080 80", "udp * 5353 53")
		before := serve(t, first, 80, 53)
		tracked := map[caller]int{}
		for _, from := range callers {
			before.wantTCP(t, from, 8080)
			tracked[from] = before.wantUDP(t, from, 5353, "hello")
		}
		endLease(t, s.c, s.p.Addr(77))

		for _, publish := range [][]string{nil, {"tcp * 8081 81"}} {
			second := s.start(t, owner, 77, publish...)
			after, own := serve(t, second, 80, 53), serve(t, second, 81, 54)
			s.reachable(t, second, after, 53)
			for _, from := range callers {
				after.wantNoTCP(t, from, 8080, w)
				after.wantNoUDP(t, from, toUDP(t, from.netns, from.to(5353)), "a new one", w)
				after.wantNoUDP(t, from, toUDP(t, from.netns, from.to(5353)), strings.Repeat("large ", 900), w)
				after.wantNoUDP(t, from, tracked[from], "one more", w)
				if publish != nil {
					own.wantTCP(t, from, 8081)
				}
			}
			endLease(t, s.c, s.p.Addr(77))
		}
	})
}

// One who publishes other ports next time, with a link of the same number, has those
// doors and none of the earlier ones; one who publishes none has none.
func TestDoorsAreReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		callers, w := s.callers(t), s.witness(t)
		s.p.MaxPerUser = 1
		first := s.start(t, owner, 77, "tcp * 8080 80", "udp * 5353 53")
		at := serve(t, first, 80, 53)
		for _, from := range callers {
			at.wantTCP(t, from, 8080)
			at.wantUDP(t, from, 5353, "hello")
		}
		endLease(t, s.c, s.p.Addr(77))

		second := s.start(t, owner, 77, "tcp * 9090 80", "udp * 9090 54")
		at = serve(t, second, 80, 53)
		s.reachable(t, second, at, 53)
		for _, from := range callers {
			at.wantTCP(t, from, 9090)
			at.wantNoUDP(t, from, toUDP(t, from.netns, from.to(5353)), "hello", w)
		}
		endLease(t, s.c, s.p.Addr(77))

		third := s.start(t, owner, 77)
		at = serve(t, third, 80, 54)
		s.reachable(t, third, at, 54)
		for _, from := range callers {
			at.wantNoTCP(t, from, 8080, w)
			at.wantNoTCP(t, from, 9090, w)
			at.wantNoUDP(t, from, toUDP(t, from.netns, from.to(9090)), "hello", w)
		}
		if first.link != second.link || first.link != third.link {
			t.Errorf("got links %d, %d and %d, want one number", first.link, second.link, third.link)
		}
	})
}

// A datagram that takes several packets gets through a door with all of them.
func TestFragmentsPassDoors(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		callers := s.callers(t)
		at := serve(t, s.start(t, owner, 77, "udp * 5353 53"), 80, 53)
		for _, from := range callers {
			for _, size := range []int{1, 1473, 5000, 60000} {
				at.wantUDP(t, from, 5353, strings.Repeat("x", size))
			}
		}
	})
}

// A report that an answer could not be delivered gets through to who has sent it.
func TestErrorsPassDoors(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		b := s.start(t, owner, 77, "udp * 5353 53")
		for _, from := range s.callers(t) {
			fd := bound(t, b.netns, unix.SOCK_DGRAM, from.is6, 53)
			client := socket(t, from.netns, unix.SOCK_DGRAM, from.is6)
			if err := unix.Sendto(client, []byte("hello"), 0, sockaddr(from.to(5353))); err != nil {
				t.Fatal(err)
			}
			_, peer, err := heard(fd)
			if err != nil {
				t.Errorf("%v: %v", from, err)
				continue
			}
			hangUp(t, client)
			if err := unix.Connect(fd, sockaddr(peer)); err != nil {
				t.Fatal(err)
			}
			sent(t, fd, "an answer to nobody")
			if got, _, err := heard(fd); !errors.Is(err, unix.ECONNREFUSED) {
				t.Errorf("%v: got %q, %v, want %v", from, got, err, unix.ECONNREFUSED)
			}
			hangUp(t, fd)
		}
	})
}

// Whoever writes the rules anew opens the doors of those who publish, and not those of
// sockets that are not of who has the address.
func TestRebuildReopensDoors(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		me := uint32(os.Getuid())
		callers, w := s.callers(t), s.witness(t)
		mine := s.start(t, me, 77, "tcp * 8080 80", "udp * 5353 53")
		his := s.start(t, owner, 78, "tcp * 8081 80", "udp * 5354 53")
		at, there := serve(t, mine, 80, 53), serve(t, his, 80, 53)
		for _, from := range callers {
			at.wantTCP(t, from, 8080)
			there.wantTCP(t, from, 8081)
		}
		nft, err := nftables.New()
		if err != nil {
			t.Fatal(err)
		}
		nft.FlushRuleset()
		if err := nft.Flush(); err != nil {
			t.Fatal(err)
		}
		furnished(t, s.c, s.p)
		s.reachable(t, his, there, 53)
		for _, from := range callers {
			at.wantTCP(t, from, 8080)
			at.wantUDP(t, from, 5353, "hello")
			there.wantNoTCP(t, from, 8081, w)
			there.wantNoUDP(t, from, toUDP(t, from.netns, from.to(5354)), "hello", w)
		}
		// One that has no link is nobody's.
		endLease(t, s.c, s.p.Addr(78))
		if err := filter.Remove(); err != nil {
			t.Fatal(err)
		}
		furnished(t, s.c, s.p)
		for _, from := range callers {
			at.wantTCP(t, from, 8080)
		}
	})
}

// Doors are made after the filter, in it.
func TestLeaseWithoutAFilter(t *testing.T) {
	c, w := bridged(t, nil)
	if err := filter.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := requested(t, c, w, asks("web", 1)); !errors.Is(err, unix.ENOENT) {
		t.Errorf("with a published port: got %v, want %v", err, unix.ENOENT)
	}
	if got := hostEnds(t, c, w); got != 0 {
		t.Errorf("got %d links, want none", got)
	}
}
