package cli

import (
	"fmt"
	"net/netip"
	"slices"

	"unc/internal/netplumb"
	"unc/internal/ports"
)

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
		told = append(told, fmt.Sprintf("port %d of the host leads to port %d/%s of the container", m.HostPort, m.Port, m.Protocol()))
	}
	return told
}

// fits tells whether a socket can have come of what was asked for, but for the
// port of the host.
func fits(asked, got ports.Mapping) bool {
	return asked.Port == got.Port && asked.UDP == got.UDP &&
		(asked.Host == got.Host || !asked.Host.IsValid() && got.Host.IsUnspecified())
}
