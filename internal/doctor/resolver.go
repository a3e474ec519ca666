package doctor

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/resolvconf"
)

// resolver looks whom unc would ask for the names that containers look up. Nobody is
// asked: what takes a second to answer would make all of this take that long.
func (m *machine) resolver() []Finding {
	const name, edit = "resolver", "sudoedit " + resolvconf.HostFile + "    # as root: a line such as nameserver 9.9.9.9"
	host, err := resolvconf.Host()
	if err != nil {
		return []Finding{found(name, Note, hint.With(fmt.Errorf("containers can't look up names of the outside: %w", err),
			"sudo chmod a+r "+resolvconf.HostFile))}
	}
	if len(host.Servers) == 0 {
		return []Finding{found(name, Note, hint.With(
			errors.New("containers can't look up names of the outside: "+resolvconf.HostFile+" has no name server"), edit))}
	}
	var known []string
	var failed error
	for _, server := range host.Servers {
		if err := isRouted(server); err != nil {
			failed = fmt.Errorf("%v: %w", server, err)
			continue
		}
		known = append(known, server.String())
	}
	if known == nil {
		return []Finding{found(name, Note, hint.With(
			fmt.Errorf("containers can't look up names of the outside: no name server of %s can be reached: %w", resolvconf.HostFile, failed),
			"ip route    # which has no way there", edit))}
	}
	return []Finding{fine(name, "names of the outside are asked of "+strings.Join(known, ", "))}
}

// isRouted tells whether there is a way to an address: connecting a datagram socket looks
// for one, and sends nothing (udp(7)).
func isRouted(to netip.Addr) error {
	family, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: 53, Addr: to.As16()})
	if to = to.Unmap(); to.Is4() {
		family, address = unix.AF_INET, &unix.SockaddrInet4{Port: 53, Addr: to.As4()}
	}
	sock, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(sock)
	return unix.Connect(sock, address)
}
