package netplumb

import (
	"errors"
	"fmt"
	"net/netip"

	"unc/internal/policy"
)

// Network is what a container has to know of its network, and the only thing that
// crosses from net-setup: as JSON to whoever calls it, as one line to unc (answer.go).
type Network struct {
	Interface string       `json:"interface"`         // in the container's namespace
	Address   netip.Prefix `json:"address"`           // with the subnet's length
	Gateway   netip.Addr   `json:"gateway"`           //
	Address6  netip.Prefix `json:"address6,omitzero"` // not there when the machine's policy or kernel has no IPv6
	Gateway6  netip.Addr   `json:"gateway6,omitzero"`
	LinkLocal netip.Prefix `json:"link_local,omitzero"` // the one such address that the guard lets pass
	MTU       int          `json:"mtu"`                 // bytes
	Resolvers []netip.Addr `json:"resolvers"`           // of the host, as far as a container can reach them
	Search    []string     `json:"search,omitempty"`    // domains, see resolv.conf(5)
	Options   []string     `json:"options,omitempty"`
	Warnings  []string     `json:"warnings,omitempty"` // what keeps it from working, for a person

	Sockets []Socket `json:"-"` // on the host, one or two for each published port
}

// validate is for the receiving side.
func (n *Network) validate() error {
	switch {
	case n.Interface != eth0:
		return fmt.Errorf("interface %q, want %q", n.Interface, eth0)
	case !n.Address.IsValid() || !n.Address.Addr().Is4():
		return errors.New("no IPv4 address")
	case !n.Address.Contains(n.Gateway):
		return fmt.Errorf("gateway %v is outside %v", n.Gateway, n.Address)
	case n.Address6.IsValid() && (!n.Address6.Addr().Is6() || !n.Address6.Contains(n.Gateway6) || !n.LinkLocal.Addr().IsLinkLocalUnicast()):
		return fmt.Errorf("address %v with gateway %v and link-local %v", n.Address6, n.Gateway6, n.LinkLocal)
	case n.MTU < minMTU || n.MTU > maxMTU:
		return fmt.Errorf("MTU %d", n.MTU)
	}
	return nil
}

// eth0 is what the container's end of the veth pair is called.
const eth0 = "eth0"

func gatewayPrefix(p *policy.Policy) netip.Prefix {
	return netip.PrefixFrom(p.Gateway(), p.Subnet.Bits())
}
