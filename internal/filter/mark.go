package filter

import (
	"encoding/binary"

	"unc/internal/policy"
)

// Mark is the SO_MARK (socket(7)) of a socket that listens for the container with
// the given address number and port. The published chain (published.go) makes the
// destination out of it with nothing but masks, for which the bytes have to lie in
// memory as they do in a packet, on machines of either byte order:
//
//	byte   0      1        2                              3
//	       port   port     011101 and 2 bits of number    8 bits of number
//
// The six fixed bits tell unc's sockets from those that others mark.
func Mark(number uint32, port uint16) uint32 {
	return binary.NativeEndian.Uint32([]byte{byte(port >> 8), byte(port), magic | byte(number>>8), byte(number)})
}

// Marked is the inverse of Mark; false for a mark that is not unc's.
func Marked(mark uint32) (number uint32, port uint16, ours bool) {
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], mark)
	return uint32(b[2]&^magicMask)<<8 | uint32(b[3]), binary.BigEndian.Uint16(b[:]), b[2]&magicMask == magic
}

// Magic is the mark that all of unc's sockets have in the bits of the mask.
func Magic() (mark, mask uint32) {
	return binary.NativeEndian.Uint32([]byte{2: magic, 3: 0}), binary.NativeEndian.Uint32([]byte{2: magicMask, 3: 0})
}

const (
	magic     = 0x74
	magicMask = 0xfc
)

// A number takes the ten bits that magic leaves.
const _ = uint(1<<10 - policy.Ports)
