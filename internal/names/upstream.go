package names

import (
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"unc/internal/resolvconf"
)

// Upstream says who is asked for names that are not ours, in this order. There may
// be nobody: then such queries fail at once.
type Upstream struct {
	// Servers are asked whatever the host uses (--dns).
	Servers []netip.Addr
	// Host is followed where there are no Servers. Loopback and scoped addresses are
	// the host's own.
	Host *resolvconf.Watch
	// Changed is called, if it is set, when a query finds that Host has changed, with
	// what it says now: its search list is nothing to the resolver, but to its clients.
	Changed func(resolvconf.Config)
}

func (u *Upstream) addrs() []netip.Addr {
	if u.Host == nil {
		return u.Servers
	}
	config, changed := u.Host.Current()
	if changed && u.Changed != nil {
		u.Changed(config)
	}
	if len(u.Servers) > 0 {
		return u.Servers
	}
	return config.Servers
}

// servers are those to ask now.
func (s *Server) servers() []netip.AddrPort {
	var list []netip.AddrPort
	for _, addr := range s.upstream.addrs() {
		list = append(list, netip.AddrPortFrom(addr, s.limits.port))
	}
	return slices.DeleteFunc(list, func(server netip.AddrPort) bool { return server == s.self })
}

// findSelf returns the address at which a question of ours would come back to us:
// where the socket is bound, if its namespace is the one we ask from. In a
// container's namespace the address is another one than here, and the same number
// may well be the host's resolver, as it is when the host is a container itself.
// Kernels before 5.14 can't tell (SO_NETNS_COOKIE), and nobody is left out there:
// a loop ends with the limits.
func findSelf(socket *net.UDPConn) netip.AddrPort {
	addr, ok := socket.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return netip.AddrPort{}
	}
	var theirs uint64
	var failed error
	if err := raw.Control(func(fd uintptr) { theirs, failed = netnsCookie(int(fd)) }); err != nil || failed != nil {
		return netip.AddrPort{}
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return netip.AddrPort{}
	}
	defer unix.Close(fd)
	if ours, err := netnsCookie(fd); err != nil || ours != theirs {
		return netip.AddrPort{}
	}
	found := addr.AddrPort()
	return netip.AddrPortFrom(found.Addr().Unmap(), found.Port())
}

func netnsCookie(fd int) (uint64, error) {
	return unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
}
