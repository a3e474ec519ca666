package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"unc/internal/name"
	"unc/internal/names"
	"unc/internal/netplumb"
	"unc/internal/nsexec"
	"unc/internal/ports"
	"unc/internal/relay"
	"unc/internal/resolvconf"
)

// networkFlags choose what a container has of the network.
type networkFlags struct {
	Network   string       `default:"bridge" placeholder:"KIND"`
	Publish   []string     `short:"p" sep:"none" placeholder:"[IP:]HOST:CONTAINER[/udp]"`
	IP        netip.Addr   `name:"ip" placeholder:"ADDRESS"`
	DNS       []netip.Addr `name:"dns" placeholder:"ADDRESS"`
	DNSSearch []string     `name:"dns-search" placeholder:"DOMAIN"`
	AddHost   []hostEntry  `name:"add-host" sep:"none" placeholder:"NAME:ADDRESS"`

	kind      nsexec.Network
	peerName  string          // of the container whose network is joined
	published []ports.Mapping // what Publish says
	host      *resolvconf.Watch
	peer      *peerNetwork // whose network is joined
}

// The kinds of network.
const (
	bridged = "bridge"
	alone   = "none"
	onHost  = "host"
	joined  = "container" // with a colon and the name of another
)

// Validate refuses flags that mean nothing together.
func (f *networkFlags) Validate() error {
	if err := f.readKind(); err != nil {
		return err
	}
	for _, flag := range []struct {
		name  string
		given bool
		needs []nsexec.Network
	}{
		{"--publish", len(f.Publish) > 0, []nsexec.Network{nsexec.OwnNetwork}},
		{"--ip", f.IP.IsValid(), []nsexec.Network{nsexec.OwnNetwork}},
		{"--dns", len(f.DNS) > 0, []nsexec.Network{nsexec.OwnNetwork, nsexec.HostNetwork}},
		{"--dns-search", len(f.DNSSearch) > 0, []nsexec.Network{nsexec.OwnNetwork, nsexec.HostNetwork}},
	} {
		if flag.given && !slices.Contains(flag.needs, f.kind) {
			return fmt.Errorf("%s means nothing with --network %s", flag.name, f.Network)
		}
	}
	if f.IP.IsValid() && !f.IP.Is4() {
		return about("--ip", f.IP.String(), errors.New("give the IPv4 address, which the IPv6 address follows"))
	}
	for _, addr := range f.DNS {
		if strings.ContainsFunc(addr.Zone(), endsWord) {
			return about("--dns", addr.String(), errors.New("it is not an IP address"))
		}
	}
	for _, domain := range f.DNSSearch {
		if domain == "" || strings.ContainsFunc(domain, endsWord) {
			return about("--dns-search", domain, errors.New("it is no domain"))
		}
	}
	for _, spec := range f.Publish {
		list, err := ports.Parse(spec)
		if err != nil {
			return about("--publish", spec, err)
		}
		f.published = append(f.published, list...)
	}
	return ports.Check(f.published)
}

// endsWord tells what can't be in a word of resolv.conf(5) or hosts(5).
func endsWord(r rune) bool { return r <= ' ' || r == 0x7f }

// readKind reads --network, in nsexec's terms.
func (f *networkFlags) readKind() error {
	called, joins := strings.CutPrefix(f.Network, joined+":")
	switch {
	case joins:
		f.kind, f.peerName = nsexec.JoinedNetwork, called
		return about("--network", f.Network, name.Check(called))
	case f.Network == bridged:
		f.kind = nsexec.OwnNetwork
	case f.Network == alone:
		f.kind = nsexec.NoNetwork
	case f.Network == onHost:
		f.kind = nsexec.HostNetwork
	default:
		return about("--network", f.Network, notOneOf(f.Network, bridged, alone, onHost, joined+":NAME"))
	}
	return nil
}

// request tells net-setup what to do for the container with that first process.
func (f *networkFlags) request(setup *netplumb.Helper, pid int, name string) {
	if setup != nil {
		setup.Attach(netplumb.Request{PID: pid, Name: name, Address: f.IP, Publish: f.published})
	}
}

// connect waits for net-setup, and does the container's side. It returns nil for a
// container that is not on the bridge.
func (f *networkFlags) connect(setup *netplumb.Helper, inside *nsexec.Handles) (*netplumb.Network, error) {
	if setup == nil {
		return nil, nil
	}
	n, err := setup.Answer()
	if err != nil {
		return nil, err
	}
	defer inside.Route.Close()
	return n, netplumb.Configure(inside.Route, n)
}

// serve starts what the supervisor does for a running container: its resolver, and
// the relays of its published ports. Both end with this process.
func (f *networkFlags) serve(n *netplumb.Network, inside *nsexec.Handles, started func(server)) error {
	for _, s := range n.Sockets {
		start, target := relay.TCP, netip.AddrPortFrom(n.Address.Addr(), s.Mapping.Port)
		if s.Mapping.UDP {
			start = relay.UDP
		}
		if s.Mapping.Host.Is6() && n.Address6.IsValid() {
			target = netip.AddrPortFrom(n.Address6.Addr(), s.Mapping.Port)
		}
		r, err := start(os.NewFile(uintptr(s.FD), "port"), target)
		if err != nil {
			return fmt.Errorf("publishing port %d: %w", s.Mapping.HostPort, err)
		}
		started(r)
	}
	d, err := netplumb.NewDirectory(n)
	if err != nil {
		return err
	}
	resolver, err := names.Serve(inside.DNSPacket, inside.DNSStream, names.Directory{
		Owner: uint32(os.Getuid()), Lookup: d.Lookup, Reverse: d.Reverse,
		Gateway: n.Gateway, Gateway6: n.Gateway6, UserID: userID, UserName: userName,
	}, names.Upstream{Servers: f.DNS, Host: f.host, Changed: func(now resolvconf.Config) {
		f.rewrite(inside.Resolv, now)
	}})
	if err != nil {
		return fmt.Errorf("starting the container's resolver: %w", err)
	}
	started(resolver)
	return nil
}

func userID(name string) (uint32, bool) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, false
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	return uint32(id), err == nil
}

func userName(uid uint32) (string, bool) {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return "", false
	}
	return u.Username, true
}
