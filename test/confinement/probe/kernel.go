package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// kernelTries are calls of the whole machine, and such with a wide surface. "Reach" is
// for those that would say no for another reason, so that a yes says only that the call
// got to the kernel.
func kernelTries() []try {
	const group = "System calls"
	one := func(verb, object string, do func() error) try { return try{group, verb, object, do} }
	return []try{
		one("call", "add_key", func() error {
			_, err := unix.AddKey("user", "probe", []byte("x"), unix.KEY_SPEC_THREAD_KEYRING)
			return err
		}),
		one("call", "request_key", func() error {
			_, err := unix.RequestKey("user", "probe-missing", "", 0)
			return past(err, unix.ENOKEY, unix.ENOENT)
		}),
		one("call", "keyctl", func() error {
			_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_THREAD_KEYRING, true)
			return err
		}),
		one("call", "bpf", func() error { return bpfMap(2) }), // BPF_MAP_TYPE_ARRAY
		one("call", "perf_event_open (for oneself)", func() error { return perfOf(0, -1) }),
		one("call", "userfaultfd", func() error { return opens(unix.SYS_USERFAULTFD, unix.O_CLOEXEC) }),
		one("call", "userfaultfd (user mode only)", func() error { return opens(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|1) }),
		one("call", "io_uring_setup", func() error { return opens(unix.SYS_IO_URING_SETUP, 1, addr(new([120]byte))) }),
		one("reach", "io_uring_enter", func() error { return past(call(unix.SYS_IO_URING_ENTER, badFD), unix.EBADF) }),
		one("reach", "io_uring_register", func() error { return past(call(unix.SYS_IO_URING_REGISTER, badFD, 0, 0, 0), unix.EBADF, unix.EINVAL) }),
		// More segments than there may be, and flags that there are not.
		one("call", "kexec_load", func() error { return past(call(unix.SYS_KEXEC_LOAD, 0, 1<<20, 0, 0xff00), unix.EINVAL) }),
		one("call", "kexec_file_load", func() error {
			return past(call(unix.SYS_KEXEC_FILE_LOAD, badFD, badFD, 0, 0, 0xff00), unix.EINVAL)
		}),
		one("call", "finit_module", func() error { return past(call(unix.SYS_FINIT_MODULE, badFD, text(""), 0), unix.EBADF) }),
		one("call", "name_to_handle_at", func() error {
			_, _, err := unix.NameToHandleAt(unix.AT_FDCWD, "/dev/shm", 0)
			return err
		}),
		// Files that don't exist can't be swapped to.
		one("call", "swapon", func() error { return past(call(unix.SYS_SWAPON, text("/dev/shm/probe-missing"), 0), unix.ENOENT) }),
		one("call", "swapoff", func() error { return past(call(unix.SYS_SWAPOFF, text("/dev/shm/probe-missing")), unix.ENOENT) }),
		one("reach", "quotactl", func() error {
			return past(call(unix.SYS_QUOTACTL, 0x80000400, text("/dev/shm/probe-missing"), 0, 0), unix.ENOENT) // Q_GETFMT
		}),
		one("reach", "quotactl_fd", func() error { return past(call(unix.SYS_QUOTACTL_FD, badFD, 0, 0, 0), unix.EBADF) }),
		one("call", "setdomainname", func() error {
			var u unix.Utsname
			if err := unix.Uname(&u); err != nil {
				return err
			}
			return unix.Setdomainname(u.Domainname[:clen(u.Domainname[:])])
		}),
		one("reach", "clock_settime", func() error { return past(call(unix.SYS_CLOCK_SETTIME, 99, 0), unix.EINVAL) }),
		one("call", "adjtimex (to read)", func() error {
			_, err := unix.Adjtimex(new(unix.Timex))
			return err
		}),
		one("call", "syslog (to read)", func() error {
			_, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, make([]byte, 16))
			return err
		}),
		one("call", "fanotify_init", func() error {
			return opens(unix.SYS_FANOTIFY_INIT, unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY)
		}),
		one("call", "fanotify_init (as anybody may)", func() error {
			return opens(unix.SYS_FANOTIFY_INIT, unix.FAN_CLASS_NOTIF|unix.FAN_REPORT_FID|unix.FAN_CLOEXEC, unix.O_RDONLY)
		}),
		one("call", "sched_setscheduler (real time)", func() error {
			return unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0)
		}),
		one("call", "ioprio_set (real time)", func() error { return call(unix.SYS_IOPRIO_SET, 1, 0, 1<<13|4) }),
		one("call", "set_mempolicy", func() error { return call(unix.SYS_SET_MEMPOLICY, 0, 0, 0) }),
		one("call", "get_mempolicy", func() error { return call(unix.SYS_GET_MEMPOLICY, 0, 0, 0, 0, 0) }),
		one("call", "mbind", func() error { return call(unix.SYS_MBIND, 0, 0, 0, 0, 0, 0) }),
		one("call", "move_pages", func() error { return call(unix.SYS_MOVE_PAGES, 0, 0, 0, 0, 0, 0) }),
		one("call", "memfd_create", func() error { return opens(unix.SYS_MEMFD_CREATE, text("probe"), unix.MFD_CLOEXEC) }),
		one("call", "mincore", func() error {
			page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
			if err != nil {
				return before("mmap", err)
			}
			return call(unix.SYS_MINCORE, addr(&page[0]), uintptr(os.Getpagesize()), addr(new([1]byte)))
		}),
	}
}
