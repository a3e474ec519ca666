package nsexec

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Network says which network namespace a container is in.
type Network int

const (
	// OwnNetwork is one of the container's own, which somebody else wires up
	// between Ready and Release.
	OwnNetwork Network = iota

	// NoNetwork is one of the container's own with a loopback interface and
	// nothing else, for good.
	NoNetwork

	// HostNetwork is the caller's: addresses, ports and abstract sockets (unix(7))
	// are shared with all that run there.
	HostNetwork

	networkCount
)

// DNSAddress is where Handles.DNSPacket and Handles.DNSStream are bound.
var DNSAddress = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 11}), 53)

// dnsBacklog is how many connections may wait for the caller to accept them.
const dnsBacklog = 16

// sockaddrIn is struct sockaddr_in of ip(7), with the port as bytes: those of
// the network's order on every machine.
type sockaddrIn struct {
	family  uint16
	port    [2]byte
	address [4]byte
	_       [8]byte
}

// cloneFlags are what clone3 is to make for a container in this network.
func (n Network) cloneFlags() uint64 {
	if n == HostNetwork {
		return namespaces
	}
	return namespaces | unix.CLONE_NEWNET
}

// openNetwork brings up a network namespace of the container's own as far as that
// can be done from within, and opens what its parent is handed of it. It is here at
// the beginning, and not with the handover, because loopback takes the lock of all
// network configuration (RTNL), which net-setup needs later. There need be no ids yet:
// the sockets keep the right to configure, or not, of who opens them, and that is the
// capabilities (netlink_ns_capable in net/netlink/af_netlink.c).
func (p *program) openNetwork(n Network) {
	switch n {
	case HostNetwork: // it is up, and nothing in it is the container's to change
	case NoNetwork:
		s := p.newSlot()
		p.loopbackUp(s)
		p.freeSlot(s)
	case OwnNetwork:
		// The socket that loopback is brought up through serves for packets after that.
		p.loopbackUp(p.dnsPacket)
		p.listenForDNS()
		p.call("opening a netlink socket", unix.SYS_SOCKET, num(unix.AF_NETLINK),
			num(unix.SOCK_RAW|unix.SOCK_CLOEXEC), num(unix.NETLINK_ROUTE)).to(p.route)
	}
}

// loopbackUp leaves the socket that it takes, for packets and not bound yet, in s.
func (p *program) loopbackUp(s slot) {
	const doing = "bringing up the loopback interface"
	request := &struct {
		name  [unix.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: unix.IFF_UP | unix.IFF_RUNNING}
	copy(request.name[:], "lo")
	p.socket(doing, unix.SOCK_DGRAM, s)
	p.call(doing, unix.SYS_IOCTL, s.word(), num(unix.SIOCSIFFLAGS), p.ptr(unsafe.Pointer(request)))
}

// listenForDNS comes after loopback is up, which gives it all of 127.0.0.0/8. A
// server of the container's own can still listen for DNS on every other
// address, but not on 0.0.0.0 or [::], which take this one in.
func (p *program) listenForDNS() {
	doing := "listening on " + DNSAddress.String()
	at := &sockaddrIn{family: unix.AF_INET, address: DNSAddress.Addr().As4()}
	at.port = [2]byte{byte(DNSAddress.Port() >> 8), byte(DNSAddress.Port())}
	address, size := p.ptr(unsafe.Pointer(at)), num(unsafe.Sizeof(*at))
	p.socket(doing, unix.SOCK_STREAM, p.dnsStream)
	for _, s := range []slot{p.dnsPacket, p.dnsStream} {
		p.call(doing, unix.SYS_BIND, s.word(), address, size)
	}
	p.call(doing, unix.SYS_LISTEN, p.dnsStream.word(), num(dnsBacklog))
}

// socket opens one for IPv4, non-blocking: the parent waits for many at a time.
func (p *program) socket(doing string, kind int, into slot) {
	p.call(doing, unix.SYS_SOCKET, num(unix.AF_INET), num(kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK), num(0)).to(into)
}
