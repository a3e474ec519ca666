package filter

import (
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"unc/internal/policy"
)

// published sends what is for a socket that net-setup has marked to the container
// that the mark names. Only for the host's own addresses: to the look-up of
// sockets, one that listens on all of them listens on the whole world's.
func published(p *policy.Policy) []rule {
	mask := []byte{2: magicMask, 3: 0}
	marked := all(
		rule{&expr.Fib{Register: reg(0), FlagDADDR: true, ResultADDRTYPE: true}, compare(expr.CmpOpEq, binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL))},
		rule{&expr.Socket{Key: expr.SocketKeyMark, Register: reg(4)}, bits(0, mask), compare(expr.CmpOpEq, packetMark(0))})
	port := bits(5, []byte{0xff, 0xff, 0, 0})
	number := []byte{0, 0, 0xff &^ magicMask, 0xff}

	base4 := p.Subnet.Addr().AsSlice()
	rules := []rule{all(isIPv4(), marked, rule{
		port,
		&expr.Bitwise{SourceRegister: reg(4), DestRegister: reg(0), Len: 4, Mask: hostBits(p, number), Xor: base4},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: reg(0), RegProtoMin: reg(5)},
	})}
	if p.Subnet6.IsValid() {
		base6 := p.Subnet6.Addr().AsSlice()
		rules = append(rules, all(isIPv6(), marked, rule{
			port, bits(3, number),
			&expr.Immediate{Register: reg(0), Data: base6[0:4]}, &expr.Immediate{Register: reg(1), Data: base6[4:8]}, &expr.Immediate{Register: reg(2), Data: base6[8:12]},
			&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV6, RegAddrMin: reg(0), RegProtoMin: reg(5)},
		}))
	}
	return rules
}

// hostBits are those of the four bytes in mask that a host's number can have in the subnet.
func hostBits(p *policy.Policy, mask []byte) []byte {
	_, last := p.Numbers()
	highest := p.Addr(last | 1).As4() // the broadcast address, or the last number that fits a mark
	first := p.Subnet.Addr().As4()
	bits := make([]byte, 4)
	for i := range bits {
		bits[i] = mask[i] & (highest[i] ^ first[i])
	}
	return bits
}

// bits puts some bits of a mark, which is in register 4, into another register.
func bits(dst uint32, mask []byte) expr.Any {
	return &expr.Bitwise{SourceRegister: reg(4), DestRegister: reg(dst), Len: 4, Mask: mask, Xor: make([]byte, 4)}
}

// The marks of packets, in the bits that unc's marks have. No container can set one
// that is seen here: the kernel clears it between namespaces.
const (
	inward  = 1 // to a published port; the door has to be open
	answers = 2 // back to who has asked there
)

func packetMark(kind byte) []byte { return []byte{2: magic, 3: kind} }

func setMark(mark []byte) rule {
	return rule{&expr.Immediate{Register: reg(0), Data: mark}, &expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: reg(0)}}
}

// isMarked is a condition on the mark of a packet: that it is one of unc's.
func isMarked() rule { return hasMark(expr.CmpOpEq, []byte{2: magicMask, 3: 0}, packetMark(0)) }

func hasMark(op expr.CmpOp, mask, mark []byte) rule {
	return rule{&expr.Meta{Key: expr.MetaKeyMARK, Register: reg(4)}, bits(0, mask), compare(op, mark)}
}

// marks tells the bridge which packets have been to published. There the doors are
// (doors.go); and the isolation has to know what goes from container to container:
// with br_netfilter, that does not come up to be routed once it is rewritten, but
// goes on from port to port.
func marks(p *policy.Policy) []rule {
	rules := []rule{all(isNew(), in(p.Bridge), rule{&expr.Verdict{Kind: expr.VerdictJump, Chain: "connections"}})}
	for _, subnet := range subnets(p) {
		rules = append(rules, all(to(subnet), direction(original), setMark(packetMark(inward))))
	}
	return append(rules, all(in(p.Bridge), direction(reply), setMark(packetMark(answers))))
}

// unmarked takes the mark off what a published socket sends, before any firewall
// or routing rule of the host's could take it for one of its own. Nothing but the
// socket needs it.
func unmarked() []rule {
	mask := []byte{2: magicMask, 3: 0}
	own := rule{&expr.Socket{Key: expr.SocketKeyMark, Register: reg(4)}, bits(0, mask), compare(expr.CmpOpEq, packetMark(0))}
	return []rule{all(isMarked(), own, setMark(make([]byte, 4)))}
}
