package netplumb

import (
	"errors"
	"net/netip"
	"runtime"

	"golang.org/x/sys/unix"

	"unc/internal/caps"
	"unc/internal/rawio"
)

// Setup is the whole of net-setup, the one stage of unc that holds a capability.
// args are those after "net-setup". It returns the network that the namespace
// of the named process now has; the capability is gone then, on every thread.
//
// Should: be the first statement of main for this stage.
// Mustn't: write anything while the capability is raised, nor look at anything
// that the caller could change between check and use.
func Setup(args []string) (*Network, error) {
	held := caps.Hold()
	network, err := setup(args, held)
	if dropped := caps.Drop(); dropped != nil {
		return nil, dropped
	}
	return network, err
}

func setup(args []string, held error) (*Network, error) {
	pid, fromInput, err := parseArgs(args)
	if err != nil {
		return nil, err
	}
	if held != nil && !errors.Is(held, caps.ErrNotPermitted) {
		return nil, held
	}
	if err := harden(); err != nil {
		return nil, err
	}
	if err := checkCaller(); err != nil {
		return nil, err
	}
	if held != nil {
		return nil, explainMissingCapability()
	}
	c, err := dial()
	if err != nil {
		return nil, err
	}
	defer c.close()

	// All that does not depend on the container is done before its number is
	// read: unc run starts this process first, and makes the container meanwhile.
	job, err := prepare(c, defaultPolicy)
	if err != nil {
		return nil, err
	}
	if fromInput {
		if pid, err = readPID(rawio.FD(0)); err != nil {
			return nil, err
		}
	}
	netns, err := openNetns(pid)
	if err != nil {
		return nil, err
	}
	defer unix.Close(netns)
	addr, err := job.lease(c, netns)
	if errors.Is(err, errQuota) || errors.Is(err, errFull) {
		addr, err = job.leaseOfTheDead(c, netns, err)
	}
	if err != nil {
		return nil, err
	}
	job.network.Address = netip.PrefixFrom(addr, job.policy.subnet.Bits())
	return &job.network, nil
}

// job is what net-setup has to do, but for the namespace to do it to.
type job struct {
	wiring
	network Network
}

// lease is all that is done with the capability.
func (j *job) lease(c *conn, netns int) (addr netip.Addr, err error) {
	// Who has no right to another lease is refused before anything is touched.
	slot, err := freeSlot(c, j.policy, j.owner)
	if err != nil {
		return netip.Addr{}, err
	}
	err = caps.Raise(func() error {
		if j.bridge == 0 {
			if j.bridge, err = makeBridge(c, j.policy); err != nil {
				return err
			}
		}
		addr, err = lease(c, j.wiring, netns, slot)
		return err
	})
	return addr, err
}

// leaseOfTheDead is for when there is nothing left. The kernel removes a network
// namespace some time after its last process, so links may be about to go: each
// time one does, there is another try, until patience is over.
func (j *job) leaseOfTheDead(c *conn, netns int, refused error) (netip.Addr, error) {
	gone, err := watchLinks(patience)
	if err != nil {
		return netip.Addr{}, err
	}
	defer gone.close()
	for {
		addr, err := j.lease(c, netns)
		if !errors.Is(err, errQuota) && !errors.Is(err, errFull) {
			return addr, err
		}
		if err := gone.wait(); err != nil {
			return netip.Addr{}, refused
		}
	}
}

// prepare only reads, with nothing in effect.
func prepare(c *conn, p policy) (*job, error) {
	// Here rather than in Raise, which needs it: the first time it starts a thread.
	runtime.LockOSThread()
	j := &job{wiring: wiring{policy: p, owner: uint32(unix.Getuid())}}
	var err error
	if j.bridge, err = findBridge(c, p); err != nil {
		return nil, err
	}
	if j.mtu, err = egressMTU(c); err != nil {
		return nil, err
	}
	j.network = Network{Interface: eth0, Gateway: p.gateway(), MTU: j.mtu}
	j.network.Resolvers, j.network.Search, j.network.Options, err = hostResolvers()
	return j, err
}
