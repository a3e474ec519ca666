package filter

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/nlconn"
	"unc/internal/policy"
)

// revision is counted up when the rules change, so that the filter of another unc is replaced.
const revision = "4"

// stamp is the name of an empty chain that says which policy the rules are for.
func stamp(p *policy.Policy) string { return "policy-" + revision + "-" + p.Digest() }

// part is one thing of the filter that is looked up by its name: a table, or a
// chain with as many rules and references as are counted in it.
type part struct {
	family nftables.TableFamily
	chain  string // empty for the table itself
	use    uint32
}

// parts lists what must be there for the filter to be whole. The rules are
// built to be counted; what the sets begin with, which takes longest, is not listed.
func parts(p *policy.Policy) []part {
	var list []part
	for _, t := range tables(p, Routed{}) {
		list = append(list, part{family: t.family}, part{t.family, stamp(p), 0})
		for _, c := range t.chains {
			list = append(list, part{t.family, c.name, uses(t, c)})
		}
	}
	return list
}

// uses is what the kernel counts for a chain: its rules, and the rules that go to it.
func uses(t table, c chain) uint32 {
	n := uint32(len(c.rules))
	for _, other := range t.chains {
		for _, r := range other.rules {
			for _, e := range r {
				if v, ok := e.(*expr.Verdict); ok && v.Chain == c.name {
					n++
				}
			}
		}
	}
	return n
}

// Present tells whether the whole filter for this policy is there. It takes a
// look-up for each chain, all in one system call, and needs CAP_NET_ADMIN.
func Present(p *policy.Policy) (bool, error) { return allThere(parts(p)) }

func allThere(want []part) (bool, error) {
	c, err := nlconn.Dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return false, err
	}
	defer c.Close()
	reqs := make([]*nl.NetlinkRequest, len(want))
	for i, w := range want {
		reqs[i] = w.request()
	}
	whole := true
	errs, err := c.Ask(reqs, func(n int, payload []byte) {
		whole = whole && want[n].matches(payload)
	})
	if err != nil {
		return false, fmt.Errorf("looking at the packet filter: %w", err)
	}
	for _, err := range errs {
		switch {
		case errors.Is(err, unix.ENOENT):
			whole = false
		case err != nil:
			return false, fmt.Errorf("looking at the packet filter: %w", explain(err))
		}
	}
	return whole, nil
}

// nfgenmsg is struct nfgenmsg of linux/netfilter/nfnetlink.h.
type nfgenmsg struct{ family byte }

func (m nfgenmsg) Len() int          { return nfgenmsgSize }
func (m nfgenmsg) Serialize() []byte { return []byte{m.family, unix.NFNETLINK_V0, 0, 0} }

const nfgenmsgSize = 4

func (w part) request() *nl.NetlinkRequest {
	kind, parts := unix.NFT_MSG_GETTABLE, []nl.NetlinkRequestData{
		nfgenmsg{byte(w.family)}, nl.NewRtAttr(unix.NFTA_TABLE_NAME, nl.ZeroTerminated(name)),
	}
	if w.chain != "" {
		kind = unix.NFT_MSG_GETCHAIN
		parts = append(parts, nl.NewRtAttr(unix.NFTA_CHAIN_NAME, nl.ZeroTerminated(w.chain)))
	}
	return nlconn.Request(unix.NFNL_SUBSYS_NFTABLES<<8|kind, 0, parts...)
}

// matches compares the kernel's answer. A table must not be dormant.
func (w part) matches(payload []byte) bool {
	if len(payload) < nfgenmsgSize {
		return false
	}
	attrs, err := nl.ParseRouteAttr(payload[nfgenmsgSize:])
	if err != nil {
		return false
	}
	key, want := uint16(unix.NFTA_CHAIN_USE), w.use
	if w.chain == "" {
		key, want = unix.NFTA_TABLE_FLAGS, 0
	}
	for _, a := range attrs {
		if a.Attr.Type == key && len(a.Value) == 4 {
			return binaryutil.BigEndian.Uint32(a.Value) == want
		}
	}
	return false
}
