package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
)

// leg is a network namespace on the bridge in which its owner has every
// capability, as whoever made it has from outside of a container as well: any
// frame can be sent from it.
type leg struct {
	*session
	addr, addr6, linkLocal    netip.Addr
	gateway, gateway6         netip.Addr
	mac, gatewayMAC, outerMAC net.HardwareAddr
}

// leg makes one of u's, with the addresses that net-setup says.
func (h *host) leg(u user) *leg {
	h.t.Helper()
	l := &leg{session: h.bare(u)}
	var n struct {
		Address   netip.Prefix
		Gateway   netip.Addr
		Address6  netip.Prefix
		Gateway6  netip.Addr
		LinkLocal netip.Prefix `json:"link_local"`
	}
	must(h.t, json.Unmarshal([]byte(h.run(h.unc(u, "net-setup", strconv.Itoa(l.pid()))).works(h.t)), &n))
	l.addr, l.gateway = n.Address.Addr(), n.Gateway
	l.addr6, l.gateway6, l.linkLocal = n.Address6.Addr(), n.Gateway6, n.LinkLocal.Addr()
	l.mac, l.gatewayMAC, l.outerMAC = lease.InsideMAC(l.addr), lease.InsideMAC(n.Gateway), lease.HostMAC(l.addr)
	l.do(fmt.Sprintf(`ip link set lo up && ip link set eth0 addrgenmode none && ip link set eth0 up &&
		ip addr add %v dev eth0 && ip route add default via %v &&
		ip addr add %v dev eth0 nodad && ip addr add %v dev eth0 nodad && ip -6 route add default via %v`,
		n.Address, n.Gateway, n.Address6, n.LinkLocal, n.Gateway6))
	return l
}

// in runs f on a thread in the leg's network.
func (l *leg) in(f func() error) error {
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", l.pid()))
	if err != nil {
		return err
	}
	defer ns.Close()
	return onThread(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// tap sees the frames that an interface gets, and can send any.
type tap struct {
	t     *testing.T
	fd    int
	index int
	seen  []byte // all that has come, one frame after the other
}

func newTap(t *testing.T, p place, name string) *tap {
	t.Helper()
	tp := &tap{t: t}
	must(t, p.in(func() error {
		link, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		all := int(binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL & 0xff}))
		if tp.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all); err != nil {
			return err
		}
		tp.index = link.Index
		return errors.Join(
			unix.SetsockoptInt(tp.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20),
			unix.Bind(tp.fd, &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: link.Index}))
	}))
	t.Cleanup(func() { unix.Close(tp.fd) })
	return tp
}

// send sends frames from one processor, which takes them to their ends one after
// the other: when a later one has arrived, an earlier one has, or never will.
func (tp *tap) send(frames ...[]byte) {
	tp.t.Helper()
	must(tp.t, onThread(func() error {
		var one unix.CPUSet
		one.Set(firstCPU())
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			return err
		}
		for _, f := range frames {
			if err := unix.Sendto(tp.fd, f, 0, &unix.SockaddrLinklayer{Ifindex: tp.index}); err != nil {
				return fmt.Errorf("sending a frame of %d bytes: %w", len(f), err)
			}
		}
		return nil
	}))
}

// firstCPU is one that this process may run on.
func firstCPU() int {
	var may unix.CPUSet
	if unix.SchedGetaffinity(os.Getpid(), &may) == nil {
		for n := range runtime.NumCPU() + 1024 {
			if may.IsSet(n) {
				return n
			}
		}
	}
	return 0
}

// got tells whether a frame with this in it has arrived by now.
func (tp *tap) got(what []byte) bool {
	tp.t.Helper()
	buf := make([]byte, 64<<10)
	for {
		n, from, err := unix.Recvfrom(tp.fd, buf, unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			return bytes.Contains(tp.seen, what)
		}
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN) {
			continue
		}
		must(tp.t, err)
		if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype != unix.PACKET_OUTGOING {
			tp.seen = append(tp.seen, buf[:n]...)
		}
	}
}

// waits for a frame with this in it.
func (tp *tap) waits(what []byte) {
	tp.t.Helper()
	eventually(tp.t, fmt.Sprintf("a frame with %q", what), func() bool { return tp.got(what) })
}

var lastToken atomic.Int64

// token is something that is in no other frame.
func token() []byte { return fmt.Appendf(nil, "<%d-%d>", lastToken.Add(1), time.Now().UnixNano()) }

// What frames are made of (IEEE 802.3 and 802.1Q, RFC 791, 826, 768, 8200, 4443, 4861).
const (
	typeIPv4, typeARP, typeIPv6 = 0x0800, 0x0806, 0x86dd
	typeVLAN, typeQinQ          = 0x8100, 0x88a8
	typePPPoE, typeMPLS         = 0x8864, 0x8847
)

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// kept is one of the 16 addresses that a bridge keeps to itself.
func kept(n byte) net.HardwareAddr { return net.HardwareAddr{0x01, 0x80, 0xc2, 0, 0, n} }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func be16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// ether is a frame. Short ones are not padded: no veth asks for it.
func ether(dst, src net.HardwareAddr, kind int, payload []byte) []byte {
	return join(dst, src, be16(kind), payload)
}

