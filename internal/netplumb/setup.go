package netplumb

import (
	"errors"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"unc/internal/caps"
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
	if err != nil {
		return nil, err
	}
	// Unprivileged again: what follows only reads.
	network.Resolvers, network.Search, network.Options, err = hostResolvers()
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

	p, owner := defaultPolicy, uint32(unix.Getuid())
	if fromInput {
		if pid, err = readPID(os.Stdin); err != nil {
			return nil, err
		}
	}
	netns, err := openNetns(pid)
	if err != nil {
		return nil, err
	}
	defer unix.Close(netns)
	slot, err := freeSlot(c, p, owner)
	if err != nil {
		return nil, err
	}

	mtu, err := egressMTU(c)
	if err != nil {
		return nil, err
	}

	var addr netip.Addr
	err = caps.Raise(func() error {
		bridge, err := ensureBridge(c, p)
		if err != nil {
			return err
		}
		addr, err = lease(c, wiring{policy: p, owner: owner, bridge: bridge, netns: netns, mtu: mtu}, slot)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Network{
		Interface: eth0,
		Address:   netip.PrefixFrom(addr, p.subnet.Bits()),
		Gateway:   p.gateway(),
		MTU:       mtu,
	}, nil
}
