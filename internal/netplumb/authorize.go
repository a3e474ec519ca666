package netplumb

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
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
	kind, err := unix.IoctlRetInt(netns, unix.NS_GET_NSTYPE)
	if err != nil || kind != unix.CLONE_NEWNET {
		return false
	}
	own, err := nsID("/proc/self/ns/net")
	if err != nil {
		return false
	}
	if id, err := fdID(netns); err != nil || id == own {
		return false
	}
	userns, err := unix.IoctlRetInt(netns, unix.NS_GET_USERNS)
	if err != nil {
		return false
	}
	defer unix.Close(userns)
	owner, err := ownerUID(userns)
	if err != nil || owner != uint32(unix.Getuid()) {
		return false
	}
	parent, err := unix.IoctlRetInt(userns, unix.NS_GET_PARENT)
	if err != nil {
		return false // our own user namespace, or one above or beside it
	}
	defer unix.Close(parent)
	above, err := fdID(parent)
	if err != nil {
		return false
	}
	ours, err := nsID("/proc/self/ns/user")
	return err == nil && above == ours
}

// id tells namespaces apart: device and inode on nsfs (namespaces(7)).
type id struct{ dev, ino uint64 }

func fdID(fd int) (id, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return id{st.Dev, st.Ino}, err
}

func nsID(path string) (id, error) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	return id{st.Dev, st.Ino}, err
}

func ownerUID(userns int) (uint32, error) {
	var uid uint32
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(userns), unix.NS_GET_OWNER_UID, uintptr(unsafe.Pointer(&uid)))
	if errno != 0 {
		return 0, errno
	}
	return uid, nil
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
	ours, err := nsID("/proc/self/ns/user")
	if err != nil {
		return fmt.Errorf("looking at this user namespace: %w", err)
	}
	if ours.ino != initialUserns {
		return errors.New("net-setup works outside of containers only: this is a user namespace")
	}
	return nil
}
