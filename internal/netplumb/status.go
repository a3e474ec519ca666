package netplumb

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/caps"
	"unc/internal/filter"
	"unc/internal/lease"
	"unc/internal/nlconn"
	"unc/internal/policy"
)

// Status is what the kernel knows of unc's network.
type Status struct {
	Bridge   string       `json:"bridge"`
	Exists   bool         `json:"exists"` // the bridge; the first container makes it
	Subnet   netip.Prefix `json:"subnet"`
	Gateway  netip.Addr   `json:"gateway"`
	Subnet6  netip.Prefix `json:"subnet6,omitzero"`
	Gateway6 netip.Addr   `json:"gateway6,omitzero"`
	Filter   bool         `json:"filter"` // all rules are in place
	Warnings []string     `json:"warnings"`
	Leases   []Lease      `json:"leases"` // by address
}

// Lease is a container on the network.
type Lease struct {
	Interface string     `json:"interface"` // the host's end
	Address   netip.Addr `json:"address"`
	Address6  netip.Addr `json:"address6,omitzero"`
	Owner     uint32     `json:"owner"` // uid
	Name      string     `json:"name,omitempty"`
	Ports     []Port     `json:"ports,omitempty"`
}

// Port is a published one.
type Port struct {
	Protocol string         `json:"protocol"`
	Host     netip.AddrPort `json:"host"`
	Port     uint16         `json:"port"` // in the container
}

// report reads all of it. The filter and the marks of sockets are shown only to
// who has the capability; all else anybody could list himself.
func report(c *conn, p *policy.Policy, _ Request) (result Result, err error) {
	s := &Status{
		Bridge: p.Bridge, Subnet: p.Subnet, Gateway: p.Gateway(), Subnet6: p.Subnet6, Gateway6: p.Gateway6(),
		Warnings: []string{}, Leases: []Lease{},
	}
	l, err := ourBridge(c, p)
	if err != nil {
		return result, err
	}
	if s.Exists = l != nil; s.Exists {
		if s.Leases, err = listLeases(c, p, l.index); err != nil {
			return result, err
		}
	}
	var sockets []markedSocket
	err = caps.Raise(func() (err error) {
		if s.Filter, err = filter.Present(p); err != nil {
			return err
		}
		if sockets, err = listMarked(); err != nil {
			return err
		}
		list, err := filter.Obstacles(p)
		s.Warnings = asWarnings(list)
		return err
	})
	if err != nil {
		return result, err
	}
	s.enter(p, sockets)
	return Result{Status: s}, nil
}

func asWarnings(list []filter.Obstacle) []string {
	warnings := []string{}
	for _, o := range list {
		warnings = append(warnings, o.String())
	}
	return warnings
}

// listLeases lists the ports of the bridge that are leases. The kernel picks them
// out of all links (IFLA_MASTER in a dump's request).
func listLeases(c *conn, p *policy.Policy, bridge int) ([]Lease, error) {
	var found map[netip.Addr]Lease
	err := c.Dump(func() *nl.NetlinkRequest {
		found = map[netip.Addr]Lease{}
		return nlconn.Request(unix.RTM_GETLINK, 0, nl.NewIfInfomsg(unix.AF_UNSPEC),
			nl.NewRtAttr(unix.IFLA_EXT_MASK, nl.Uint32Attr(skipStats)),
			nl.NewRtAttr(unix.IFLA_MASTER, nl.Uint32Attr(uint32(bridge))))
	}, func(payload []byte) {
		l, err := parseLink(payload)
		if err != nil {
			return
		}
		if addr, ok := lease.Addr(l.name); ok {
			if number, ok := p.Number(addr); ok {
				found[addr] = Lease{Interface: l.name, Address: addr, Address6: p.Addr6(number), Owner: l.group, Name: containerName(l)}
			}
		}
	})
	list := []Lease{}
	for _, l := range found {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b Lease) int { return a.Address.Compare(b.Address) })
	return list, err
}

// enter adds each published port to the lease that its mark names.
func (s *Status) enter(p *policy.Policy, sockets []markedSocket) {
	for _, m := range sockets {
		number, port, ours := filter.Marked(m.mark)
		if !ours {
			continue
		}
		addr := p.Addr(number)
		for i := range s.Leases {
			// One of another user's is left over from who had the address before.
			if s.Leases[i].Address == addr && s.Leases[i].Owner == m.owner {
				s.Leases[i].Ports = append(s.Leases[i].Ports, Port{m.protocol, m.local, port})
			}
		}
	}
	for _, l := range s.Leases {
		slices.SortFunc(l.Ports, func(a, b Port) int {
			return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Host.Port(), b.Host.Port()), a.Host.Compare(b.Host))
		})
	}
}
