package filter

import (
	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/nlconn"
	"unc/internal/policy"
)

// masquerade gives what leaves the bridge the host's address, and a port that
// nobody takes for that of a privileged service. What a container sends to a
// published port of this host comes back to the bridge, and its answer only comes
// back to the host when it seems to come from there.
func masquerade(p *policy.Policy) []rule {
	var rules []rule
	for _, subnet := range subnets(p) {
		outside := all(notOut(p.Bridge))
		if !p.Isolated && p.Overlay.IsValid() && subnet.Addr().Is4() {
			outside = all(outside, notTo(p.Overlay))
		}
		rules = append(rules, all(from(subnet), out(p.Bridge), redirected(), rule{&expr.Masq{}}))
		if p.NAT {
			rules = append(rules, all(from(subnet), outside, rule{
				&expr.Immediate{Register: reg(0), Data: []byte{1024 >> 8, 1024 & 0xff}},
				&expr.Immediate{Register: reg(1), Data: []byte{0xff, 0xff}},
				&expr.Masq{ToPorts: true, RegProtoMin: reg(0), RegProtoMax: reg(1)},
			}))
		}
	}
	return rules
}

// withPorts tells whether a rule is one that write leaves to masqueradePorts.
func withPorts(r rule) bool {
	m, ok := r[len(r)-1].(*expr.Masq)
	return ok && m.ToPorts
}

// masqueradePorts adds the rules that withPorts tells of. google/nftables v0.3.0
// names the ports in them, but not that they count (NF_NAT_RANGE_PROTO_SPECIFIED
// in linux/netfilter/nf_nat.h), and the kernel then heeds them as little as if they
// were not there. Until they are in place, leaving holds back what they are for.
func masqueradePorts(t table) error {
	var reqs []*nl.NetlinkRequest
	for _, c := range t.chains {
		for _, r := range c.rules {
			if !withPorts(r) {
				continue
			}
			req, err := ruleWithPorts(t.family, c.name, r)
			if err != nil {
				return err
			}
			reqs = append(reqs, req)
		}
	}
	if len(reqs) == 0 {
		return nil
	}
	c, err := nlconn.Dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Transact(unix.NFNL_SUBSYS_NFTABLES, reqs...)
}

func ruleWithPorts(family nftables.TableFamily, chain string, r rule) (*nl.NetlinkRequest, error) {
	list := nl.NewRtAttr(unix.NFTA_RULE_EXPRESSIONS|unix.NLA_F_NESTED, nil)
	last := len(r) - 1
	for _, e := range r[:last] {
		text, err := expr.Marshal(byte(family), e)
		if err != nil {
			return nil, err
		}
		list.AddRtAttr(unix.NFTA_LIST_ELEM|unix.NLA_F_NESTED, text)
	}
	ports := r[last].(*expr.Masq)
	elem := list.AddRtAttr(unix.NFTA_LIST_ELEM|unix.NLA_F_NESTED, nil)
	elem.AddRtAttr(unix.NFTA_EXPR_NAME, nl.ZeroTerminated("masq"))
	data := elem.AddRtAttr(unix.NFTA_EXPR_DATA|unix.NLA_F_NESTED, nil)
	data.AddRtAttr(unix.NFTA_MASQ_FLAGS, binaryutil.BigEndian.PutUint32(unix.NF_NAT_RANGE_PROTO_SPECIFIED))
	data.AddRtAttr(unix.NFTA_MASQ_REG_PROTO_MIN, binaryutil.BigEndian.PutUint32(ports.RegProtoMin))
	data.AddRtAttr(unix.NFTA_MASQ_REG_PROTO_MAX, binaryutil.BigEndian.PutUint32(ports.RegProtoMax))
	return nlconn.Request(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND, nfgenmsg{byte(family)},
		nl.NewRtAttr(unix.NFTA_RULE_TABLE, nl.ZeroTerminated(name)),
		nl.NewRtAttr(unix.NFTA_RULE_CHAIN, nl.ZeroTerminated(chain)), list), nil
}

// leaving drops what has kept its address on the way out: with br_netfilter the
// kernel may have seen the connection go from port to port first, and then takes it
// for one that is not to be changed.
func leaving(p *policy.Policy) []rule {
	if !p.NAT {
		return nil // nothing gets so far
	}
	var rules []rule
	for _, subnet := range subnets(p) {
		outside := all(notOut(p.Bridge), notOut("lo"))
		if !p.Isolated && p.Overlay.IsValid() && subnet.Addr().Is4() {
			outside = all(outside, notTo(p.Overlay))
		}
		rules = append(rules, all(from(subnet), outside, drop()))
	}
	return rules
}
