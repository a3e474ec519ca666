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

	"unc/internal/names"
	"unc/internal/netplumb"
	"unc/internal/nsexec"
	"unc/internal/ports"
	"unc/internal/rawio"
	"unc/internal/relay"
	"unc/internal/resolvconf"
)

// networkFlags choose what a container has of the network.
type networkFlags struct {
	Network   string       `enum:"bridge,none,host" default:"bridge" placeholder:"KIND" help:"bridge: an address of its own on this machine's bridge; none: a loopback interface alone; host: the host's own network. Default: bridge."`
	Name      string       `placeholder:"NAME" help:"Name that other containers of yours resolve to this one."`
	Publish   []string     `short:"p" sep:"none" placeholder:"[IP:]HOST:CONTAINER[/udp]" help:"Make a port, or a range of them, reachable at the host's. CONTAINER alone: at one that is free. May be given again."`
	IP        netip.Addr   `name:"ip" placeholder:"ADDRESS" help:"IPv4 address to have, of the bridge's subnet."`
	DNS       []netip.Addr `name:"dns" placeholder:"ADDRESS" help:"Name server to ask instead of the host's. May be given again."`
	DNSSearch []string     `name:"dns-search" placeholder:"DOMAIN" help:"Domain to look names up in, instead of the host's. May be given again."`
	AddHost   []hostEntry  `name:"add-host" sep:"none" placeholder:"NAME:ADDRESS" help:"Entry for the container's /etc/hosts; host-gateway as the address is the host. May be given again."`

	published []ports.Mapping // what Publish says
	host      *resolvconf.Watch
}

// The kinds of network.
const (
	bridged = "bridge"
	alone   = "none"
	onHost  = "host"
)

// Validate refuses flags that mean nothing together.
func (f *networkFlags) Validate() error {
	for _, flag := range []struct {
		name  string
		given bool
		needs []string
	}{
		{"--name", f.Name != "", []string{bridged}},
		{"--publish", len(f.Publish) > 0, []string{bridged}},
		{"--ip", f.IP.IsValid(), []string{bridged}},
		{"--dns", len(f.DNS) > 0, []string{bridged, onHost}},
		{"--dns-search", len(f.DNSSearch) > 0, []string{bridged, onHost}},
	} {
		if flag.given && !slices.Contains(flag.needs, f.Network) {
			return fmt.Errorf("%s means nothing with --network %s", flag.name, f.Network)
		}
	}
	if f.IP.IsValid() && !f.IP.Is4() {
		return fmt.Errorf("--ip %v: give the IPv4 address, which the IPv6 address follows", f.IP)
	}
	for _, addr := range f.DNS {
		if strings.ContainsFunc(addr.Zone(), endsWord) {
			return fmt.Errorf("--dns: %q is no address", addr)
		}
	}
	for _, domain := range f.DNSSearch {
		if domain == "" || strings.ContainsFunc(domain, endsWord) {
			return fmt.Errorf("--dns-search: %q is no domain", domain)
		}
	}
	if f.Name != "" {
		if err := netplumb.CheckName(f.Name); err != nil {
			return err
		}
	}
	for _, spec := range f.Publish {
		list, err := ports.Parse(spec)
		if err != nil {
			return err
		}
		f.published = append(f.published, list...)
	}
	return ports.Check(f.published)
}

// endsWord tells what can't be in a word of resolv.conf(5) or hosts(5).
func endsWord(r rune) bool { return r <= ' ' || r == 0x7f }

// kind is the network in nsexec's terms.
func (f *networkFlags) kind() nsexec.Network {
	switch f.Network {
	case alone:
		return nsexec.NoNetwork
	case onHost:
		return nsexec.HostNetwork
	}
	return nsexec.OwnNetwork
}

