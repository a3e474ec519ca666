package netplumb

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
)

// A lease is a link on the bridge whose name says the address: the kernel keeps
// names unique, so holding the name is holding the address. This file has the
// arithmetic between addresses, names and MAC addresses; no system call.

// leasePrefix begins the name of every host end.
const leasePrefix = "uv"

// leaseName is the name of the host end that holds addr: uv0a642a07 is 10.100.42.7.
func leaseName(addr netip.Addr) string {
	ip := addr.As4()
	return leasePrefix + hex.EncodeToString(ip[:])
}

// leaseAddr is the inverse of leaseName.
func leaseAddr(name string) (netip.Addr, bool) {
	digits, found := strings.CutPrefix(name, leasePrefix)
	ip, err := hex.DecodeString(digits)
	if !found || err != nil || len(ip) != 4 || strings.ToLower(digits) != digits {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(ip)), true
}

// Both ends of a pair and the bridge have MAC addresses made from the IPv4
// address: two bytes with the locally administered bit set, then the four of
// the address. Nobody's neighbour cache is wrong when an address is leased again.
const (
	insideMAC = "\x02\x75" // the container's end; the bridge, for the gateway's address
	hostMAC   = "\x06\x75" // the bridge's end of a pair
)

func macOf(prefix string, addr netip.Addr) net.HardwareAddr {
	ip := addr.As4()
	return append(net.HardwareAddr(prefix), ip[:]...)
}

// hosts is how many addresses of the subnet can be leased: all but the network's
// own, the gateway's, and the broadcast address.
func hosts(subnet netip.Prefix) uint32 {
	return 1<<(32-subnet.Bits()) - 3
}

// hostAt is the address with number n, from 0 up to hosts(subnet)-1.
func hostAt(subnet netip.Prefix, n uint32) netip.Addr {
	first := subnet.Masked().Addr().As4()
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], binary.BigEndian.Uint32(first[:])+2+n)
	return netip.AddrFrom4(ip)
}

// shuffled gives the numbers from 0 to n-1, each once, from a random one on and
// in random strides: in a crowded subnet, callers who met the same taken number
// go separate ways from there.
func shuffled(n uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if n == 0 {
			return
		}
		at, stride := rand.Uint32N(n), 1+rand.Uint32N(n)
		for gcd(stride, n) != 1 {
			stride++
		}
		for range n {
			if !yield(at) {
				return
			}
			at = uint32((uint64(at) + uint64(stride)) % uint64(n))
		}
	}
}

func gcd(a, b uint32) uint32 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// slotIndex is the interface number of the link that takes a slot of its owner's
// quota. There are as many slots as the quota allows, the kernel gives a number
// to one link, and it does so in the same step as the name: a link holds both
// its address and its slot, or does not exist.
//
// The numbers are spread over the upper half of all there are, far from those
// that the kernel counts up. Should two users' slots ever meet in one number,
// the second user has one slot less for as long.
func slotIndex(uid, slot uint32) int {
	// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the
	// input moves every bit of the output.
	x := uint64(uid)<<32 | uint64(slot)
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	x ^= x >> 31
	return 1<<30 | int(x&(1<<30-1))
}
