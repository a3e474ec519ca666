package netplumb

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/nlconn"
	"unc/internal/policy"
)

// recorded reads from the bridge for which interfaces unc has turned forwarding on.
func recorded(c *conn, p *policy.Policy) (r filter.Routed, err error) {
	l, err := c.link(p.Bridge)
	if err != nil {
		return r, fmt.Errorf("looking at bridge %q: %w", p.Bridge, err)
	}
	var v4, v6 []string
	for _, n := range l.names {
		if name, ok := strings.CutPrefix(n, forwardPrefix); ok {
			v4 = append(v4, name)
		}
		if name, ok := strings.CutPrefix(n, forward6Prefix); ok {
			v6 = append(v6, name)
		}
	}
	return routed(c, v4, v6)
}

// routed tells bridges from other interfaces. One that is gone has no packets.
func routed(c *conn, v4, v6 []string) (filter.Routed, error) {
	r := filter.Routed{IPv4: v4, IPv6: v6, Bridges: map[string]net.HardwareAddr{}}
	for _, name := range slices.Concat(v4, v6) {
		l, err := c.link(name)
		switch {
		case errors.Is(err, unix.ENODEV):
		case err != nil:
			return r, fmt.Errorf("looking at interface %q: %w", name, err)
		case l.kind == "bridge":
			r.Bridges[name] = net.HardwareAddr(l.mac)
		}
	}
	return r, nil
}

// addRouted enters every interface that a route leads through: what answers a
// container, or asks for a published port, can come from there. The list is that of
// the host's main table, which containers have no part in; and there is the one to
// the outside, which a rule may have in another table.
func (s *switches) addRouted(c *conn, p *policy.Policy) error {
	for _, outside := range []netip.Addr{somewhere, somewhere6} {
		if outside.Is6() && !p.Subnet6.IsValid() {
			continue
		}
		links, err := routedLinks(c, outside)
		if err != nil {
			return err
		}
		for index := range links {
			name, err := c.name(index)
			switch {
			case err != nil || name == p.Bridge || name == "lo":
			case outside.Is4():
				s.add(name, "")
			default:
				s.add("", name)
			}
		}
	}
	return nil
}

// routedLinks are the links that routes of one family lead through, that to outside
// among them.
func routedLinks(c *conn, outside netip.Addr) (map[int]bool, error) {
	family := uint8(familyOf(outside))
	links := map[int]bool{}
	err := c.Dump(func() *nl.NetlinkRequest {
		msg := &nl.RtMsg{RtMsg: unix.RtMsg{Family: family, Table: unix.RT_TABLE_MAIN}}
		return nlconn.Request(unix.RTM_GETROUTE, 0, msg)
	}, func(payload []byte) {
		// Every link that is up has one to link-local addresses, from which nothing is routed.
		if r, err := parseRoute(payload); err == nil && r.kind == unix.RTN_UNICAST && !r.dst.Addr().IsLinkLocalUnicast() {
			links[r.out] = true
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listing the host's routes: %w", err)
	}
	r, err := lookUpRoute(c, outside)
	if r != nil {
		links[r.out] = true
	}
	return links, err
}
