package filter

import (
	"net"
	"net/netip"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
)

// rule is what one rule matches and does: each expression works on the registers
// that those before have filled (nftables(8), and net/netfilter/nf_tables_core.c).
type rule = []expr.Any

// reg is a register of four bytes; longer values take several in a row.
func reg(n uint32) uint32 { return unix.NFT_REG32_00 + n }

// all joins what several conditions and an action need into one rule.
func all(parts ...rule) rule {
	var r rule
	for _, p := range parts {
		r = append(r, p...)
	}
	return r
}

func verdict(kind expr.VerdictKind) rule { return rule{&expr.Verdict{Kind: kind}} }

func accept() rule { return verdict(expr.VerdictAccept) }
func drop() rule   { return verdict(expr.VerdictDrop) }

func goTo(chain string) rule { return rule{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}} }

// compare is a condition on what the registers from 0 on hold.
func compare(op expr.CmpOp, data []byte) expr.Any {
	return &expr.Cmp{Op: op, Register: reg(0), Data: data}
}

// meta is a condition on what the kernel knows of the packet.
func meta(key expr.MetaKey, op expr.CmpOp, data []byte) rule {
	return rule{&expr.Meta{Key: key, Register: reg(0)}, compare(op, data)}
}

// ifname is a name as nftables compares it, of all 16 bytes.
func ifname(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

func in(name string) rule     { return meta(expr.MetaKeyIIFNAME, expr.CmpOpEq, ifname(name)) }
func notIn(name string) rule  { return meta(expr.MetaKeyIIFNAME, expr.CmpOpNeq, ifname(name)) }
func out(name string) rule    { return meta(expr.MetaKeyOIFNAME, expr.CmpOpEq, ifname(name)) }
func notOut(name string) rule { return meta(expr.MetaKeyOIFNAME, expr.CmpOpNeq, ifname(name)) }

// inPort and outPort are conditions on the name of a container's port on the bridge,
// of which they compare the beginning, as "uv*" does.
func inPort(op expr.CmpOp) rule  { return meta(expr.MetaKeyIIFNAME, op, []byte(lease.Prefix)) }
func outPort(op expr.CmpOp) rule { return meta(expr.MetaKeyOIFNAME, op, []byte(lease.Prefix)) }

func isIPv4() rule { return meta(expr.MetaKeyNFPROTO, expr.CmpOpEq, []byte{unix.NFPROTO_IPV4}) }
func isIPv6() rule { return meta(expr.MetaKeyNFPROTO, expr.CmpOpEq, []byte{unix.NFPROTO_IPV6}) }

func l4proto(proto byte) rule { return meta(expr.MetaKeyL4PROTO, expr.CmpOpEq, []byte{proto}) }

// load puts length bytes of a header into the registers from at on.
func load(base expr.PayloadBase, offset, length, at uint32) expr.Any {
	return &expr.Payload{DestRegister: reg(at), Base: base, Offset: offset, Len: length}
}

// header is a condition on bytes of a header.
func header(base expr.PayloadBase, offset uint32, data ...byte) rule {
	return rule{load(base, offset, uint32(len(data)), 0), compare(expr.CmpOpEq, data)}
}

const (
	linkLayer    = expr.PayloadBaseLLHeader
	networkLayer = expr.PayloadBaseNetworkHeader
	transport    = expr.PayloadBaseTransportHeader
)

// Offsets of addresses in their headers (RFC 791, RFC 8200, RFC 826, IEEE 802.3).
const (
	etherDst, etherSrc, etherType = 0, 6, 12

	ip4Src, ip4Dst = 12, 16
	ip6Src, ip6Dst = 8, 24

	arpSenderMAC, arpSenderIP, arpTargetIP = 8, 14, 24
)

// within is a condition on an address of the packet, whose family it implies.
func within(op expr.CmpOp, source bool, p netip.Prefix) rule {
	addr, offset := p.Masked().Addr(), uint32(ip4Dst)
	family := isIPv4()
	switch {
	case addr.Is4() && source:
		offset = ip4Src
	case addr.Is6():
		family, offset = isIPv6(), ip6Dst
		if source {
			offset = ip6Src
		}
	}
	return append(append(family, load(networkLayer, offset, uint32(addr.BitLen()/8), 0)), inPrefix(op, p)...)
}

// inPrefix is a condition on the address that the registers from 0 on hold.
func inPrefix(op expr.CmpOp, p netip.Prefix) rule {
	data := p.Masked().Addr().AsSlice()
	size := uint32(len(data))
	return rule{&expr.Bitwise{
		SourceRegister: reg(0), DestRegister: reg(0), Len: size,
		Mask: net.CIDRMask(p.Bits(), 8*len(data)), Xor: make([]byte, size),
	}, compare(op, data)}
}

func from(p netip.Prefix) rule  { return within(expr.CmpOpEq, true, p) }
func to(p netip.Prefix) rule    { return within(expr.CmpOpEq, false, p) }
func notTo(p netip.Prefix) rule { return within(expr.CmpOpNeq, false, p) }

// ctBits is a condition on bits of what connection tracking knows (enum
// ip_conntrack_info and ip_conntrack_status; the states are 1<<n, as in
// NF_CT_STATE_BIT of linux/netfilter/nf_conntrack_common.h).
func ctBits(key expr.CtKey, op expr.CmpOp, bits uint32) rule {
	return rule{
		&expr.Ct{Key: key, Register: reg(0)},
		&expr.Bitwise{
			SourceRegister: reg(0), DestRegister: reg(0), Len: 4,
			Mask: binaryutil.NativeEndian.PutUint32(bits), Xor: make([]byte, 4),
		},
		compare(op, make([]byte, 4)),
	}
}

func established() rule {
	return ctBits(expr.CtKeySTATE, expr.CmpOpNeq, expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED)
}
func isNew() rule  { return ctBits(expr.CtKeySTATE, expr.CmpOpNeq, expr.CtStateBitNEW) }
func notNew() rule { return ctBits(expr.CtKeySTATE, expr.CmpOpEq, expr.CtStateBitNEW) }

// redirected is what a published port has let in.
func redirected() rule { return ctBits(expr.CtKeySTATUS, expr.CmpOpNeq, 1<<5) } // IPS_DST_NAT

// direction is a condition on which of a connection's two sides has sent the packet
// (enum ip_conntrack_dir).
func direction(dir byte) rule {
	return rule{&expr.Ct{Key: expr.CtKeyDIRECTION, Register: reg(0)}, compare(expr.CmpOpEq, []byte{dir})}
}

const (
	original = 0
	reply    = 1
)

// isIn is a condition that the set has what the registers from 0 on hold.
func isIn(set string) expr.Any {
	return &expr.Lookup{SourceRegister: reg(0), SetName: set}
}
