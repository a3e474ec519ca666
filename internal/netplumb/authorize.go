package netplumb

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"unc/internal/userns"
)

// errRefused is the one answer to every namespace that is not the caller's to
// attach. It does not say why: that would tell about other users' processes.
var errRefused = errors.New("net-setup attaches only a network namespace of your own, in a user namespace that you made")

// openNetns opens the network namespace of a process and makes sure that the
// caller owns it. The descriptor is what was checked and what is used; the
// process may have ended, and its number may be another's, by the time it is.
//
// CAP_NET_ADMIN must not be in effect: the kernel then opens the link only for
// who may look into the process anyway (ptrace_may_access).
//
// Should: be the only way to a namespace.
// Mustn't: tell one refusal from another.
func openNetns(pid int) (int, error) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, errRefused
	}
	if !mayAttach(fd) {
		unix.Close(fd)
		return -1, errRefused
	}
	return fd, nil
}

// mayAttach asks the kernel about the descriptor itself (ioctl_ns(2)): that it is a
// network namespace, not our own; and that the user namespace it belongs to was
// made by our real uid, directly below our own.
func mayAttach(netns int) bool {
	var own, wanted unix.Stat_t
	if unix.Stat("/proc/self/ns/net", &own) != nil || unix.Fstat(netns, &wanted) != nil {
		return false
	}
	// Device and inode on nsfs tell namespaces apart (namespaces(7)).
	if wanted.Dev == own.Dev && wanted.Ino == own.Ino {
		return false
	}
	owner, err := userns.OwnerOf(netns, uint32(unix.Getuid()))
	if err != nil {
		return false
	}
	unix.Close(owner)
	return true
}

// initialUserns is the inode of the initial user namespace, the same on every
// kernel (PROC_USER_INIT_INO in linux/proc_ns.h).
const initialUserns = 0xEFFFFFFD

// nobody is the uid that stands for all that are not mapped.
const nobody = 65534

// checkCaller refuses whom no lease could be put to account, and containers.
func checkCaller(leases bool) error {
	if uid := unix.Getuid(); leases && (uid == 0 || uid == nobody) {
		return fmt.Errorf("net-setup does not work for uid %d: leases are counted by user", uid)
	}
	var ours unix.Stat_t
	if err := unix.Stat("/proc/self/ns/user", &ours); err != nil {
		return fmt.Errorf("looking at this user namespace: %w", err)
	}
	if ours.Ino != initialUserns {
		return errors.New("net-setup works outside of containers only: this is a user namespace")
	}
	return nil
}
