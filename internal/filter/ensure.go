package filter

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/nlconn"
	"unc/internal/policy"
)

// revision is counted up when the rules change, so that the filter of another unc is replaced.
const revision = "2"

// stamp is the name of an empty chain that says which policy the rules are for.
func stamp(p *policy.Policy) string { return "policy-" + revision + "-" + p.Digest() }

// part is one thing of the filter that is looked up by its name: a table, or a
// chain with as many rules and references as are counted in it.
type part struct {
	family nftables.TableFamily
	chain  string // empty for the table itself
	use    uint32
}

// parts lists what must be there for the filter to be whole. It is worked out
// without building the rules, which takes a hundred times as long as to look.
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

// Write puts the filter in place of whatever there is of it, in one transaction but
// for masquerading (see masqueradePorts): at no moment is anybody let through who
// should not be. The doors of running containers go with the old one; SetDoors has
// to make them anew, and then Finish is due. It needs CAP_NET_ADMIN.
func Write(p *policy.Policy, r Routed) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	all := tables(p, r)
	for _, t := range all {
		if err := write(conn, t); err != nil {
			return fmt.Errorf("building the packet filter: %w", err)
		}
	}
	err = conn.Flush()
	for _, t := range all {
		if err == nil {
			err = masqueradePorts(t)
		}
	}
	if err != nil {
		return fmt.Errorf("setting up the packet filter: %w", explain(err))
	}
	return nil
}

// Finish says that the filter is whole: not before the doors of running containers
// are open again, so that who is killed between leaves the rest to the next. When
// another process has just written it anew, that one finishes it. It needs
// CAP_NET_ADMIN.
func Finish(p *policy.Policy) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	for _, family := range []nftables.TableFamily{nftables.TableFamilyBridge, nftables.TableFamilyINet} {
		conn.AddChain(&nftables.Chain{Table: &nftables.Table{Name: name, Family: family}, Name: stamp(p)})
	}
	if err := conn.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("finishing the packet filter: %w", err)
	}
	return nil
}

// Close adds interfaces to those that are routed nowhere but to the bridge. They
// must be, before forwarding is turned on for them.
func Close(r Routed) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	table := &nftables.Table{Name: name, Family: nftables.TableFamilyINet}
	for set, keys := range r.sets() {
		if err := addKeys(conn, &nftables.Set{Table: table, Name: set}, keys); err != nil {
			return fmt.Errorf("changing the packet filter: %w", err)
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("changing the packet filter: %w", err)
	}
	return nil
}

// Remove deletes the filter, if there is any. It needs CAP_NET_ADMIN.
func Remove() error {
	conn, err := dial()
	if err != nil {
		return err
	}
	for _, family := range []nftables.TableFamily{nftables.TableFamilyBridge, nftables.TableFamilyINet} {
		// Added first, so that there is one to delete.
		conn.DelTable(conn.AddTable(&nftables.Table{Name: name, Family: family}))
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("removing the packet filter: %w", explain(err))
	}
	return nil
}

// buffers is what the largest transaction takes, several times over, in bytes.
const buffers = 4 << 20

func dial() (*nftables.Conn, error) {
	conn, err := nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error {
		return errors.Join(c.SetWriteBuffer(buffers), c.SetReadBuffer(buffers))
	}))
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	return conn, nil
}

func write(conn *nftables.Conn, t table) error {
	table := &nftables.Table{Name: name, Family: t.family}
	conn.DelTable(conn.AddTable(table))
	conn.AddTable(table)
	for _, s := range t.sets {
		ns := &nftables.Set{
			Table: table, Name: s.name, KeyType: s.key, Size: s.size,
			Dynamic: s.dynamic, HasTimeout: s.timeout > 0, Timeout: s.timeout,
			IsMap: s.verdict, DataType: nftables.TypeVerdict,
			KeyByteOrder: binaryutil.NativeEndian, // for nft to show names as such
		}
		if err := conn.AddSet(ns, nil); err != nil {
			return err
		}
		if s.keys == nil {
			continue
		}
		if err := addKeys(conn, ns, s.keys()); err != nil {
			return err
		}
	}
	for _, c := range t.chains { // all of them before the rules, which name some
		nc := &nftables.Chain{Table: table, Name: c.name}
		if c.base != nil {
			accept := nftables.ChainPolicyAccept
			nc.Type, nc.Hooknum, nc.Priority, nc.Policy = c.base.kind, c.base.hook, &c.base.priority, &accept
		}
		conn.AddChain(nc)
	}
	for _, c := range t.chains {
		for _, r := range c.rules {
			if withPorts(r) {
				continue
			}
			conn.AddRule(&nftables.Rule{Table: table, Chain: &nftables.Chain{Name: c.name}, Exprs: r})
		}
	}
	return nil
}

// chunk is how many elements go into one message, whose list can't be longer than
// 64 KiB (struct nlattr).
const chunk = 256

func addKeys(conn *nftables.Conn, s *nftables.Set, keys [][]byte) error {
	for len(keys) > 0 {
		n := min(chunk, len(keys))
		elements := make([]nftables.SetElement, n)
		for i, k := range keys[:n] {
			elements[i].Key = k
		}
		if err := conn.SetAddElements(s, elements); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// explain says what it means when the kernel does not know nftables, or a part of it.
func explain(err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT) {
		return hint.With(fmt.Errorf("this kernel lacks a part of nftables: %w", err),
			"sudo modprobe -a nf_tables nft_meta_bridge nft_ct nft_nat nft_masq nft_fib_inet nft_socket nft_connlimit")
	}
	return err
}
