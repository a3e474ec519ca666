package netplumb

import (
	"errors"

	"golang.org/x/sys/unix"

	"unc/internal/caps"
	"unc/internal/filecap"
	"unc/internal/filter"
	"unc/internal/hint"
	"unc/internal/lease"
	"unc/internal/policy"
)

// Checkup is all that its caller's network depends on, each part by itself: what is
// wrong with one keeps none of the others from being told. Nil is well, or with Terms
// nil not known.
type Checkup struct {
	Setup   *Failure  `json:"setup,omitempty"`   // net-setup can't work here at all
	Policy  *Failure  `json:"policy,omitempty"`  // what the administrator says can't be read
	Terms   *Terms    `json:"terms,omitempty"`   // what he says of this caller
	Allowed *Failure  `json:"allowed,omitempty"` // the caller may not use the network
	Quota   *Failure  `json:"quota,omitempty"`   // no further container
	Ports   *Failure  `json:"ports,omitempty"`   // no further published port
	Bridge  *Failure  `json:"bridge,omitempty"`  // its name or its addresses are somebody else's
	Filter  *Failure  `json:"filter,omitempty"`  // the kernel's packet filter can't be used
	InPlace bool      `json:"in_place"`          // bridge and filter are there
	Drops   []Failure `json:"drops,omitempty"`   // other firewalls that drop what containers send
}

// Failure is an error and its hints, for another process.
type Failure struct {
	Text  string   `json:"text"`
	Hints []string `json:"hints,omitempty"`
}

// Err is the failure as an error again.
func (f *Failure) Err() error {
	if f == nil {
		return nil
	}
	return hint.With(errors.New(f.Text), f.Hints...)
}

func failure(err error) *Failure {
	if err == nil {
		return nil
	}
	return &Failure{err.Error(), hint.Of(err)}
}

// Terms are the policy, as far as it is about one user, and what he has of it.
type Terms struct {
	Bridge     string        `json:"bridge"`
	Subnet     string        `json:"subnet"`
	Addresses  int           `json:"addresses"` // for containers of all users
	IPv6       bool          `json:"ipv6"`      // they have an address of that, too
	Leases     int           `json:"leases"`    // containers of the user's that are on the network
	MaxLeases  int           `json:"max_leases"`
	Ports      int           `json:"ports"` // that the user has published
	MaxPorts   int           `json:"max_ports"`
	Publish    []policy.Span `json:"publish"` // host ports that may be
	Isolated   bool          `json:"isolated"`
	NAT        bool          `json:"nat"`
	HostAccess bool          `json:"host_access"`
}

// checkup looks at everything that attach would, and changes nothing. held is why there
// is no capability, without which only the packet filter can't be looked at.
//
// Should: go on after each failure.
// Mustn't: tell of others than the caller what unc net does not tell everybody.
func checkup(held error) *Checkup {
	k := &Checkup{}
	if err := checkCaller(false); err != nil {
		k.Setup = failure(err)
		return k
	}
	if held != nil {
		k.Setup = failure(filecap.Why())
	}
	p, err := policy.Load()
	if err != nil {
		k.Policy = failure(err)
		return k
	}
	first, last := p.Numbers()
	k.Terms = &Terms{
		Bridge: p.Bridge, Subnet: p.Subnet.String(), Addresses: int(last - first + 1), IPv6: p.Subnet6.IsValid(), MaxLeases: p.MaxPerUser, MaxPorts: p.MaxPorts,
		Publish: p.Publish, Isolated: p.Isolated, NAT: p.NAT, HostAccess: p.HostAccess,
	}
	k.Allowed = failure(checkAllowed(p))
	c, err := dial()
	if err != nil {
		k.Setup = failure(err)
		return k
	}
	defer c.Close()
	k.count(c, p, uint32(unix.Getuid()))
	bridge := k.lookAtBridge(c, p)
	if held == nil {
		k.lookAtFilter(p, bridge)
	}
	return k
}

// count goes through the slots of the user's quotas, one look-up each.
func (k *Checkup) count(c *conn, p *policy.Policy, owner uint32) {
	for slot := range uint32(p.MaxPerUser) {
		if c.hasIndex(lease.Index(owner, slot)) {
			k.Terms.Leases++
		}
	}
	if k.Terms.Leases == p.MaxPerUser {
		_, err := freeSlot(c, p, owner)
		k.Quota = failure(err)
	}
	for slot := range uint32(p.MaxPorts) {
		if _, err := c.byOtherName(portSlot(owner, slot)); err == nil {
			k.Terms.Ports++
		}
	}
	if k.Terms.Ports == p.MaxPorts {
		k.Ports = failure(tooManyPorts(p))
	}
}

// lookAtBridge returns the bridge's number, 0 when there is none yet.
func (k *Checkup) lookAtBridge(c *conn, p *policy.Policy) int {
	l, err := ourBridge(c, p)
	if err != nil {
		k.Bridge = failure(err)
		return 0
	}
	bridge := 0
	if l != nil {
		bridge = l.index
	}
	k.Bridge = failure(checkSubnetFree(c, p, bridge))
	return bridge
}

func (k *Checkup) lookAtFilter(p *policy.Policy, bridge int) {
	var list []filter.Obstacle
	err := caps.Raise(func() error {
		present, err := filter.Present(p)
		if err != nil {
			return err
		}
		k.InPlace = present && bridge != 0
		list, err = filter.Obstacles(p)
		return err
	})
	k.Filter = failure(err)
	for _, o := range list {
		k.Drops = append(k.Drops, Failure{o.Text, []string{o.Command}})
	}
}