// request tells net-setup what to do for the container with that first process.
func (f *networkFlags) request(setup *netplumb.Helper, pid int) {
	if setup != nil {
		setup.Attach(netplumb.Request{PID: pid, Name: f.Name, Address: f.IP, Publish: f.published})
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

// writeEtc writes the files of the container's /etc that tell of the network. The
// one for the resolver stays open, for serve.
func (f *networkFlags) writeEtc(n *netplumb.Network, inside *nsexec.Handles, hostname string) error {
	hosts, err := f.hosts(n, hostname)
	if err != nil {
		return err
	}
	f.host = resolvconf.NewWatch(resolvconf.HostFile)
	config, _ := f.host.Current()
	for _, file := range []struct {
		f    *os.File
		text string
	}{
		{inside.Hosts, hosts},
		{inside.Resolv, f.resolvConf(config)},
		{inside.Hostname, hostname + "\n"},
	} {
		if _, err := file.f.WriteString(file.text); err != nil {
			return fmt.Errorf("writing the container's /etc/%s: %w", file.f.Name(), err)
		}
	}
	return errors.Join(inside.Hosts.Close(), inside.Hostname.Close())
}

// hostEntry is a line of the container's /etc/hosts.
type hostEntry struct {
	name    string
	address netip.Addr // invalid: the host's
}

// hostGateway is the host, in place of an address, as Docker and podman have it.
const hostGateway = "host-gateway"

// UnmarshalText reads NAME:ADDRESS.
func (h *hostEntry) UnmarshalText(text []byte) (err error) {
	name, address, found := strings.Cut(string(text), ":")
	h.name = name
	if !found || name == "" || strings.ContainsFunc(name, endsWord) || strings.Contains(name, "#") {
		return fmt.Errorf("%q is not a name, a colon and an address", text)
	}
	if address == hostGateway {
		return nil
	}
	h.address, err = netip.ParseAddr(address)
	if err != nil || h.address.Zone() != "" { // hosts(5) knows no zones, and any text may stand there
		return fmt.Errorf("%q is neither an address nor %s", address, hostGateway)
	}
	return nil
}

// hostNames are what the host is called in a container, by podman and by Docker.
const hostNames = "host.containers.internal host.docker.internal"

// hosts is the text of the container's /etc/hosts; n is nil unless it is on the bridge.
func (f *networkFlags) hosts(n *netplumb.Network, hostname string) (string, error) {
	gateway, gateway6 := netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.Addr{}
	var b strings.Builder
	line := func(addr netip.Addr, names ...string) {
		if addr.IsValid() {
			fmt.Fprintf(&b, "%v\t%s\n", addr, strings.Join(names, " "))
		}
	}
	own := []string{hostname}
	if f.Name != "" && f.Name != hostname {
		own = append(own, f.Name)
	}
	switch f.Network {
	case onHost:
		text, err := rawio.ReadFile("/etc/hosts", 1<<20)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("reading the host's names: %w", err)
		}
		fmt.Fprintf(&b, "%s\n", strings.TrimSuffix(string(text), "\n"))
	default:
		b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	}
	if n == nil {
		line(netip.AddrFrom4([4]byte{127, 0, 1, 1}), own...)
	} else {
		gateway, gateway6 = n.Gateway, n.Gateway6
		line(n.Address.Addr(), own...)
		line(n.Address6.Addr(), own...)
	}
	if f.Network != alone {
		line(gateway, hostNames)
	}
	for _, h := range f.AddHost {
		if h.address.IsValid() {
			line(h.address, h.name)
			continue
		}
		line(gateway, h.name)
		line(gateway6, h.name)
	}
	return b.String(), nil
}

// resolvConf is the text of the container's /etc/resolv.conf, when the host's says so.
func (f *networkFlags) resolvConf(host resolvconf.Config) string {
	if len(f.DNSSearch) > 0 {
		host.Search = f.DNSSearch
	}
	switch {
	case f.Network == alone:
		host = resolvconf.Config{}
	case f.Network == bridged:
		host.Servers = []netip.Addr{nsexec.DNSAddress.Addr()}
		// A container's name has no dot, and goes before any in the search list.
		isDots := func(option string) bool { return strings.HasPrefix(option, "ndots:") }
		host.Options = append(slices.DeleteFunc(slices.Clone(host.Options), isDots), "ndots:0")
	case len(f.DNS) > 0:
		host.Servers = f.DNS
	}
	return host.Text("no network, no name servers")
}

// serve starts what the supervisor does for a running container: its resolver, and
// the relays of its published ports. Both end with this process.
func (f *networkFlags) serve(n *netplumb.Network, inside *nsexec.Handles) error {
	for _, s := range n.Sockets {
		start, target := relay.TCP, netip.AddrPortFrom(n.Address.Addr(), s.Mapping.Port)
		if s.Mapping.UDP {
			start = relay.UDP
		}
		if s.Mapping.Host.Is6() && n.Address6.IsValid() {
			target = netip.AddrPortFrom(n.Address6.Addr(), s.Mapping.Port)
		}
		if _, err := start(os.NewFile(uintptr(s.FD), "port"), target); err != nil {
			return fmt.Errorf("publishing port %d: %w", s.Mapping.HostPort, err)
		}
	}
	d, err := netplumb.NewDirectory(n)
	if err != nil {
		return err
	}
	_, err = names.Serve(inside.DNSPacket, inside.DNSStream, names.Directory{
		Owner: uint32(os.Getuid()), Lookup: d.Lookup, Reverse: d.Reverse,
		Gateway: n.Gateway, Gateway6: n.Gateway6, UserID: userID, UserName: userName,
	}, names.Upstream{Servers: f.DNS, Host: f.host, Changed: func(now resolvconf.Config) {
		f.rewrite(inside.Resolv, now)
	}})
	if err != nil {
		return fmt.Errorf("starting the container's resolver: %w", err)
	}
	return nil
}

// rewrite replaces the text of the container's /etc/resolv.conf. In place: it is a
// mount of this very file.
func (f *networkFlags) rewrite(file *os.File, now resolvconf.Config) {
	text := f.resolvConf(now)
	if _, err := file.WriteAt([]byte(text), 0); err == nil {
		_ = file.Truncate(int64(len(text)))
	}
}

// tellPicked says which ports of the host were found free: nobody could know otherwise.
func tellPicked(asked []ports.Mapping, sockets []netplumb.Socket) []string {
	var told []string
	var seen []ports.Mapping // as with another address the same port is opened twice
	for _, s := range sockets {
		m := s.Mapping
		if slices.ContainsFunc(asked, func(a ports.Mapping) bool { return a.HostPort == m.HostPort && fits(a, m) }) {
			continue // it was named
		}
		m.Host = netip.Addr{}
		i := slices.IndexFunc(asked, func(a ports.Mapping) bool { return a.HostPort == 0 && fits(a, s.Mapping) })
		if i < 0 || slices.Contains(seen, m) && !asked[i].Host.IsValid() {
			continue
		}
		seen = append(seen, m)
		kind := "tcp"
		if m.UDP {
			kind = "udp"
		}
		told = append(told, fmt.Sprintf("port %d of the host leads to port %d/%s of the container", m.HostPort, m.Port, kind))
	}
	return told
}

// fits tells whether a socket can have come of what was asked for, but for the
// port of the host.
func fits(asked, got ports.Mapping) bool {
	return asked.Port == got.Port && asked.UDP == got.UDP &&
		(asked.Host == got.Host || !asked.Host.IsValid() && got.Host.IsUnspecified())
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
