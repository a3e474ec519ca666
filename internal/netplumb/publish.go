package netplumb

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/hint"
	"unc/internal/policy"
	"unc/internal/ports"
	"unc/internal/rawio"
)

// Socket is bound to a port of the host, and listens there. While it is open, the
// kernel sends what comes from outside for that port to the container.
type Socket struct {
	Mapping ports.Mapping // with address and port as they are
	FD      int
}

// openSockets binds to the ports that are asked for, with no capability in effect:
// ports that are taken, or root's, the kernel refuses itself.
func openSockets(p *policy.Policy, asked []ports.Mapping) (sockets []Socket, err error) {
	defer func() {
		if err != nil {
			closeSockets(sockets)
			sockets = nil
		}
	}()
	switch {
	case len(asked) == 0:
		return nil, nil
	case !p.NAT:
		return nil, errors.New("no port can be published here: NAT=no in /etc/unc/network.conf keeps containers from the outside")
	case len(asked) > p.MaxPorts:
		return nil, tooManyPorts(p)
	case len(asked) > portsPerContainer:
		return nil, fmt.Errorf("one container may publish %d ports, and these are %d", portsPerContainer, len(asked))
	}
	if err := ports.Check(asked); err != nil {
		return nil, err
	}
	// Those with a number first, so that none of them is picked for another.
	for _, pick := range []bool{false, true} {
		for _, m := range asked {
			if (m.HostPort == 0) != pick {
				continue
			}
			opened, err := openPort(p, m)
			sockets = append(sockets, opened...)
			if err != nil {
				return sockets, err
			}
		}
	}
	return sockets, nil
}

// portsPerContainer keeps a link's names so few that all that is said of it fits into
// the smallest message that programs have room for: what does not fit ends their
// list of links early (rtnl_dump_ifinfo in net/core/rtnetlink.c).
const portsPerContainer = 64

func closeSockets(sockets []Socket) {
	for _, s := range sockets {
		unix.Close(s.FD)
	}
}

// tries is how often a free port is looked for.
const tries = 1024

func openPort(p *policy.Policy, m ports.Mapping) ([]Socket, error) {
	if m.HostPort != 0 {
		if !p.MayPublish(m.HostPort) {
			return nil, hint.With(fmt.Errorf("publishing %s: this machine's policy is PUBLISH=%s", portName(m), spans(p.Publish)),
				"choose another port, or as root, change PUBLISH in /etc/unc/network.conf")
		}
		sockets, err := bindPort(m)
		if err != nil {
			return nil, explainBind(m, err)
		}
		return sockets, nil
	}
	for range tries {
		if m.HostPort = anyPort(p.Publish); m.HostPort == 0 {
			break
		}
		sockets, err := bindPort(m)
		switch {
		case err == nil:
			return sockets, nil
		case !errors.Is(err, unix.EADDRINUSE) && !errors.Is(err, unix.EACCES):
			return nil, explainBind(m, err)
		}
	}
	return nil, fmt.Errorf("publishing port %d of the container: found no free port of the host among %s", m.Port, spans(p.Publish))
}

// anyPort picks one of those that may be published, 0 when none may.
func anyPort(list []policy.Span) uint16 {
	total := 0
	for _, s := range list {
		total += int(s.Last-s.First) + 1
	}
	if total == 0 {
		return 0
	}
	at := rand.IntN(total)
	for _, s := range list {
		if size := int(s.Last-s.First) + 1; at >= size {
			at -= size
			continue
		}
		return s.First + uint16(at)
	}
	return 0
}

// bindPort opens the socket for one port, or the two for all addresses.
func bindPort(m ports.Mapping) ([]Socket, error) {
	addrs := []netip.Addr{m.Host}
	if !m.Host.IsValid() {
		addrs = []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	}
	var sockets []Socket
	for _, addr := range addrs {
		one := m
		one.Host = addr
		fd, err := bindSocket(one)
		if !m.Host.IsValid() && addr.Is6() && (errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)) {
			continue // a host without IPv6
		}
		if err != nil {
			closeSockets(sockets)
			return nil, err
		}
		sockets = append(sockets, Socket{one, fd})
	}
	return sockets, nil
}

