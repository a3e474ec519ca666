package main

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mountedTries are about whole filesystems that a container has of its own or not at all.
func mountedTries() []try {
	const group = "Filesystems"
	all := []try{
		{group, "write to", "/", func() error { return makeIn("/") }},
		{group, "write to", "/dev", func() error { return makeIn("/dev") }},
		{group, "write to", "/dev/shm", func() error { return makeIn("/dev/shm") }},
		{group, "make a group in", "/sys/fs/cgroup", func() error { return inCgroup(makeIn) }},
		{group, "move a process in", "/sys/fs/cgroup", func() error {
			return inCgroup(func(dir string) error { return opened(filepath.Join(dir, "cgroup.procs"), unix.O_WRONLY) })
		}},
		{group, "use a device node of one's own in", "/dev/shm", func() error { return useOwnNode("/dev/shm") }},
		{group, "use a device node of one's own in", "/", func() error { return useOwnNode("/") }},
	}
	for _, name := range []string{"/", "/proc", "/sys", "/dev", "/dev/shm", "/dev/pts"} {
		if name != "/" {
			all = append(all, try{group, "unmount", name, func() error { return expire(name) }})
		}
		all = append(all, try{group, "remount", name, func() error { return remount(name) }})
	}
	return all
}

// makeIn makes an empty directory and removes it.
func makeIn(dir string) error {
	name := filepath.Join(dir, "probe-makes-this")
	if err := unix.Mkdir(name, 0o700); err != nil {
		return err
	}
	return before("take it away", unix.Rmdir(name))
}

// inCgroup does something in the first directory of control groups, of whichever version.
func inCgroup(do func(dir string) error) error {
	for _, pattern := range []string{"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/*/cgroup.procs"} {
		if files, err := filepath.Glob(pattern); err == nil && len(files) > 0 {
			return do(filepath.Dir(files[0]))
		}
	}
	return errMissing
}

// useOwnNode makes another /dev/null, and opens that.
func useOwnNode(dir string) error {
	name := filepath.Join(dir, "probe-makes-this")
	if err := unix.Mknod(name, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		return before("mknod", err)
	}
	defer os.Remove(name)
	return opened(name, unix.O_WRONLY)
}

// remount gives a mount the flags that it has. Who may do that may give it others.
func remount(name string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(name, &st); err != nil {
		return err
	}
	const flags = unix.ST_RDONLY | unix.ST_NOSUID | unix.ST_NODEV | unix.ST_NOEXEC // the same bits as of mount(2)
	return unix.Mount("", name, "", unix.MS_REMOUNT|unix.MS_BIND|uintptr(st.Flags&flags), "")
}
