package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const groupCaps = "Capabilities"

// A capability is tried by an act that takes it and no other, capabilities(7). Some acts
// need another user's file or process, and so can't be done with a single user id.
func capabilityTries() []try {
	return []try{
		{groupCaps, "CAP_CHOWN:", "give a file away", func() error {
			return withFile(0o600, func(name string, _ *os.File) error { return unix.Chown(name, otherID, otherID) })
		}},
		{groupCaps, "CAP_DAC_OVERRIDE:", "write to a file of mode 000", func() error {
			return withFile(0, func(name string, _ *os.File) error { return opened(name, unix.O_WRONLY) })
		}},
		{groupCaps, "CAP_DAC_READ_SEARCH:", "open a file by its handle", openByHandle},
		{groupCaps, "CAP_FOWNER:", "change the mode of another's file", func() error { return unix.Chmod("/other", 0o644) }},
		{groupCaps, "CAP_FSETID:", "write to a file that stays setuid", keepSetuid},
		{groupCaps, "CAP_KILL:", "signal another user's process", func() error {
			return helper("wait", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: otherID, Gid: otherID, NoSetGroups: true}},
				func(pid int) error { return unix.Kill(pid, 0) })
		}},
		{groupCaps, "CAP_SETGID:", "change the group", func() error { return call(unix.SYS_SETRESGID, otherID, otherID, otherID) }},
		{groupCaps, "CAP_SETUID:", "change the user", func() error { return call(unix.SYS_SETRESUID, otherID, otherID, otherID) }},
		{groupCaps, "CAP_SETPCAP:", "drop from the bounding set", func() error {
			return unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_CHOWN, 0, 0, 0)
		}},
		{groupCaps, "CAP_LINUX_IMMUTABLE:", "make a file immutable", immutable},
		{groupCaps, "CAP_LEASE:", "lease another's file", func() error {
			f, err := os.Open("/other")
			if err != nil {
				return before("open", err)
			}
			defer f.Close()
			_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
			return err
		}},
		{groupCaps, "CAP_MKNOD:", "make a device node", func() error {
			return scratch(func(dir string) error { return unix.Mknod(dir+"/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))) })
		}},
		{groupCaps, "CAP_SETFCAP:", "give a file a capability", func() error {
			return withFile(0o755, func(name string, _ *os.File) error {
				// Revision 2, and no capability at all (struct vfs_cap_data in linux/capability.h).
				value := []byte{0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
				return unix.Setxattr(name, "security.capability", value, 0)
			})
		}},
		{groupCaps, "CAP_SYS_CHROOT:", "chroot to /", func() error { return unix.Chroot("/") }},
	}
}

// otherID is a user and a group that the probe isn't.
const otherID = 1

// opened opens and closes a file, and does nothing with it.
func opened(name string, flags int) error {
	fd, err := unix.Open(name, flags|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// openByHandle has a handle that names no file: who may use handles hears that it is stale.
func openByHandle() error {
	return scratch(func(dir string) error {
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return before("open", err)
		}
		// tmpfs has the type 1 and three words (shmem_encode_fh in mm/shmem.c).
		_, err = unix.OpenByHandleAt(fd, unix.NewFileHandle(1, make([]byte, 12)), unix.O_RDONLY)
		return past(err, unix.ESTALE)
	})
}

func keepSetuid() error {
	return withFile(unix.S_ISUID|0o755, func(_ string, f *os.File) error {
		if _, err := f.WriteString("x"); err != nil {
			return before("write", err)
		}
		var st unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &st); err != nil {
			return err
		}
		if st.Mode&unix.S_ISUID == 0 {
			return errIgnored
		}
		return nil
	})
}

const fsImmutable = 0x10 // FS_IMMUTABLE_FL in linux/fs.h

func immutable() error {
	return withFile(0o600, func(_ string, f *os.File) error {
		old, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
		if err != nil {
			return before("get flags", err)
		}
		if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, old|fsImmutable); err != nil {
			return err
		}
		return before("take it back", unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, old))
	})
}

// capSets are the thread's own, effective first.
func capSets() (sets [2]unix.CapUserData, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	err = unix.Capget(&header, &sets[0])
	return sets, err
}

func holds(c int) error {
	sets, err := capSets()
	if err != nil {
		return err
	}
	if sets[c/32].Effective&(1<<(c%32)) == 0 {
		return errMissing
	}
	return nil
}

// dropAll gives every capability up, but leaves the bounding set as it is.
func dropAll() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}

// epollWakeup sees whether the kernel keeps EPOLLWAKEUP, which it takes from who lacks
// CAP_BLOCK_SUSPEND without saying so (epoll_ctl(2)).
func epollWakeup() error {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return before("epoll", err)
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return before("pipe", err)
	}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, pipe[0], &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLWAKEUP}); err != nil {
		return err
	}
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", ep))
	if err != nil {
		return before("read", err)
	}
	var pos, flags, mnt, ino, tfd int
	var events uint32
	_, err = fmt.Sscanf(string(info), "pos: %d\nflags: %o\nmnt_id: %d\nino: %d\ntfd: %d events: %x", &pos, &flags, &mnt, &ino, &tfd, &events)
	switch {
	case err != nil:
		return before("scan", err)
	case events&unix.EPOLLWAKEUP == 0:
		return errIgnored
	}
	return nil
}

// perfOf opens a counter that counts nothing, of one process or one processor.
func perfOf(pid, cpu int) error {
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// bpfMap makes a map with room for one entry.
func bpfMap(kind uint32) error {
	const create = 0 // BPF_MAP_CREATE
	attr := [32]uint32{kind, 4, 4, 1}
	return opens(unix.SYS_BPF, create, addr(&attr), unsafe.Sizeof(attr))
}
