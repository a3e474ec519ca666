package userns

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Why OwnerOf refuses. To who asks for a namespace that may be another user's, they are
// all the same.
var (
	errNoNetns  = errors.New("it is not a network namespace")
	errNotMade  = errors.New("its user namespace was made by another user")
	errNotBelow = errors.New("its user namespace is not directly below this process's")
)

// OwnerOf opens the user namespace that a network namespace belongs to, if it was made
// by this user, directly below the one that the caller is in. It asks the kernel about the
// descriptor itself (ioctl_ns(2)), for what a process is in changes, and its number is
// another's when it has ended.
//
// Should: pass nothing that it could not find out.
// Mustn't: leave a descriptor open when it refuses.
func OwnerOf(netns int, uid uint32) (userns int, err error) {
	kind, err := unix.IoctlRetInt(netns, unix.NS_GET_NSTYPE)
	if err != nil || kind != unix.CLONE_NEWNET {
		return -1, errNoNetns
	}
	userns, err = unix.IoctlRetInt(netns, unix.NS_GET_USERNS)
	if err != nil {
		return -1, errNotBelow // it is one above or beside our own
	}
	if err := checkChild(userns, uid); err != nil {
		unix.Close(userns)
		return -1, err
	}
	return userns, nil
}

// checkChild refuses a user namespace that uid has not made directly below our own.
func checkChild(userns int, uid uint32) error {
	var owner uint32
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(userns), unix.NS_GET_OWNER_UID, uintptr(unsafe.Pointer(&owner)))
	if errno != 0 {
		return fmt.Errorf("looking for who made a user namespace: %w", errno)
	}
	if owner != uid {
		return errNotMade
	}
	parent, err := unix.IoctlRetInt(userns, unix.NS_GET_PARENT)
	if err != nil {
		return errNotBelow // it is our own
	}
	defer unix.Close(parent)
	// Device and inode on nsfs tell namespaces apart (namespaces(7)).
	var above, own unix.Stat_t
	if err := errors.Join(unix.Fstat(parent, &above), unix.Stat("/proc/self/ns/user", &own)); err != nil {
		return fmt.Errorf("looking at this user namespace: %w", err)
	}
	if above.Dev != own.Dev || above.Ino != own.Ino {
		return errNotBelow
	}
	return nil
}
