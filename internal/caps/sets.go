package caps

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// Set is a set of capabilities, one bit each, numbered as in linux/capability.h.
type Set uint64

// Of makes a set of the numbered capabilities.
func Of(numbers ...int) Set {
	var s Set
	for _, n := range numbers {
		s |= 1 << n
	}
	return s
}

// Has tells whether every capability of t is in s.
func (s Set) Has(t Set) bool { return s&t == t }

const netAdmin = Set(1 << unix.CAP_NET_ADMIN)

// state is the three sets of one thread that capset(2) can change.
type state struct{ effective, permitted, inheritable Set }

// encode gives the version 3 layout of capset(2): two 32-bit halves.
func (s state) encode() (unix.CapUserHeader, [2]unix.CapUserData) {
	half := func(i int) unix.CapUserData {
		return unix.CapUserData{
			Effective:   uint32(s.effective >> (32 * i)),
			Permitted:   uint32(s.permitted >> (32 * i)),
			Inheritable: uint32(s.inheritable >> (32 * i)),
		}
	}
	return unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{half(0), half(1)}
}

// ofThread reads the sets of one thread of this process; 0 means the calling one.
func ofThread(tid int) (state, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3, Pid: int32(tid)}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return state{}, fmt.Errorf("reading the capabilities of thread %d: %w", tid, err)
	}
	join := func(lo, hi uint32) Set { return Set(hi)<<32 | Set(lo) }
	return state{
		effective:   join(data[0].Effective, data[1].Effective),
		permitted:   join(data[0].Permitted, data[1].Permitted),
		inheritable: join(data[0].Inheritable, data[1].Inheritable),
	}, nil
}

// setThread changes the calling thread alone.
func setThread(s state) error {
	header, data := s.encode()
	return unix.Capset(&header, &data[0])
}

// setAll changes every thread of the process. Emptying the inheritable set
// empties the ambient set with it (capabilities(7), "Ambient").
func setAll(s state) error {
	header, data := s.encode()
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET,
		uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	if errno != 0 {
		return fmt.Errorf("setting the capabilities of all threads: %w", errno)
	}
	return nil
}

// verifyAll reads every thread back. A thread that ends meanwhile holds
// nothing; one that is born meanwhile was cloned from a thread already set.
func verifyAll(want state) error {
	const dir = "/proc/self/task"
	tids, err := rawio.Numbers(dir)
	if err != nil {
		return fmt.Errorf("looking for this process's threads: %w", err)
	}
	if len(tids) == 0 {
		return fmt.Errorf("%s lists no thread", dir)
	}
	for _, tid := range tids {
		got, err := ofThread(tid)
		switch {
		case err != nil && isGone(err):
			continue
		case err != nil:
			return err
		case got != want:
			return fmt.Errorf("thread %d has capabilities %+v, want %+v", tid, got, want)
		}
	}
	return nil
}
