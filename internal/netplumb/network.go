package netplumb

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Network is what a container has to know of its network, and the only thing that
// crosses from net-setup: as JSON to whoever calls it, as one line to unc (answer.go).
type Network struct {
	Interface string       `json:"interface"` // in the container's namespace
	Address   netip.Prefix `json:"address"`   // with the subnet's length
	Gateway   netip.Addr   `json:"gateway"`
	MTU       int          `json:"mtu"` // bytes
	Resolvers []netip.Addr `json:"resolvers"`
	Search    []string     `json:"search,omitempty"` // domains, see resolv.conf(5)
	Options   []string     `json:"options,omitempty"`
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
	case n.MTU < minMTU || n.MTU > maxMTU:
		return fmt.Errorf("MTU %d", n.MTU)
	}
	// Each is a word in a line of resolv.conf.
	for _, word := range slices.Concat(n.Search, n.Options) {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return fmt.Errorf("search or option %q", word)
		}
	}
	return nil
}

// eth0 is what the container's end of the veth pair is called.
const eth0 = "eth0"

// A policy says what net-setup may do. Root makes it; nothing that the caller
// controls has a part in it.
type policy struct {
	bridge     string
	subnet     netip.Prefix
	maxPerUser int
}

var defaultPolicy = policy{
	bridge:     "unc0",
	subnet:     netip.MustParsePrefix("10.100.42.0/24"),
	maxPerUser: 128,
}

// gateway is the first address of the subnet, the bridge's own.
func (p policy) gateway() netip.Addr { return p.subnet.Masked().Addr().Next() }
