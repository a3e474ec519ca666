package netplumb

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"unc/internal/caps"
	"unc/internal/filter"
	"unc/internal/lease"
	"unc/internal/nlconn"
	"unc/internal/policy"
)

// Modules are the kernel's modules that bridge, pairs and packet filter take.
func Modules() []string { return append([]string{"bridge", "veth"}, filter.Modules()...) }

// furnish makes sure of all that the machine needs for containers to be on the
// network: the bridge, with the number that findBridge has found or 0, the filter,
// and forwarding. It takes the capability. On a machine where all is there it looks
// at the filter, and changes nothing.
func furnish(c *conn, p *policy.Policy, bridge int) (int, error) {
	var err error
	made := bridge == 0
	if made {
		if bridge, err = makeBridge(c, p); err != nil {
			return 0, err
		}
	}
	present, err := filter.Present(p)
	if err != nil {
		return 0, err
	}
	yielded, err := yield(c, p)
	if err != nil {
		return 0, err
	}
	if !present || yielded {
		if err := rebuild(c, p, bridge, made); err != nil {
			return 0, err
		}
	}
	if !p.NAT {
		return bridge, nil
	}
	if err := routeBridge(p); err != nil {
		return 0, err
	}
	var closed switches
	if err := closed.addRouted(c, p); err != nil {
		return 0, err
	}
	return bridge, turnOn(c, p, bridge, closed)
}

// rebuild writes the whole filter.
func rebuild(c *conn, p *policy.Policy, bridge int, made bool) error {
	// It may be because of a changed policy, which may have other addresses.
	if !made {
		if err := finishBridge(c, p, bridge); err != nil {
			return err
		}
	}
	r, err := recorded(c, p)
	if err != nil {
		return err
	}
	if err := filter.Write(p, r); err != nil {
		return err
	}
	// Another net-setup may have closed more, or opened doors, in what was there
	// before: the notes on the bridge, and the marks, it makes first.
	if r, err = recorded(c, p); err != nil {
		return err
	}
	if err := filter.Close(r); err != nil {
		return err
	}
	if err := reopenDoors(c, p); err != nil {
		return err
	}
	return filter.Finish(p)
}

// reopenDoors gives the links of running containers the doors that went with the
// rules. Should more sockets have been marked by the time that is done, it is done
// again; who marks one after that sees that the rules have changed, and opens its
// doors itself.
func reopenDoors(c *conn, p *policy.Policy) error {
	var opened map[int][]filter.Door
	for range 10 {
		wanted, err := markedDoors(c, p)
		if err != nil || opened != nil && maps.EqualFunc(opened, wanted, slices.Equal) {
			return err
		}
		for index, doors := range wanted {
			if err := filter.SetDoors(index, doors); err != nil {
				return err
			}
		}
		for index := range opened {
			if _, still := wanted[index]; !still {
				if err := filter.SetDoors(index, nil); err != nil {
					return err
				}
			}
		}
		opened = wanted
	}
	return nil
}

// markedDoors are the doors that links should have, going by the marks of their
// owners' sockets.
func markedDoors(c *conn, p *policy.Policy) (map[int][]filter.Door, error) {
	sockets, err := listMarked()
	if err != nil {
		return nil, err
	}
	doors := map[int][]filter.Door{}
	for _, s := range sockets {
		number, port, ours := filter.Marked(s.mark)
		if !ours {
			continue
		}
		l, err := c.link(lease.Name(p.Addr(number)))
		if err == nil && l.group == s.owner {
			doors[l.index] = append(doors[l.index], filter.Door{UDP: s.protocol == "udp", Port: port})
		}
	}
	return doors, nil
}

// reload puts back what is missing: somebody may have flushed all rules, or
// reloaded a firewall that does.
func reload(c *conn, p *policy.Policy, _ Request) (result Result, err error) {
	if unix.Getuid() != 0 {
		if err := checkAllowed(p); err != nil {
			return result, err
		}
	}
	bridge, err := findBridge(c, p)
	if err != nil {
		return result, err
	}
	err = caps.Raise(func() error {
		_, err := furnish(c, p, bridge)
		return err
	})
	if err != nil {
		return result, err
	}
	return report(c, p, Request{})
}

// errNotRoot is for what only root may do.
var errNotRoot = errors.New("only root may remove the network of all containers")

// removeAll takes unc's network off the machine. The bridge goes last: what unc
// has changed is written on it.
func removeAll(c *conn, p *policy.Policy, _ Request) (result Result, err error) {
	if unix.Getuid() != 0 {
		return result, errNotRoot
	}
	return result, caps.Raise(func() error {
		l, err := anyOurs(c, p)
		if err != nil {
			return err
		}
		if l == nil {
			return filter.Remove()
		}
		// Before the filter, so that at no moment more is routed than before.
		if err := turnOff(l); err != nil {
			return err
		}
		// Down first: what it still carried, nobody would guard.
		down := nlconn.Task{Doing: "bringing down", Req: setDown(l.index), Pardon: unix.ENODEV}
		if err := c.Perform("bridge "+strconv.Quote(p.Bridge), down); err != nil {
			return err
		}
		if err := filter.Remove(); err != nil {
			return err
		}
		removeLink(c, l.index)
		if c.hasIndex(l.index) {
			return fmt.Errorf("bridge %q can't be deleted", p.Bridge)
		}
		return nil
	})
}
