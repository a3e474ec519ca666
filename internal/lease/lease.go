package lease

import (
	"encoding/hex"
	"iter"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
)

// Prefix begins the name of every host end.
const Prefix = "uv"

// Name is the name of the host end that holds the IPv4 address addr: uv0a642a07 is 10.100.42.7.
func Name(addr netip.Addr) string {
	ip := addr.As4()
	return Prefix + hex.EncodeToString(ip[:])
}

// Addr is the inverse of Name.
func Addr(name string) (netip.Addr, bool) {
	digits, found := strings.CutPrefix(name, Prefix)
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
	insidePrefix = "\x02\x75" // the container's end; the bridge, for the gateway's address
	hostPrefix   = "\x06\x75" // the bridge's end of a pair
)

// InsideMAC is the MAC address of whoever has the IPv4 address addr: a
// container's end of a pair, or the bridge.
func InsideMAC(addr netip.Addr) net.HardwareAddr { return mac(insidePrefix, addr) }

// IsInsideMAC tells whether InsideMAC makes such addresses.
func IsInsideMAC(mac net.HardwareAddr) bool { return len(mac) == 6 && string(mac[:2]) == insidePrefix }

// HostMAC is the MAC address of the bridge's end of the pair that leads to addr.
func HostMAC(addr netip.Addr) net.HardwareAddr { return mac(hostPrefix, addr) }

func mac(prefix string, addr netip.Addr) net.HardwareAddr {
	ip := addr.As4()
	return append(net.HardwareAddr(prefix), ip[:]...)
}

// Shuffled gives the numbers from 0 to n-1, each once, from a random one on and
// in random strides: in a crowded subnet, callers who met the same taken number
// go separate ways from there.
func Shuffled(n uint32) iter.Seq[uint32] {
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

// Index is the interface number of the link that takes a slot of its owner's
// quota, in 1<<30 to 1<<31-1. There are as many slots as the quota allows, the kernel gives a number
// to one link, and it does so in the same step as the name: a link holds both
// its address and its slot, or does not exist.
//
// The numbers are spread over the upper half of all there are, far from those
// that the kernel counts up. Should two users' slots ever meet in one number,
// the second user has one slot less for as long.
func Index(uid, slot uint32) int {
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
