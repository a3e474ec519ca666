package netplumb

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/nlconn"
	"unc/internal/policy"
	"unc/internal/rawio"
)

// Forwarding is turned on for the interfaces that containers' packets arrive at:
// the bridge, those that lead to the outside, and for published ports all that have
// an address. Not for the whole host where the kernel can tell them apart: it does
// for IPv4, and since Linux 6.17 for IPv6 (force_forwarding). What arrives there
// for anybody else is dropped by the filter, in which the interfaces are entered
// before the setting is changed.
//
// Which interfaces these are, and all else that unc has changed outside of its own
// bridge, is written on the bridge, as further names of it: reload and remove find
// it there.
const (
	forwardPrefix  = "unc-forward."   // INTERFACE: net.ipv4.conf.INTERFACE.forwarding was 0
	forward6Prefix = "unc-forward6."  // INTERFACE: net.ipv6.conf.INTERFACE.force_forwarding was 0
	allForward6    = "unc-forward6"   // net.ipv6.conf.all.forwarding was 0
	acceptRAPrefix = "unc-accept-ra." // INTERFACE: net.ipv6.conf.INTERFACE.accept_ra was 1
)

func sysctlPath(family, link, name string) string {
	return "/proc/sys/net/" + family + "/conf/" + link + "/" + name
}

func setSysctl(family, link, name, value string) error {
	path := sysctlPath(family, link, name)
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return fmt.Errorf("setting %q to %s: %w", path, value, err)
	}
	return nil
}

// sysctlIs tells whether a setting has that value; one that is not there has none.
func sysctlIs(family, link, name, value string) bool {
	text, err := rawio.ReadFile(sysctlPath(family, link, name), 64)
	return err == nil && strings.TrimSpace(string(text)) == value
}

// switches are the settings that have to be turned on.
type switches struct {
	v4, v6 []string // interfaces
	allV6  bool     // the one for all interfaces, on a kernel that has no other
}

func (s *switches) none() bool { return len(s.v4) == 0 && len(s.v6) == 0 && !s.allV6 }

// routeBridge turns forwarding on for what comes from the bridge itself. It is not
// recorded: the setting goes with the bridge. A kernel without the one for IPv6 has
// nothing to turn on before there is a way to the outside.
func routeBridge(p *policy.Policy) error {
	for _, s := range [...][2]string{{"ipv4", "forwarding"}, {"ipv6", "force_forwarding"}} {
		if sysctlIs(s[0], p.Bridge, s[1], "0") {
			if err := setSysctl(s[0], p.Bridge, s[1], "1"); err != nil {
				return err
			}
		}
	}
	return nil
}

// closed returns those of the way to the outside. It takes no privilege.
func (e egress) closed() switches {
	var s switches
	s.add(e.over[0], e.over[1])
	return s
}

// add enters two interfaces, either of which may be empty, for IPv4 and IPv6.
func (s *switches) add(v4, v6 string) {
	if v4 != "" && !slices.Contains(s.v4, v4) && sysctlIs("ipv4", v4, "forwarding", "0") {
		s.v4 = append(s.v4, v4)
	}
	if v6 == "" || !sysctlIs("ipv6", "all", "forwarding", "0") {
		return
	}
	switch {
	case sysctlIs("ipv6", v6, "force_forwarding", "0") && !slices.Contains(s.v6, v6):
		s.v6 = append(s.v6, v6)
	case sysctlIs("ipv6", v6, "force_forwarding", "1"):
	case !slices.Contains(s.v6, v6):
		s.allV6 = true
	}
}

