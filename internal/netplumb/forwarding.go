package netplumb

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/lease"
	"unc/internal/nlconn"
	"unc/internal/policy"
	"unc/internal/rawio"
)

// Forwarding is turned on for the interfaces that containers' packets arrive at: the
// bridge, and those that the host has routes through. Not for the whole host where
// the kernel can tell them apart: it does for IPv4, and since Linux 6.17 for IPv6 (force_forwarding). What arrives there
// for anybody else is dropped by the filter, in which the interfaces are entered
// before the setting is changed.
//
// Which interfaces these are, and all else that unc has changed outside of its own
// bridge, is written on the bridge, as further names of it: reload and remove find
// it there.
const (
	forwardPrefix  = "unc-forward."   // INTERFACE: net.ipv4.conf.INTERFACE.forwarding was 0
	forward6Prefix = "unc-forward6."  // INTERFACE: net.ipv6.conf.INTERFACE.force_forwarding was 0, or
	allForward6    = "unc-forward6"   // net.ipv6.conf.all.forwarding was
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

// setSysctls sets one setting of several links, up to the first that fails.
func setSysctls(family string, links []string, name, value string) error {
	for _, link := range links {
		if err := setSysctl(family, link, name, value); err != nil {
			return err
		}
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
	ra, err := s.addAllIPv6(p)
	if err != nil {
		return err
	}
	if err := record(c, bridge, s, ra); err != nil {
		return err
	}
	r, err := routed(c, s.v4, s.v6)
	if err != nil {
		return err
	}
	if err := filter.Close(r); err != nil {
		return err
	}
	if err := setSysctls("ipv4", s.v4, "forwarding", "1"); err != nil {
		return err
	}
	if !s.allV6 {
		return setSysctls("ipv6", s.v6, "force_forwarding", "1")
	}
	// A router does not heed router advertisements, unless it is told to before
	// it becomes one: it would lose its own default route (ip-sysctl, accept_ra).
	if err := setSysctls("ipv6", ra, "accept_ra", "2"); err != nil {
		return err
	}
	return setSysctl("ipv6", "all", "forwarding", "1")
}

// addAllIPv6 enters what the one setting for all is going to change, and returns which
// interfaces heed router advertisements. There is nothing to do where there are
// settings for each.
func (s *switches) addAllIPv6(p *policy.Policy) (ra []string, err error) {
	if !s.allV6 {
		return nil, nil
	}
	links, err := withIPv6()
	if err != nil {
		return nil, err
	}
	for _, name := range links {
		// The one setting is for all that there are; those to come are their makers'.
		if name != "default" && name != "lo" && name != p.Bridge && !strings.HasPrefix(name, lease.Prefix) {
			s.v6 = append(s.v6, name)
		}
		if sysctlIs("ipv6", name, "accept_ra", "1") {
			ra = append(ra, name)
		}
	}
	return ra, nil
}

// withIPv6 are the interfaces that IPv6 has settings for, and "default", which has
// those of interfaces to come.
func withIPv6() ([]string, error) {
	entries, err := os.ReadDir("/proc/sys/net/ipv6/conf")
	if err != nil {
		return nil, fmt.Errorf("listing the interfaces with IPv6: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "all" {
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

// yield leaves forwarding to whoever has turned it on for the whole host since: it
// is no business of unc's any more what comes in elsewhere, nor to turn it off. It
// tells whether there was anything to leave, and so rules to be written anew.
func yield(c *conn, p *policy.Policy) (bool, error) {
	v4, v6 := sysctlIs("ipv4", "all", "forwarding", "1"), sysctlIs("ipv6", "all", "forwarding", "1")
	if !v4 && !v6 {
		return false, nil
	}
	l, err := c.link(p.Bridge)
	if err != nil {
		return false, fmt.Errorf("looking at bridge %q: %w", p.Bridge, err)
	}
	v6 = v6 && !slices.Contains(l.names, allForward6) // else it was unc
	var tasks []nlconn.Task
	for _, n := range l.names {
		if v4 && strings.HasPrefix(n, forwardPrefix) || v6 && strings.HasPrefix(n, forward6Prefix) {
			tasks = append(tasks, nlconn.Task{Doing: "forgetting " + n + " on", Req: removeName(l.index, n), Pardon: unix.ENOENT})
		}
	}
	if len(tasks) == 0 {
		return false, nil
	}
	return true, c.Perform("the bridge", tasks...)
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
