package nsexec

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The program of a later command is written when pid 1 has long been a process of its
// own, with a copy of the supervisor's memory as it was at the clone. So that pid 1's
// children find what it points to, Start reserves a range of addresses before the clone,
// where nothing will be in either process. The program is written as if it
// lay there, goes over as a file in memory, and is mapped there by the process that works
// it off. In the supervisor it never is.

// reservedSize is more than what execve takes of arguments and environment, 6 MiB at most
// (bprm_stack_limits in fs/exec.c).
const reservedSize = 8 << 20

// reserveAddresses takes no memory. They stay so for good, for Go takes a pointer to
// addresses that are nobody's, and might be the heap's some day, for a mistake.
func reserveAddresses() (unsafe.Pointer, error) {
	first, err := unix.MmapPtr(-1, 0, nil, reservedSize, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserving %d bytes of addresses: %w", reservedSize, err)
	}
	return first, nil
}

// arena is what is to be mapped at the reserved addresses: a childState, and all that it
// points to.
type arena struct {
	reserved unsafe.Pointer
	data     []byte
	full     bool
}

func newArena(reserved unsafe.Pointer) *arena {
	return &arena{reserved: reserved, data: make([]byte, unsafe.Sizeof(childState{}), 32<<10)}
}

// add gives the address that a copy of b will have; of what has no room it is of no use.
func (a *arena) add(b []byte, align uintptr) uintptr {
	at := (uintptr(len(a.data)) + align - 1) &^ (align - 1)
	if a.full = a.full || at+uintptr(len(b)) > reservedSize; a.full {
		return 0
	}
	a.data = append(a.data, make([]byte, at-uintptr(len(a.data)))...)
	a.data = append(a.data, b...)
	return uintptr(a.reserved) + at
}

// in is the pointer for an address that add gave.
func in[T any](a *arena, address uintptr) *T {
	return (*T)(unsafe.Add(a.reserved, address-uintptr(a.reserved)))
}

// finish puts a childState around what has been written of p, and tells whether there was room
// for all.
func (a *arena) finish(p *program) bool {
	steps := make([]step, len(p.steps))
	for i, s := range p.steps {
		s.doing, s.explain = "", nil // those are the supervisor's
		steps[i] = s
	}
	first, hand := keep(p, steps...), keep(p, *p.hand)
	if a.full {
		return false
	}
	state := childState{
		table: table{steps: unsafe.Slice(in[step](a, first.value), len(steps))}, hand: in[handover](a, hand.value),
		sock: conversationFD,
	}
	copy(a.data, bytesOf(&state))
	return true
}

// file is the arena as pid 1 gets it. It is sealed: what a process works off is what was written.
func (a *arena) file() (int, error) {
	const doing = "making a file in memory: %w"
	fd, err := unix.MemfdCreate("program", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("program", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return -1, fmt.Errorf(doing, err)
	}
	for rest := a.data; err == nil && len(rest) > 0; {
		var n int
		n, err = unix.Write(fd, rest)
		rest = rest[max(n, 0):]
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf(doing, err)
	}
	return fd, nil
}