func bindSocket(m ports.Mapping) (int, error) {
	family, kind := unix.AF_INET, unix.SOCK_STREAM
	if m.Host.Is6() {
		family = unix.AF_INET6
	}
	if m.UDP {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if err := bindTo(fd, m); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func bindTo(fd int, m ports.Mapping) error {
	var to unix.Sockaddr = &unix.SockaddrInet4{Port: int(m.HostPort), Addr: as4(m.Host)}
	if m.Host.Is6() {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return err
		}
		to = &unix.SockaddrInet6{Port: int(m.HostPort), Addr: m.Host.As16()}
	}
	if m.UDP {
		return unix.Bind(fd, to)
	}
	// A connection of an earlier container that is still winding down does not
	// keep the port (socket(7)); another listener does.
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := unix.Bind(fd, to); err != nil {
		return err
	}
	return unix.Listen(fd, unix.SOMAXCONN)
}

func as4(addr netip.Addr) [4]byte {
	if !addr.Is4() {
		return [4]byte{}
	}
	return addr.As4()
}

func explainBind(m ports.Mapping, err error) error {
	switch {
	case errors.Is(err, unix.EACCES):
		return hint.With(fmt.Errorf("publishing %s: this host lets only root use ports below %s", portName(m), firstOfUsers()),
			"use one from there on, or: sudo sysctl net.ipv4.ip_unprivileged_port_start="+strconv.Itoa(int(m.HostPort)))
	case errors.Is(err, unix.EADDRINUSE):
		return hint.With(fmt.Errorf("publishing %s: it is in use: %w", portName(m), err),
			"unc net    # the ports that containers have; of all others: ss -tulnp")
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return hint.With(fmt.Errorf("publishing %s: %v is not an address of this host", portName(m), m.Host), "ip address show")
	}
	return fmt.Errorf("publishing %s: %w", portName(m), err)
}

// firstOfUsers is the first port that needs no privilege (ip(7), ip_unprivileged_port_start).
func firstOfUsers() string {
	text, err := rawio.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", 64)
	if err != nil {
		return "1024"
	}
	return strings.TrimSpace(string(text))
}

func portName(m ports.Mapping) string {
	return m.Protocol() + " port " + strconv.Itoa(int(m.HostPort))
}

func spans(list []policy.Span) string {
	if len(list) == 0 {
		return "none"
	}
	var words []string
	for _, s := range list {
		word := strconv.Itoa(int(s.First))
		if s.Last != s.First {
			word += "-" + strconv.Itoa(int(s.Last))
		}
		words = append(words, word)
	}
	return strings.Join(words, ",")
}

func tooManyPorts(p *policy.Policy) error {
	return hint.With(fmt.Errorf("%w: one user may publish %d ports on this machine", errQuota, p.MaxPorts),
		"publish fewer, or as root, raise MAX_PORTS_PER_USER in /etc/unc/network.conf")
}

func doorsOf(list []ports.Mapping) []filter.Door {
	var doors []filter.Door
	for _, m := range list {
		doors = append(doors, filter.Door{UDP: m.UDP, Port: m.Port})
	}
	return doors
}

// markSockets makes the rule act on the sockets: from here on, what comes from
// outside goes to the container. It takes the capability; and comes last, when the
// container's link is up.
func markSockets(sockets []Socket, p *policy.Policy, number uint32) error {
	for _, s := range sockets {
		if s.Mapping.Host.Is6() && !p.Subnet6.IsValid() {
			continue // nothing to send it to; the supervisor relays all of it
		}
		mark := int(filter.Mark(number, s.Mapping.Port))
		if err := unix.SetsockoptInt(s.FD, unix.SOL_SOCKET, unix.SO_MARK, mark); err != nil {
			return fmt.Errorf("publishing %s: marking the socket: %w", portName(s.Mapping), err)
		}
	}
	return nil
}
