package netplumb

import (
	"net/netip"
	"sync"

	"unc/internal/lease"
	"unc/internal/name"
	"unc/internal/policy"
)

// Directory answers who has which name, from the kernel's table of links: one
// look-up each, for which nobody needs a privilege.
type Directory struct {
	net *Network

	mu sync.Mutex // one question at a time on one socket
	c  *conn
}

// NewDirectory opens a directory of the containers that are on the same bridge as n.
func NewDirectory(n *Network) (*Directory, error) {
	c, err := dial()
	if err != nil {
		return nil, err
	}
	return &Directory{c: c, net: n}, nil
}

// Close closes the directory.
func (d *Directory) Close() { d.c.Close() }

// Lookup returns the addresses of the container that the owner has called so.
func (d *Directory) Lookup(owner uint32, called string) (v4, v6 netip.Addr, ok bool) {
	if name.Check(called) != nil {
		return v4, v6, false
	}
	d.mu.Lock()
	l, err := d.c.byOtherName(nameOf(owner, called))
	d.mu.Unlock()
	if err != nil {
		return v4, v6, false
	}
	v4, ok = lease.Addr(l.name)
	if !ok || !d.net.Address.Contains(v4) {
		return netip.Addr{}, v6, false
	}
	return v4, d.net.v6Of(v4), true
}

// Reverse returns the owner and the name of the container with an address.
func (d *Directory) Reverse(addr netip.Addr) (owner uint32, name string, ok bool) {
	if addr.Is6() {
		addr = d.net.v4Of(addr)
	}
	if !addr.Is4() || !d.net.Address.Contains(addr) {
		return 0, "", false
	}
	d.mu.Lock()
	l, err := d.c.link(lease.Name(addr))
	d.mu.Unlock()
	if err != nil {
		return 0, "", false
	}
	name = containerName(l)
	return l.group, name, name != ""
}

// plan is as much of the policy as follows from one lease.
func (n *Network) plan() *policy.Policy {
	p := &policy.Policy{Subnet: n.Address.Masked()}
	if n.Address6.IsValid() {
		p.Subnet6 = n.Address6.Masked()
	}
	return p
}

func (n *Network) v6Of(v4 netip.Addr) netip.Addr {
	p := n.plan()
	number, ok := p.Number(v4)
	if !ok {
		return netip.Addr{}
	}
	return p.Addr6(number)
}

func (n *Network) v4Of(v6 netip.Addr) netip.Addr {
	p := n.plan()
	ip := v6.As16()
	var number uint32
	for _, b := range ip[12:] {
		number = number<<8 | uint32(b)
	}
	if !p.Subnet6.IsValid() || p.Addr6(number) != v6 {
		return netip.Addr{}
	}
	return p.Addr(number)
}
