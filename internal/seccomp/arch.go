package seccomp

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// arch is what a filter has to know of an architecture. Those that unc knows are
// little-endian with 64 bits, and make one system call of one number.
type arch struct {
	docker string // its name in profiles
	audit  uint32 // AUDIT_ARCH_*, seccomp_data's arch
	x32    bool   // numbers with bit 30 are another ABI's

	calls  []call            // by name
	filter []unix.SockFilter // of the default profile, for the capabilities that askedCaps says are held
}

// call is a system call and its number.
type call struct {
	name string
	nr   uint16
}

// number looks up a system call.
func (a *arch) number(name string) (nr uint32, known bool) {
	i, known := slices.BinarySearchFunc(a.calls, name, func(c call, name string) int {
		return strings.Compare(c.name, name)
	})
	if !known {
		return 0, false
	}
	return uint32(a.calls[i].nr), true
}