// turnOn opens the ways that s names. The order is what keeps the host as closed
// as it was: the record, the filter, and the setting last.
func turnOn(c *conn, p *policy.Policy, bridge int, s switches) error {
	if s.none() {
		return nil
	}
	var ra []string
	if s.allV6 {
		var err error
		if ra, err = listenersToRA(); err != nil {
			return err
		}
	}
	if err := record(c, bridge, s, ra); err != nil {
		return err
	}
	if s.allV6 {
		r, err := recorded(c, p)
		if err != nil {
			return err
		}
		if err := filter.Write(p, r); err != nil {
			return err
		}
	} else if err := filter.Close(filter.Routed{IPv4: s.v4, IPv6: s.v6}); err != nil {
		return err
	}
	for _, name := range s.v4 {
		if err := setSysctl("ipv4", name, "forwarding", "1"); err != nil {
			return err
		}
	}
	for _, name := range s.v6 {
		if err := setSysctl("ipv6", name, "force_forwarding", "1"); err != nil {
			return err
		}
	}
	if !s.allV6 {
		return nil
	}
	// A router does not heed router advertisements, unless it is told to before
	// it becomes one: it would lose its own default route (ip-sysctl, accept_ra).
	for _, name := range ra {
		if err := setSysctl("ipv6", name, "accept_ra", "2"); err != nil {
			return err
		}
	}
	return setSysctl("ipv6", "all", "forwarding", "1")
}

// listenersToRA are the interfaces that take their routes from router advertisements,
// and "default" when those to come will.
func listenersToRA() ([]string, error) {
	entries, err := os.ReadDir("/proc/sys/net/ipv6/conf")
	if err != nil {
		return nil, fmt.Errorf("listing the interfaces with IPv6: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "all" && sysctlIs("ipv6", e.Name(), "accept_ra", "1") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// record writes on the bridge what is about to be changed.
func record(c *conn, bridge int, s switches, ra []string) error {
	var names []string
	for _, n := range s.v4 {
		names = append(names, forwardPrefix+n)
	}
	for _, n := range s.v6 {
		names = append(names, forward6Prefix+n)
	}
	if s.allV6 {
		names = append(names, allForward6)
	}
	for _, n := range ra {
		names = append(names, acceptRAPrefix+n)
	}
	var tasks []nlconn.Task
	for _, n := range names {
		tasks = append(tasks, nlconn.Task{Doing: "noting " + n + " on", Req: addName(bridge, n), Pardon: unix.EEXIST})
	}
	return c.Perform("the bridge", tasks...)
}

// recorded reads from the bridge for which interfaces unc has turned forwarding on.
func recorded(c *conn, p *policy.Policy) (r filter.Routed, err error) {
	l, err := c.link(p.Bridge)
	if err != nil {
		return r, fmt.Errorf("looking at bridge %q: %w", p.Bridge, err)
	}
	for _, n := range l.names {
		if name, ok := strings.CutPrefix(n, forwardPrefix); ok {
			r.IPv4 = append(r.IPv4, name)
		}
		if name, ok := strings.CutPrefix(n, forward6Prefix); ok {
			r.IPv6 = append(r.IPv6, name)
		}
		r.AllIPv6 = r.AllIPv6 || n == allForward6
	}
	return r, nil
}

// turnOff takes back what is recorded on the bridge.
func turnOff(l *link) error {
	var errs []error
	for _, n := range l.names {
		for _, s := range []struct{ prefix, family, name, is, was string }{
			{forwardPrefix, "ipv4", "forwarding", "1", "0"},
			{forward6Prefix, "ipv6", "force_forwarding", "1", "0"},
			{acceptRAPrefix, "ipv6", "accept_ra", "2", "1"},
		} {
			if name, ok := strings.CutPrefix(n, s.prefix); ok && sysctlIs(s.family, name, s.name, s.is) {
				errs = append(errs, setSysctl(s.family, name, s.name, s.was))
			}
		}
		if n == allForward6 {
			errs = append(errs, setSysctl("ipv6", "all", "forwarding", "0"))
		}
	}
	return errors.Join(errs...)
}

// addAll enters every interface that has an address and could be where somebody
// connects to a published port.
func (s *switches) addAll(c *conn, p *policy.Policy) error {
	return c.addresses(0, func(index int, addr netip.Addr) {
		name, err := c.name(index)
		switch {
		case err != nil || name == p.Bridge || addr.IsLoopback():
		case addr.Is4():
			s.add(name, "")
		case p.Subnet6.IsValid() && !addr.IsLinkLocalUnicast():
			s.add("", name)
		}
	})
}
