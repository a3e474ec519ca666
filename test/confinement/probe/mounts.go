package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// mountTries are the calls that mount, old and new. What is mounted, is taken off at once.
func mountTries() []try {
	const group = "Mounting"
	return []try{
		{group, "mount", "a tmpfs", func() error { return mountOn("tmpfs", 0) }},
		{group, "mount", "a proc", func() error { return mountOn("proc", 0) }},
		{group, "mount", "a sysfs", func() error { return mountOn("sysfs", 0) }},
		{group, "mount", "a cgroup2", func() error { return mountOn("cgroup2", 0) }},
		{group, "mount", "a mqueue", func() error { return mountOn("mqueue", 0) }},
		{group, "mount", "an overlay", mountOverlay},
		{group, "mount", "a directory again (bind)", func() error { return mountOn("", unix.MS_BIND) }},
		{group, "change", "the propagation of a mount", changePropagation},
		{group, "call", "umount2", func() error {
			return scratch(func(dir string) error { return past(expire(dir), unix.EINVAL) })
		}},
		// It fails as there is no such directory; or before that.
		{group, "call", "pivot_root", func() error {
			return past(unix.PivotRoot("/probe-missing", "/probe-missing"), unix.ENOENT)
		}},
		{group, "call", "fsopen", func() error { return opens(unix.SYS_FSOPEN, text("tmpfs"), unix.FSOPEN_CLOEXEC) }},
		{group, "reach", "fsconfig", func() error {
			return past(call(unix.SYS_FSCONFIG, badFD, unix.FSCONFIG_CMD_CREATE, 0, 0, 0), unix.EBADF, unix.EINVAL)
		}},
		{group, "call", "fsmount", func() error { return past(call(unix.SYS_FSMOUNT, badFD, 0, 0), unix.EBADF) }},
		{group, "call", "fspick", func() error { return opens(unix.SYS_FSPICK, here, text("/"), unix.FSPICK_CLOEXEC) }},
		{group, "call", "open_tree (to clone)", func() error {
			return opens(unix.SYS_OPEN_TREE, here, text("/"), unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		}},
		{group, "call", "move_mount", func() error {
			return past(call(unix.SYS_MOVE_MOUNT, badFD, text(""), badFD, text(""), unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH), unix.EBADF)
		}},
		// With nothing to change.
		{group, "call", "mount_setattr", func() error {
			return unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{})
		}},
	}
}

// Arguments of raw system calls that unix has as negative constants.
var (
	atFDCWD = unix.AT_FDCWD
	here    = uintptr(atFDCWD)
	badFD   = ^uintptr(0)
)

// mountOn mounts something on a new directory.
func mountOn(fstype string, flags uintptr) error {
	return scratch(func(dir string) error {
		if err := unix.Mount(dir, dir, fstype, flags, ""); err != nil {
			return err
		}
		return before("take it off", unix.Unmount(dir, unix.MNT_DETACH))
	})
}

// changePropagation takes a mount of its own where it can make one, and else one that it
// is not to change either.
func changePropagation() error {
	return scratch(func(dir string) error {
		name := dir
		if unix.Mount(dir, dir, "", unix.MS_BIND, "") != nil {
			name = "/dev/shm"
		}
		err := unix.Mount("", name, "", unix.MS_PRIVATE, "")
		if name == dir {
			return errors.Join(err, before("take it off", unix.Unmount(dir, unix.MNT_DETACH)))
		}
		return err
	})
}

func mountOverlay() error {
	return scratch(func(dir string) error {
		for _, name := range []string{"/lower", "/upper", "/work", "/merged"} {
			if err := os.Mkdir(dir+name, 0o700); err != nil {
				return before("mkdir", err)
			}
		}
		options := "lowerdir=" + dir + "/lower,upperdir=" + dir + "/upper,workdir=" + dir + "/work"
		if err := unix.Mount("overlay", dir+"/merged", "overlay", 0, options); err != nil {
			return err
		}
		return before("take it off", unix.Unmount(dir+"/merged", unix.MNT_DETACH))
	})
}

// expire is an unmount that only marks: a second one would find the mark, if nobody
// has used the mount in between (umount2(2)). It tells as much as a real one.
func expire(name string) error {
	err := unix.Unmount(name, unix.MNT_EXPIRE)
	if past(err, unix.EAGAIN, unix.EBUSY) == nil {
		_ = exists(name + "/.") // this takes the mark off
		return nil
	}
	return err
}
