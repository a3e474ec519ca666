package netplumb

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"unc/internal/caps"
	"unc/internal/filter"
	"unc/internal/policy"
	"unc/internal/rawio"
)

// attach gives the network namespace that is asked for a leg on the bridge.
func attach(c *conn, p *policy.Policy, r Request) (result Result, err error) {
	if err := checkAllowed(p); err != nil {
		return result, err
	}
	// All that does not depend on the container is done before its number is
	// read: unc run starts this process first, and makes the container meanwhile.
	j, err := prepare(c, p)
	if err != nil {
		return result, err
	}
	if r.PID == 0 {
		if r, err = readRequest(rawio.FD(0)); err != nil {
			return result, err
		}
	}
	netns, err := openNetns(r.PID)
	if err != nil {
		return result, err
	}
	defer unix.Close(netns)
	// As the caller too: what he may not bind to is not his to publish.
	sockets, err := openSockets(p, r.Publish)
	if err != nil {
		return result, err
	}
	number, err := j.lease(c, netns, r, sockets)
	if mayChange(err) {
		number, err = j.leaseOfTheDead(c, netns, r, sockets, err)
	}
	if err != nil {
		closeSockets(sockets)
		return result, err
	}
	return Result{Network: j.network(number, sockets)}, nil
}

// job is what net-setup has to do, but for the namespace to do it to.
type job struct {
	wiring
	warnings []string
}

// lease is all that is done with the capability.
func (j *job) lease(c *conn, netns int, r Request, sockets []Socket) (number uint32, err error) {
	// Who has no right to another lease is refused before anything is touched.
	slot, err := freeSlot(c, j.policy, j.owner)
	if err != nil {
		return 0, err
	}
	err = caps.Raise(func() error {
		if j.bridge, err = furnish(c, j.policy, j.bridge); err != nil {
			return err
		}
		j.warnings = obstacles(j.policy)
		number, err = takeLease(c, j.wiring, netns, slot, r, sockets)
		return err
	})
	return number, err
}

// obstacles says what keeps the container's packets from where they are going. That
// it can't be found out is one more thing to tell, but no reason to give up.
func obstacles(p *policy.Policy) []string {
	list, err := filter.Obstacles(p)
	if err != nil {
		return []string{err.Error()}
	}
	return asWarnings(list)
}

// mayChange tells whether the error is about something that others hold and that
// comes free when one of their links goes.
func mayChange(err error) bool {
	return errors.Is(err, errQuota) || errors.Is(err, errFull) || errors.Is(err, errHeld)
}

// leaseOfTheDead is for when there is nothing left. The kernel removes a network
// namespace some time after its last process, so links may be about to go: each
// time one does, there is another try, until patience is over.
func (j *job) leaseOfTheDead(c *conn, netns int, r Request, sockets []Socket, refused error) (uint32, error) {
	gone, err := watchLinks(patience)
	if err != nil {
		return 0, err
	}
	defer gone.close()
	for {
		number, err := j.lease(c, netns, r, sockets)
		if !mayChange(err) {
			return number, err
		}
		if err := gone.wait(); err != nil {
			return 0, refused
		}
	}
}

// prepare only reads, with nothing in effect.
func prepare(c *conn, p *policy.Policy) (*job, error) {
	j := &job{wiring: wiring{policy: p, owner: uint32(unix.Getuid()), mtu: p.MTU}}
	var err error
	if j.bridge, err = findBridge(c, p); err != nil {
		return nil, err
	}
	if j.mtu == 0 {
		j.mtu, err = egressMTU(c)
	}
	return j, err
}

// network is what the container has to know.
func (j *job) network(number uint32, sockets []Socket) *Network {
	p := j.policy
	n := &Network{
		Interface: eth0,
		Address:   netip.PrefixFrom(p.Addr(number), p.Subnet.Bits()),
		Gateway:   p.Gateway(),
		MTU:       j.mtu,
		Warnings:  j.warnings,
		Sockets:   sockets,
	}
	if p.Subnet6.IsValid() {
		n.Address6, n.Gateway6 = netip.PrefixFrom(p.Addr6(number), p.Subnet6.Bits()), p.Gateway6()
		n.LinkLocal = netip.PrefixFrom(policy.LinkLocal(number), 64)
	}
	return n
}
