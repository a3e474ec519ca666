package filter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/nlconn"
)

// Door is a port by which others may come in to a container.
type Door struct {
	UDP  bool
	Port uint16
}

const doors = "doors"

// entering is where what has been to a published port is about to leave the bridge
// for a container. A socket with a mark is in its owner's hands, and can outlive the
// link that it was made for, as can an entry in the table of connections; by then
// the address may be another user's. So a mark alone lets nobody in: the link that
// has the address now must have a door for it. A link's number is one of its owner's
// (lease.Index), so nobody can make doors for another.
func entering() chain {
	return chain{
		name: "entering",
		base: &base{nftables.ChainTypeFilter, nftables.ChainHookPostrouting, bridgePriorityFirst},
		rules: []rule{
			all(hasMark(expr.CmpOpNeq, []byte{2: magicMask, 3: 0xff}, packetMark(inward)), accept()),
			all(outPort(expr.CmpOpNeq), accept()),
			{&expr.Meta{Key: expr.MetaKeyOIF, Register: reg(0)}, &expr.Lookup{SourceRegister: reg(0), IsDestRegSet: true, SetName: doors}},
			drop(),
		},
	}
}

// doorRules let through what is for the ports: first parts of packets that have one,
// later parts, which are worth nothing without, and reports of errors.
func doorRules(ports *nftables.Set) []rule {
	const fragmentOffset = 0x1fff // RFC 791
	later4 := rule{load(networkLayer, 6, 2, 0), &expr.Bitwise{
		SourceRegister: reg(0), DestRegister: reg(0), Len: 2, Mask: []byte{fragmentOffset >> 8, fragmentOffset & 0xff}, Xor: make([]byte, 2),
	}, compare(expr.CmpOpNeq, make([]byte, 2))}
	later6 := rule{&expr.Exthdr{DestRegister: reg(0), Type: unix.IPPROTO_FRAGMENT, Offset: 2, Len: 2, Op: expr.ExthdrOpIpv6}, &expr.Bitwise{
		SourceRegister: reg(0), DestRegister: reg(0), Len: 2, Mask: []byte{0xff, 0xf8}, Xor: make([]byte, 2), // RFC 8200, section 4.5
	}, compare(expr.CmpOpNeq, make([]byte, 2))}
	return []rule{
		{
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg(0)}, load(transport, 2, 2, 1),
			&expr.Lookup{SourceRegister: reg(0), SetName: ports.Name, SetID: ports.ID}, &expr.Verdict{Kind: expr.VerdictAccept},
		},
		all(header(linkLayer, etherType, 0x08, 0x00), later4, accept()),
		all(header(linkLayer, etherType, 0x86, 0xdd), later6, accept()),
		all(l4proto(unix.IPPROTO_ICMP), accept()),
		all(l4proto(unix.IPPROTO_ICMPV6), accept()),
		drop(),
	}
}

// doorChain has the doors of the link with this number.
func doorChain(index int) string { return "doors-" + strconv.Itoa(index) }

// SetDoors gives the link with this number exactly these doors, whatever an earlier
// link of its owner's has left. Where there are to be none, and are none, it takes one
// look-up. It needs CAP_NET_ADMIN, and comes before the link is brought up.
func SetDoors(index int, list []Door) error {
	if len(list) == 0 {
		had, err := hasDoors(index)
		if err != nil || !had {
			return err
		}
	}
	conn, err := dial()
	if err != nil {
		return err
	}
	table := &nftables.Table{Name: name, Family: nftables.TableFamilyBridge}
	chain := &nftables.Chain{Table: table, Name: doorChain(index)}
	byLink := &nftables.Set{Table: table, Name: doors, IsMap: true, KeyType: nftables.TypeIFIndex, DataType: nftables.TypeVerdict}
	link := []nftables.SetElement{{
		Key:         binaryutil.NativeEndian.PutUint32(uint32(index)),
		VerdictData: &expr.Verdict{Kind: expr.VerdictGoto, Chain: chain.Name},
	}}
	if len(list) == 0 {
		err = conn.SetDeleteElements(byLink, link)
		conn.FlushChain(chain)
		conn.DelChain(chain)
	} else {
		conn.AddChain(chain)
		conn.FlushChain(chain)
		err = errors.Join(fill(conn, chain, list), conn.SetAddElements(byLink, link))
	}
	if err != nil {
		return fmt.Errorf("opening the doors of published ports: %w", err)
	}
	err = conn.Flush()
	if errors.Is(err, unix.ENOENT) && len(list) == 0 {
		return nil // somebody has just written the filter anew, without
	}
	if errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("opening the doors of published ports: somebody has just deleted the packet filter: %w", unix.ENOENT)
	}
	if err != nil {
		return fmt.Errorf("opening the doors of published ports: %w", err)
	}
	return nil
}

// Generation counts the transactions that have changed any of the host's rules,
// anybody's (NFT_MSG_GETGEN). It needs CAP_NET_ADMIN.
func Generation() (uint32, error) {
	c, err := nlconn.Dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	payload, err := c.Get(nlconn.Request(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN, 0, nfgenmsg{unix.AF_UNSPEC}))
	if err != nil {
		return 0, fmt.Errorf("asking for the generation of the host's rules: %w", err)
	}
	attrs, err := nl.ParseRouteAttr(payload[min(nfgenmsgSize, len(payload)):])
	if err != nil {
		return 0, fmt.Errorf("asking for the generation of the host's rules: %w", err)
	}
	for _, a := range attrs {
		if a.Attr.Type == unix.NFTA_GEN_ID && len(a.Value) == 4 {
			return binaryutil.BigEndian.Uint32(a.Value), nil
		}
	}
	return 0, errors.New("the generation of the host's rules is not told")
}

// fill writes a chain with doors.
func fill(conn *nftables.Conn, chain *nftables.Chain, list []Door) error {
	ports := &nftables.Set{
		Table: chain.Table, Anonymous: true, Constant: true, Name: "__set%d", ID: 1, // the kernel puts a number in
		KeyType: nftables.MustConcatSetType(nftables.TypeInetProto, nftables.TypeInetService),
	}
	var keys []nftables.SetElement
	for _, d := range list {
		proto := byte(unix.IPPROTO_TCP)
		if d.UDP {
			proto = unix.IPPROTO_UDP
		}
		key := []byte{proto, 0, 0, 0, byte(d.Port >> 8), byte(d.Port), 0, 0} // each to a whole register
		if !slices.ContainsFunc(keys, func(k nftables.SetElement) bool { return slices.Equal(k.Key, key) }) {
			keys = append(keys, nftables.SetElement{Key: key})
		}
	}
	if err := conn.AddSet(ports, keys); err != nil {
		return err
	}
	for _, r := range doorRules(ports) {
		conn.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: r})
	}
	return nil
}

// hasDoors tells whether a link with this number has any, or the last one had.
func hasDoors(index int) (bool, error) {
	c, err := nlconn.Dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return false, err
	}
	defer c.Close()
	_, err = c.Get(part{nftables.TableFamilyBridge, doorChain(index), 0}.request())
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for doors of published ports: %w", err)
	}
	return true, nil
}
