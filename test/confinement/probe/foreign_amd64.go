package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// foreignTries are calls that only x86 has, and its other two ways to call: a filter that
// knows the numbers of one must not let those of another pass.
func foreignTries() []try {
	const group = "Foreign and old calls of x86"
	return []try{
		{group, "call as i386 (int 0x80)", "getpid", func() error { return isPID(int80(20)) }},
		{group, "call as i386 (int 0x80)", "keyctl", func() error {
			r := int80(288) // KEYCTL_GET_KEYRING_ID 0: the number is that of no keyring
			if r < 0 {
				return past(unix.Errno(-r), unix.ENOKEY, unix.EINVAL)
			}
			return nil
		}},
		{group, "call as i386 (int 0x80)", "vm86old", func() error {
			if r := int80(113); r < 0 {
				return past(unix.Errno(-r), unix.EFAULT)
			}
			return nil
		}},
		{group, "call as x32", "getpid", func() error {
			pid, err := callFor(0x40000000 | unix.SYS_GETPID)
			if err != nil {
				return err
			}
			return isPID(int32(pid))
		}},
		{group, "call", "iopl", func() error { return call(unix.SYS_IOPL, 3) }},
		{group, "reach", "lookup_dcookie", func() error { return past(call(unix.SYS_LOOKUP_DCOOKIE, 0, 0, 0), unix.EINVAL, unix.EFAULT) }},
		{group, "reach", "ustat", func() error { return past(call(unix.SYS_USTAT, 0, 0), unix.EINVAL, unix.EFAULT) }},
		{group, "call", "sysfs", func() error { return call(unix.SYS_SYSFS, 3, 0, 0) }},
		{group, "reach", "uselib", func() error { return past(call(unix.SYS_USELIB, text("/probe-missing")), unix.ENOENT) }},
		// The port of the power-on self test, which nothing reads.
		{group, "call", "ioperm", func() error { return call(unix.SYS_IOPERM, 0x80, 1, 1) }},
		{group, "call", "modify_ldt (to read)", func() error { return call(unix.SYS_MODIFY_LDT, 0, addr(new([64]byte)), 64) }},
		{group, "call", "modify_ldt (to write)", func() error {
			// An empty entry (struct user_desc in asm/ldt.h).
			return call(unix.SYS_MODIFY_LDT, 1, addr(&[4]uint32{0, 0, 0, 0x28}), 16)
		}},
		{group, "call", "arch_prctl", func() error {
			const getFS = 0x1003
			return call(unix.SYS_ARCH_PRCTL, getFS, addr(new(uint64)))
		}},
	}
}

// int80 makes a system call of i386 without arguments, those registers zero.
func int80(nr uint32) int32

// isPID tells whether a call has done what getpid does.
func isPID(r int32) error {
	switch {
	case r < 0:
		return unix.Errno(-r)
	case int(r) != os.Getpid():
		return errIgnored
	}
	return nil
}