// tagged puts tags between the addresses and the type: pairs of type and number.
func tagged(frame []byte, tags ...int) []byte {
	var list []byte
	for i := 0; i < len(tags); i += 2 {
		list = append(append(list, be16(tags[i])...), be16(tags[i+1])...)
	}
	return join(frame[:12], list, frame[12:])
}

// snap says the type in the way of IEEE 802.2.
func snap(frame []byte) []byte {
	llc := join([]byte{0xaa, 0xaa, 3, 0, 0, 0}, frame[12:])
	return join(frame[:12], be16(len(llc)), llc)
}

func checksum(parts ...[]byte) []byte {
	b := join(parts...)
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i]) << 8
		if i+1 < len(b) {
			sum += uint32(b[i+1])
		}
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return be16(int(^sum & 0xffff))
}

// ipPacket is IPv4 or IPv6, as the addresses are.
func ipPacket(src, dst netip.Addr, proto byte, payload []byte) []byte {
	if src.Is6() {
		return join([]byte{0x60, 0, 0, 0}, be16(len(payload)), []byte{proto, 255}, src.AsSlice(), dst.AsSlice(), payload)
	}
	return ip4Packet(src, dst, proto, 0, 0, nil, payload)
}

// ip4Packet may be a fragment, flags included, and have options of whole words.
func ip4Packet(src, dst netip.Addr, proto byte, id, fragment int, options, payload []byte) []byte {
	words := byte(5 + len(options)/4)
	head := join([]byte{0x40 | words, 0}, be16(4*int(words)+len(payload)), be16(id), be16(fragment), []byte{64, proto},
		[]byte{0, 0}, src.AsSlice(), dst.AsSlice(), options)
	copy(head[10:], checksum(head))
	return join(head, payload)
}

func pseudo(src, dst netip.Addr, proto byte, n int) []byte {
	return join(src.AsSlice(), dst.AsSlice(), be16(int(proto)), be16(n))
}

func udpPacket(src, dst netip.Addr, from, to int, data []byte) []byte {
	u := join(be16(from), be16(to), be16(8+len(data)), []byte{0, 0}, data)
	copy(u[6:], checksum(pseudo(src, dst, unix.IPPROTO_UDP, len(u)), u))
	return ipPacket(src, dst, unix.IPPROTO_UDP, u)
}

// typeOf is the type of the frame for a packet with this address.
func typeOf(a netip.Addr) int {
	if a.Is6() {
		return typeIPv6
	}
	return typeIPv4
}

// udpFrame has data in it, from port 4000 to 4001.
func udpFrame(dst, src net.HardwareAddr, from, to netip.Addr, data []byte) []byte {
	return ether(dst, src, typeOf(from), udpPacket(from, to, 4000, 4001, data))
}

// arpFrame has data behind it, where others have padding.
func arpFrame(dst, src net.HardwareAddr, op int, senderMAC net.HardwareAddr, sender netip.Addr, targetMAC net.HardwareAddr, target netip.Addr, data []byte) []byte {
	return ether(dst, src, typeARP, join([]byte{0, 1, 8, 0, 6, 4}, be16(op), senderMAC, sender.AsSlice(), targetMAC, target.AsSlice(), data))
}

func icmp6(src, dst netip.Addr, message []byte) []byte {
	m := bytes.Clone(message)
	copy(m[2:], []byte{0, 0})
	copy(m[2:], checksum(pseudo(src, dst, unix.IPPROTO_ICMPV6, len(m)), m))
	return m
}

// neighbour is a message about target, with an option that says a MAC address;
// data is in an option that nobody knows (RFC 4727).
func neighbour(kind, flags, option byte, target netip.Addr, mac net.HardwareAddr, data []byte) []byte {
	m := join([]byte{kind, 0, 0, 0, flags, 0, 0, 0}, target.AsSlice())
	if option != 0 {
		m = join(m, []byte{option, 1}, mac)
	}
	size := (len(data) + 2 + 7) / 8
	return join(m, []byte{253, byte(size)}, data, make([]byte, 8*size-2-len(data)))
}

func routerAdvertisement(mac net.HardwareAddr, data []byte) []byte {
	size := (len(data) + 2 + 7) / 8
	return join([]byte{134, 0, 0, 0, 64, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1}, mac,
		[]byte{253, byte(size)}, data, make([]byte, 8*size-2-len(data)))
}

func icmp6Frame(dst, src net.HardwareAddr, from, to netip.Addr, message []byte) []byte {
	return ether(dst, src, typeIPv6, ipPacket(from, to, unix.IPPROTO_ICMPV6, icmp6(from, to, message)))
}

// multicastMAC is where frames for an IPv6 group go (RFC 2464, section 7).
func multicastMAC(group netip.Addr) net.HardwareAddr {
	b := group.As16()
	return net.HardwareAddr{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

// vethTo makes a pair of interfaces, the far end in another network namespace.
func vethTo(name, far string, ns *os.File) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: far, PeerNamespace: netlink.NsFd(ns.Fd())})
}
