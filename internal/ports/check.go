package ports

import (
	"fmt"
	"net/netip"
)

// Check refuses a list in which two mappings want the same host port at the same
// address. The kernel would refuse the second of them as well, but could not say
// who has the first. Host ports that are picked are never the same.
func Check(all []Mapping) error {
	type port struct {
		udp    bool
		number uint16
	}
	taken := make(map[port][]Mapping)
	for _, m := range all {
		if m.HostPort == 0 {
			continue
		}
		p := port{m.UDP, m.HostPort}
		for _, other := range taken[p] {
			if m == other {
				return fmt.Errorf("publishing %q: it is published twice", m.argument())
			}
			if overlap(m.Host, other.Host) {
				return fmt.Errorf("publishing %q: %q has the same host port at the same address", m.argument(), other.argument())
			}
		}
		taken[p] = append(taken[p], m)
	}
	return nil
}

// overlap tells whether some address of the host is meant by both.
func overlap(a, b netip.Addr) bool {
	switch {
	case a == b, !a.IsValid(), !b.IsValid():
		return true
	case a.Is4() != b.Is4():
		return false
	}
	return a.IsUnspecified() || b.IsUnspecified()
}
