package netplumb

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"

	"unc/internal/rawio"
)

// resolvConfs are where the host's resolvers are found. The first is the one
// that the host itself uses; it may name only a stub on the host's loopback,
// which a container can't reach, and then those who wrote the stub's name there
// keep the real ones in the others.
var resolvConfs = []string{
	"/etc/resolv.conf",
	"/run/systemd/resolve/resolv.conf",
	"/run/NetworkManager/no-stub-resolv.conf",
	"/run/resolvconf/resolv.conf",
}

// maxResolvConf is how much of such a file is read, in bytes.
const maxResolvConf = 64 << 10

// hostResolvers returns the resolvers that a container on the bridge can reach,
// and the search list and options of the host. There may be none.
func hostResolvers() (servers []netip.Addr, search, options []string, err error) {
	for i, path := range resolvConfs {
		text, err := rawio.ReadFile(path, maxResolvConf)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return nil, nil, nil, fmt.Errorf("reading the host's resolvers: %w", err)
		}
		s, domains, opts := parseResolvConf(string(text))
		if i == 0 || len(search) == 0 {
			search, options = domains, opts
		}
		for _, addr := range s {
			if reachable(addr) {
				servers = append(servers, addr)
			}
		}
		if len(servers) > 0 {
			break
		}
	}
	return servers, search, options, nil
}

// reachable tells whether a container, which has IPv4 only, can send there.
func reachable(addr netip.Addr) bool {
	return addr.Is4() && !addr.IsLoopback() && !addr.IsUnspecified()
}

// maxResolvers is how many nameserver lines a resolver library heeds (MAXNS in resolv.conf(5)).
const maxResolvers = 3

// parseResolvConf reads resolv.conf(5). Lines that mean nothing are passed over,
// as libc does; of several search lines the last counts.
func parseResolvConf(text string) (servers []netip.Addr, search, options []string) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.ContainsAny(fields[0][:1], "#;") {
			continue
		}
		switch fields[0] {
		case "nameserver":
			if addr, err := netip.ParseAddr(fields[1]); err == nil {
				servers = append(servers, addr.Unmap())
			}
		case "domain", "search":
			search = fields[1:]
		case "options":
			options = append(options, fields[1:]...)
		}
	}
	return servers, search, options
}

// ResolvConf is the text for the container's /etc/resolv.conf.
func (n *Network) ResolvConf() string {
	var b strings.Builder
	for _, addr := range n.Resolvers[:min(len(n.Resolvers), maxResolvers)] {
		fmt.Fprintf(&b, "nameserver %v\n", addr)
	}
	if len(n.Resolvers) == 0 {
		b.WriteString("# this host's resolvers are on its loopback, where a container can't reach them\n")
	}
	if len(n.Search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(n.Search, " "))
	}
	if len(n.Options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(n.Options, " "))
	}
	return b.String()
}

// Hosts is the text for the container's /etc/hosts.
func (n *Network) Hosts(hostname string) string {
	return fmt.Sprintf("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n%v\t%s\n", n.Address.Addr(), hostname)
}
