package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"unc/internal/netplumb"
	"unc/internal/nsexec"
	"unc/internal/rawio"
	"unc/internal/resolvconf"
)

// writeNames writes what of the container's /etc does not depend on its addresses. The
// file for the resolver stays open, for serve.
func (f *networkFlags) writeNames(inside *nsexec.Handles, hostname string) error {
	if f.peer == nil {
		f.host = resolvconf.NewWatch(resolvconf.HostFile)
	}
	return errors.Join(
		fill(inside.Resolv, f.resolv()),
		fill(inside.Hostname, hostname+"\n"),
		inside.Hostname.Close())
}

// writeHosts writes the container's /etc/hosts, and returns what it wrote.
func (f *networkFlags) writeHosts(n *netplumb.Network, inside *nsexec.Handles, hostname, name string) (string, error) {
	hosts, err := f.hosts(n, hostname, name)
	if err != nil {
		return "", err
	}
	return hosts, errors.Join(fill(inside.Hosts, hosts), inside.Hosts.Close())
}

func fill(file *os.File, text string) error {
	if _, err := file.WriteString(text); err != nil {
		return fmt.Errorf("writing the container's /etc/%s: %w", file.Name(), err)
	}
	return nil
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
		return errors.New("it is not a name, a colon and an address")
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
func (f *networkFlags) hosts(n *netplumb.Network, hostname, name string) (string, error) {
	gateway, gateway6 := netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.Addr{}
	var b strings.Builder
	line := func(addr netip.Addr, names ...string) {
		if addr.IsValid() {
			fmt.Fprintf(&b, "%v\t%s\n", addr, strings.Join(names, " "))
		}
	}
	own := []string{hostname}
	if name != "" && name != hostname {
		own = append(own, name)
	}
	switch {
	case f.peer != nil:
		fmt.Fprintf(&b, "%s\n", strings.TrimSuffix(f.peer.hosts, "\n"))
		if host := hostIn(f.peer.hosts); host.IsValid() {
			gateway = host
		}
	case f.Network == onHost:
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
	if f.Network != alone && f.peer == nil {
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

// resolv is the text of the container's /etc/resolv.conf by now.
func (f *networkFlags) resolv() string {
	if f.peer != nil {
		return f.peer.resolv // who answers there is the other container's supervisor
	}
	host, _ := f.host.Current()
	return f.resolvConf(host)
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

// rewrite replaces the text of the container's /etc/resolv.conf. In place: it is a
// mount of this very file.
func (f *networkFlags) rewrite(file *os.File, now resolvconf.Config) {
	text := f.resolvConf(now)
	if _, err := file.WriteAt([]byte(text), 0); err == nil {
		_ = file.Truncate(int64(len(text)))
	}
}
