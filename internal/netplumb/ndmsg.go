package netplumb

import (
	"unsafe"
)

// ndMsg is struct ndmsg of linux/neighbour.h, which nl lacks.
type ndMsg struct {
	Family  uint8
	_       [3]uint8
	Ifindex int32
	State   uint16
	Flags   uint8
	Type    uint8
}

func (m *ndMsg) Len() int { return int(unsafe.Sizeof(*m)) }

func (m *ndMsg) Serialize() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(m)), unsafe.Sizeof(*m))
}
