package main

import (
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// adminCapabilityTries are those that manage a machine rather than files.
func adminCapabilityTries() []try {
	return []try{
		{groupCaps, "CAP_SYS_ADMIN:", "set the hostname", setSameHostname},
		// reboot(2) looks at its magic numbers after the capability: these are wrong.
		{groupCaps, "CAP_SYS_BOOT:", "reboot", func() error { return past(call(unix.SYS_REBOOT, 0, 0, 0, 0), unix.EINVAL) }},
		// No module is as short as nothing, and none has this name.
		{groupCaps, "CAP_SYS_MODULE:", "load a module", func() error {
			return past(call(unix.SYS_INIT_MODULE, 0, 0, text("")), unix.ENOEXEC, unix.EFAULT)
		}},
		{groupCaps, "CAP_SYS_MODULE:", "unload a module", func() error {
			return past(call(unix.SYS_DELETE_MODULE, text("probe-no-module"), unix.O_NONBLOCK), unix.ENOENT)
		}},
		{groupCaps, "CAP_SYS_NICE:", "raise the priority", func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -1) }},
		{groupCaps, "CAP_SYS_PACCT:", "account to a missing file", func() error {
			return past(call(unix.SYS_ACCT, text("/dev/shm/probe-missing")), unix.ENOENT)
		}},
		{groupCaps, "CAP_SYS_PTRACE:", "trace an undumpable process", func() error {
			return helper("hide", nil, func(pid int) error { return unix.PtraceSeize(pid) })
		}},
		{groupCaps, "CAP_SYS_RAWIO:", "map page zero", func() error {
			_, err := unix.MmapPtr(-1, 0, nil, uintptr(os.Getpagesize()), unix.PROT_NONE,
				unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED)
			return err
		}},
		{groupCaps, "CAP_SYS_RESOURCE:", "raise a hard limit", func() error {
			if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
				return before("lower", err)
			}
			return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Max: 1})
		}},
		// A time zone of more than 15 hours is refused, after the capability.
		{groupCaps, "CAP_SYS_TIME:", "set the clock", func() error {
			zone := [2]int32{100 * 60, 0}
			return past(call(unix.SYS_SETTIMEOFDAY, 0, addr(&zone)), unix.EINVAL)
		}},
		// The tick's length can't be zero, and is looked at after the capability.
		{groupCaps, "CAP_SYS_TIME:", "tune the clock", func() error {
			_, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &unix.Timex{Modes: unix.ADJ_TICK})
			return past(err, unix.EINVAL)
		}},
		// The probe leads a session without a terminal, so there is nothing to hang up.
		{groupCaps, "CAP_SYS_TTY_CONFIG:", "hang up", func() error { return call(unix.SYS_VHANGUP) }},
		{groupCaps, "CAP_SYSLOG:", "set the console's level", func() error {
			const consoleLevel = 8 // with a length of 0, which is refused after the capability
			return past(call(unix.SYS_SYSLOG, consoleLevel, 0, 0), unix.EINVAL)
		}},
		{groupCaps, "CAP_WAKE_ALARM:", "make a timer that wakes the machine", func() error {
			return opens(unix.SYS_TIMERFD_CREATE, unix.CLOCK_BOOTTIME_ALARM, unix.TFD_CLOEXEC)
		}},
		{groupCaps, "CAP_BLOCK_SUSPEND:", "keep the machine awake", epollWakeup},
		{groupCaps, "CAP_IPC_LOCK:", "lock memory beyond the limit", lockMemory},
		{groupCaps, "CAP_IPC_OWNER:", "attach shared memory of mode 000", sharedMemory},
		{groupCaps, "CAP_AUDIT_WRITE:", "write to the audit log", func() error { return audit(unix.AUDIT_USER, 0) }},
		// It changes nothing: no bit of its mask says that there is anything to change.
		{groupCaps, "CAP_AUDIT_CONTROL:", "configure auditing", func() error { return audit(unix.AUDIT_SET, 40) }},
		{groupCaps, "CAP_AUDIT_READ:", "read the audit log", readAudit},
		{groupCaps, "CAP_PERFMON:", "watch a whole processor", func() error { return perfOf(-1, 0) }},
		{groupCaps, "CAP_BPF:", "make an LRU map", func() error { return bpfMap(9) }}, // BPF_MAP_TYPE_LRU_HASH
		{groupCaps, "CAP_CHECKPOINT_RESTORE:", "open a file by its mapping", openMapping},
		{groupCaps, "CAP_MAC_ADMIN:", "hold it", func() error { return holds(unix.CAP_MAC_ADMIN) }},
		{groupCaps, "CAP_MAC_OVERRIDE:", "hold it", func() error { return holds(unix.CAP_MAC_OVERRIDE) }},
		{groupCaps, "CAP_NET_BROADCAST:", "hold it", func() error { return holds(unix.CAP_NET_BROADCAST) }},
		{groupCaps, "CAP_NET_ADMIN:", "set a link up that is up", setLoopback},
		{groupCaps, "CAP_NET_BIND_SERVICE:", "listen on port 81", bindLow},
		{groupCaps, "CAP_NET_RAW:", "open a raw socket", func() error {
			return opens(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
		}},
	}
}

func setSameHostname() error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return before("uname", err)
	}
	return unix.Sethostname(u.Nodename[:clen(u.Nodename[:])])
}

func clen(b []byte) int {
	for i, c := range b {
		if c == 0 {
			return i
		}
	}
	return len(b)
}

func lockMemory() error {
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		return before("lower the limit", err)
	}
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return before("mmap", err)
	}
	return unix.Mlock(page)
}

// sharedMemory is of nobody's mode, not even its maker's, for whom the kernel makes no exception.
func sharedMemory() error {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, os.Getpagesize(), unix.IPC_CREAT)
	if err != nil {
		return before("shmget", err)
	}
	defer func() { _, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) }()
	b, err := unix.SysvShmAttach(id, 0, unix.SHM_RDONLY)
	if err != nil {
		return err
	}
	return unix.SysvShmDetach(b)
}

// openMapping follows a link of /proc/self/map_files, which leads to a file whoever may see it.
func openMapping() error {
	links, err := filepath.Glob("/proc/self/map_files/*")
	if err != nil || len(links) == 0 {
		return errMissing
	}
	return opened(links[0], unix.O_RDONLY)
}

// audit sends a message of this length, all zeros, to the kernel's auditing.
func audit(kind uint16, length int) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		return before("socket", err)
	}
	return netlinkAsk(fd, kind, syscall.NLM_F_REQUEST|syscall.NLM_F_ACK, make([]byte, length))
}

func readAudit() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		return before("socket", err)
	}
	return unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.AUDIT_NLGRP_READLOG})
}
