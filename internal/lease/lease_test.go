package lease

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
)

func TestName(t *testing.T) {
	for _, test := range []struct{ addr, want string }{
		{"10.100.42.7", "uv0a642a07"},
		{"0.0.0.0", "uv00000000"},
		{"255.255.255.255", "uvffffffff"},
	} {
		t.Run(test.addr, func(t *testing.T) {
			addr := netip.MustParseAddr(test.addr)
			if got := Name(addr); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got, ok := Addr(test.want); got != addr || !ok {
				t.Errorf("and back: got %v, %v, want %v", got, ok, addr)
			}
		})
	}
}

func TestLeaseAddrRefuses(t *testing.T) {
	for _, name := range []string{
		"", "uv", "uv0a642a0", "uv0a642a077", "uv0a642a0700", "uv0A642A07", "uv0a642a0g", "UV0a642a07",
		"vu0a642a07", " uv0a642a07", "uv0a642a07\n", "uv+a642a07", "eth0",
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := Addr(name); ok {
				t.Errorf("got %v, want nothing: no lease is called so", got)
			}
		})
	}
}

func FuzzLeaseAddr(f *testing.F) {
	for _, name := range []string{"uv0a642a07", "uv0A642A07", "uv", "eth0", "uvzzzzzzzz"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		addr, ok := Addr(name)
		if !ok {
			return
		}
		if got := Name(addr); got != name {
			t.Errorf("%q is read as %v, which is called %q", name, addr, got)
		}
	})
}

func TestMAC(t *testing.T) {
	addr := netip.MustParseAddr("10.100.42.7")
	for _, test := range []struct {
		name string
		mac  func(netip.Addr) net.HardwareAddr
		want string
	}{
		{"inside", InsideMAC, "02:75:0a:64:2a:07"},
		{"host", HostMAC, "06:75:0a:64:2a:07"},
	} {
		t.Run(test.name, func(t *testing.T) {
			mac := test.mac(addr)
			if got := mac.String(); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			// Locally administered, and not a group's: the two low bits of the first byte.
			if got, want := mac[0]&3, byte(2); got != want {
				t.Errorf("got address bits %02b, want %02b", got, want)
			}
		})
	}
}

func TestShuffled(t *testing.T) {
	for _, n := range append([]uint32{0, 1, 2, 3, 4, 5, 6, 30, 128, 210, 253, 256, 1000, 65533}, upTo(64)...) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			seen := slices.Sorted(Shuffled(n))
			if want := upTo(n); !slices.Equal(seen, want) {
				t.Errorf("got %v, want each number from 0 to %d once", seen, int(n)-1)
			}
		})
	}
}

// A loop that breaks off must not be called on (the iter package's contract).
func TestShuffledStops(t *testing.T) {
	count := 0
	for range Shuffled(100) {
		if count++; count == 3 {
			break
		}
	}
	if count != 3 {
		t.Errorf("got %d numbers, want 3", count)
	}
}

// Two callers at the same taken number must part there: with one order for
// all, a hundred callers would try each number a hundred times.
func TestShuffledParts(t *testing.T) {
	const n = 253
	next := map[uint32]bool{}
	for range 2000 {
		previous := -1
		for at := range Shuffled(n) {
			if previous == 7 {
				next[at] = true
				break
			}
			previous = int(at)
		}
	}
	// 2,000 draws of 252 strides miss hardly any; half of them is beyond chance.
	if len(next) < 126 {
		t.Errorf("got %d numbers that follow number 7, want most of 252", len(next))
	}
}

func upTo(n uint32) []uint32 {
	list := []uint32{}
	for i := range n {
		list = append(list, i)
	}
	return list
}

func TestGCD(t *testing.T) {
	for _, test := range []struct{ a, b, want uint32 }{
		{1, 1, 1}, {12, 18, 6}, {18, 12, 6}, {7, 253, 1}, {5, 0, 5}, {1 << 31, 1 << 30, 1 << 30},
	} {
		t.Run(fmt.Sprint(test.a, " ", test.b), func(t *testing.T) {
			if got := gcd(test.a, test.b); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestSlotIndex(t *testing.T) {
	const slots, low, high = 128, 1 << 30, 1<<31 - 1
	var sixteenths [16]int
	uids := []uint32{0, 1, 999, 65533, 1<<32 - 2}
	for uid := range uint32(2000) {
		uids = append(uids, 1000+uid)
	}
	for _, uid := range uids {
		seen := map[int]uint32{}
		for slot := range uint32(slots) {
			got := Index(uid, slot)
			if got < low || got > high {
				t.Fatalf("uid %d, slot %d: got %d, want a number from %d to %d", uid, slot, got, low, high)
			}
			if other, taken := seen[got]; taken {
				t.Errorf("uid %d: slots %d and %d are both %d", uid, other, slot, got)
			}
			seen[got] = slot
			sixteenths[(got-low)>>26]++
		}
	}
	want := len(uids) * slots / len(sixteenths)
	for i, got := range sixteenths {
		if got < want*95/100 || got > want*105/100 {
			t.Errorf("got %d numbers in sixteenth %d of the range, want about %d", got, i, want)
		}
	}
}

// Two versions of unc that number slots differently would count a user's quota
// twice. The numbers are from another implementation of SplitMix64's finalizer.
func TestSlotIndexStays(t *testing.T) {
	for _, test := range []struct {
		uid, slot uint32
		want      int
	}{
		{0, 0, 1 << 30},
		{1000, 0, 1352560737},
		{1000, 127, 1576825874},
		{1001, 0, 1941301297},
		{1<<32 - 2, 1, 1249281497},
	} {
		t.Run(fmt.Sprint(test.uid, " ", test.slot), func(t *testing.T) {
			if got := Index(test.uid, test.slot); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
