package nsexec

import (
	"fmt"
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

	// JoinedNetwork is that of another container, Spec.Join, and so is the user namespace.
	JoinedNetwork

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
	switch n {
	case HostNetwork:
		return namespaces
	case JoinedNetwork:
		return namespaces &^ unix.CLONE_NEWUSER
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
	case HostNetwork, JoinedNetwork: // it is up, and who made it has opened what there is to open
	case NoNetwork:
		p.loopbackUp(p.socketInside)
	case OwnNetwork:
		// The socket that loopback is brought up through serves for packets after that.
		p.loopbackUp(p.dnsPacket)
		p.listenForDNS()
		p.call("opening a netlink socket", unix.SYS_SOCKET, num(unix.AF_NETLINK),
			num(unix.SOCK_RAW|unix.SOCK_CLOEXEC), num(unix.NETLINK_ROUTE)).to(p.route)
	}
}

// tune changes what there is to change of a network namespace of the container's own,
// and opens what is changed later. Through the container's proc, while that can be written:
// in the host's, the kernel keeps every namespace's settings in one hash chain, which each
// further look-up there walks (proc_sys_compare in fs/proc/proc_sysctl.c).
func (p *program) tune(spec *Spec, proc, dev slot) {
	p.openToUsers(spec, proc)
	if spec.Network == OwnNetwork {
		p.openOrphanRetries(proc, dev)
	}
}

// openToUsers lets whoever is not root inside ping, and serve at ports below 1024, as
// Docker has it: the namespace is the container's own, and so is every address in it.
// It comes after the maps are written, for the groups that may ping are ids inside
// (icmp(7)). Where these settings can't be written, they stay as they are.
func (p *program) openToUsers(spec *Spec, proc slot) {
	if spec.Network == HostNetwork || spec.Join != nil || spec.IDs.IsSingle() && spec.User.UID == 0 {
		return // nothing of it is the container's own, or there is nobody else inside
	}
	first, last := spec.IDs.UsableGIDs()
	for _, setting := range [][2]string{
		{"ping_group_range", fmt.Sprintf("%d %d", first, last)},
		{"ip_unprivileged_port_start", "0"},
	} {
		p.writeProc(proc.word(), "sys/net/ipv4/"+setting[0], setting[1], unix.ENOENT, unix.EACCES, unix.EPERM, unix.EROFS)
	}
}

// openOrphanRetries opens the setting for LetGo to write to. Where it can't be written, a
// write to what is opened instead does nothing.
func (p *program) openOrphanRetries(proc, dev slot) {
	const doing = "opening a setting of TCP"
	open := func(dir word, name string) {
		p.call(doing, unix.SYS_OPENAT, dir, p.str(name), num(unix.O_WRONLY|unix.O_CLOEXEC)).to(p.orphanRetries)
	}
	open(proc.word(), "sys/net/ipv4/tcp_orphan_retries")
	p.otherwise(func() { open(dev.word(), "null") }, unix.ENOENT, unix.EACCES, unix.EPERM, unix.EROFS)
}

// LetGo lets connections end that the container has left behind when it ended, and whose
// other side does not answer any more. Each keeps the network namespace, and with it
// address and name, for some hundred seconds otherwise (tcp_orphan_retries in
// Documentation/networking/ip-sysctl.rst); one that is still being served is not hurt,
// for every answer starts the count anew.
func (h *Handles) LetGo() {
	if h.OrphanRetries != nil {
		_, _ = h.OrphanRetries.WriteString("1\n")
	}
}

// loopbackUp leaves the socket that it takes, for packets and not bound yet, in s.
func (p *program) loopbackUp(s slot) {
	const doing = "bringing up the loopback interface"
	request := struct {
		name  [unix.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: unix.IFF_UP | unix.IFF_RUNNING}
	copy(request.name[:], "lo")
	p.socket(doing, unix.SOCK_DGRAM, s)
	p.takesCapability(p.call(doing, unix.SYS_IOCTL, s.word(), num(unix.SIOCSIFFLAGS), keep(p, request)))
}

// listenForDNS comes after loopback is up, which gives it all of 127.0.0.0/8. A
// server of the container's own can still listen for DNS on every other
// address, but not on 0.0.0.0 or [::], which take this one in.
func (p *program) listenForDNS() {
	doing := "listening on " + DNSAddress.String()
	at := sockaddrIn{family: unix.AF_INET, address: DNSAddress.Addr().As4()}
	at.port = [2]byte{byte(DNSAddress.Port() >> 8), byte(DNSAddress.Port())}
	address, size := keep(p, at), num(unsafe.Sizeof(at))
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
