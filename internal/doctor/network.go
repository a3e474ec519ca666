package doctor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"unc/internal/hint"
	"unc/internal/netplumb"
	"unc/internal/policy"
)

// network is what net-setup has found, a finding for each thing.
func (m *machine) network() []Finding {
	k, err := m.options.Checkup()
	if err != nil {
		return []Finding{found("net-setup", Problem, err)}
	}
	list := []Finding{judged("net-setup", k.Setup.Err(), "it starts, and has the capability")}
	if k.Policy != nil {
		return append(list, found("policy", Problem, k.Policy.Err()))
	}
	if k.Terms == nil {
		return list
	}
	list = append(list,
		judged("policy", k.Allowed.Err(), "this user may use the network"),
		judged("quota", k.Quota.Err(), fmt.Sprintf("%d of %d containers and %d of %d published ports are taken", k.Terms.Leases, k.Terms.MaxLeases, k.Terms.Ports, k.Terms.MaxPorts)),
		publishing(k), reach(k.Terms),
		judged("bridge", k.Bridge.Err(), fmt.Sprintf("%s may have %s", k.Terms.Bridge, k.Terms.Subnet)),
		m.neighbours(k.Terms),
	)
	if k.Setup != nil {
		return list // it could not look at the rest
	}
	in := "can be set up"
	if k.InPlace {
		in = "is in place"
	}
	list = append(list, judged("filter", k.Filter.Err(), "the packet filter "+in))
	return append(list, firewall(k)...)
}

// publishing is what the user may do with ports of the host's.
func publishing(k *netplumb.Checkup) Finding {
	const name = "publish"
	switch {
	case len(k.Terms.Publish) == 0 || k.Terms.MaxPorts == 0:
		return found(name, Note, hint.With(errors.New("no port may be published: "+policy.File+" says so"),
			"sudoedit "+policy.File+"    # as root: PUBLISH and MAX_PORTS_PER_USER"))
	case k.Ports != nil:
		return found(name, Note, k.Ports.Err())
	}
	return fine(name, "host ports that may be: "+spans(k.Terms.Publish))
}

func spans(list []policy.Span) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = strconv.Itoa(int(s.First))
		if s.Last != s.First {
			words[i] += "-" + strconv.Itoa(int(s.Last))
		}
	}
	return strings.Join(words, ", ")
}

// reach is where containers get to, by the administrator's will.
func reach(t *netplumb.Terms) Finding {
	var denied, keys []string
	if !t.NAT {
		denied, keys = append(denied, "the outside"), append(keys, "NAT")
	}
	if !t.HostAccess {
		denied, keys = append(denied, "the host"), append(keys, "HOST_ACCESS")
	}
	others := "each other, but not those of other users"
	if !t.Isolated {
		others = "each other, and those of other users"
	}
	if len(denied) == 0 {
		return fine("reach", "containers get to the outside, to the host and to "+others)
	}
	return found("reach", Note, hint.With(
		fmt.Errorf("containers do not get to %s: %s says so", strings.Join(denied, " and "), policy.File),
		"sudoedit "+policy.File+"    # as root: "+strings.Join(keys, "=yes, ")+"=yes"))
}

// firewall is one finding for each that drops, as each has its own command.
func firewall(k *netplumb.Checkup) []Finding {
	const name = "firewall"
	var list []Finding
	for i := range k.Drops {
		list = append(list, found(name, Problem, k.Drops[i].Err()))
	}
	if list == nil && k.Filter == nil {
		list = append(list, fine(name, "no other firewall that unc knows drops what containers send"))
	}
	return list
}
