package nsexec

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// base is where the child's program stands after the first mounts.
type base struct {
	scratch slot     // a tmpfs that goes away with the host's tree; what is bound from it stays
	empty   slot     // an empty directory in it, as a mount of its own
	root    slot     // the new root, attached at scratch/root
	volumes []volume // what is to be mounted in it, not attached yet
}

// mountRoot begins with nothing shared with the host and ends with a root to
// furnish: the rootfs or a copy of it, or when sys is given a throw-away system.
func (p *program) mountRoot(spec *Spec, sys *system) base {
	p.call("making all mounts private", unix.SYS_MOUNT, num(0), p.str("/"), num(0), num(unix.MS_REC|unix.MS_PRIVATE), num(0))

	// Taken here and not by the parent: a mount can only be cloned from one's own
	// namespace. Before scratch is mounted, which may cover them.
	b := base{root: p.root}
	lower := b.root
	if sys == nil {
		if spec.Ephemeral {
			lower = p.newSlot()
		}
		p.clone("binding the rootfs", here, spec.Rootfs, unix.AT_RECURSIVE, lower)
		p.setAttrs("making the rootfs nosuid and nodev", lower, unix.AT_RECURSIVE, attrNoSuidDev)
		if spec.ReadOnly && !spec.Ephemeral {
			p.freezeBelow(lower)
		}
	}
	b.volumes = p.takeSources(spec.Mounts)

	b.scratch = p.newMount("tmpfs", attrNoSuidDev, "mode", "700")
	p.attach("mounting a scratch filesystem on /tmp", b.scratch, here, "/tmp")

	const doing = "preparing the scratch filesystem"
	p.mkdir(doing, b.scratch.word(), "empty", 0o555)
	b.empty = p.newSlot()
	p.clone(doing, b.scratch.word(), "empty", 0, b.empty)
	p.setAttrs(doing, b.empty, 0, attrReadOnly)
	// Attached, for Linux before 6.15 clones no mount that is not (__do_loopback in fs/namespace.c).
	p.attach(doing, b.empty, b.scratch.word(), "empty")
	p.mkdir(doing, b.scratch.word(), "root", 0o755)
	switch {
	case sys != nil:
		p.clone(doing, b.scratch.word(), "root", 0, b.root)
		p.attach("mounting the root", b.root, b.scratch.word(), "root")
		p.mountSystem(b, sys)
	case spec.Ephemeral:
		p.copyOnWrite(b, lower)
	default:
		p.attach("mounting the root", b.root, b.scratch.word(), "root")
	}
	return b
}

// copyOnWrite makes the root an overlay of the rootfs in lower, whose changes are kept
// in the scratch filesystem. Its layers are named without a path of the caller's, in
// which a colon or comma would mean something to overlayfs.
func (p *program) copyOnWrite(b base, lower slot) {
	const doing = "laying a copy of the rootfs"
	for _, dir := range []string{"lower", "upper", "work"} {
		p.mkdir(doing, b.scratch.word(), dir, 0o755)
	}
	p.attach(doing, lower, b.scratch.word(), "lower")
	p.call(doing, unix.SYS_FCHDIR, b.scratch.word())
	p.mountOverlay(doing, "root", "lower", "upper", "work")
	p.openBeneath(doing, b.scratch, "root", b.root)
}

// pivot makes root the root. pivot_root(2), "." twice: the old root is then on
// top of the new one, no directory is needed in the rootfs to put it, and two runs
// in one rootfs don't meet.
func (p *program) pivot(root slot) {
	const doing = "changing the root"
	p.call(doing, unix.SYS_FCHDIR, root.word())
	p.call(doing, unix.SYS_PIVOT_ROOT, p.str("."), p.str("."))
	p.call(doing, unix.SYS_CLOSE, root.word())
}

// letGo detaches the host's tree, which pivot left on top of the root.
func (p *program) letGo() {
	const doing = "letting go of the host's tree"
	p.call(doing, unix.SYS_UMOUNT2, p.str("."), num(unix.MNT_DETACH))
	p.call(doing, unix.SYS_CHDIR, p.str("/"))
}

// OpenRootfs opens the directory dir to look into it (O_PATH, open(2)).
func OpenRootfs(dir string) (int, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("opening the rootfs %q: %w", dir, err)
	}
	return fd, nil
}

// HoldsRootfs tells whether dir looks like the root of a system that has
// command: directories proc and dev, and the command where Path says. The
// host's own root does not count. It is safe to take without having been named if only
// the caller and root can have put that there: in /tmp, say, it may be anybody's, and what
// runs in it has the caller's rights there.
func HoldsRootfs(dir, command string) (holds, safe bool) {
	fd, err := OpenRootfs(dir)
	if err != nil {
		return false, false
	}
	defer unix.Close(fd)
	var here, host unix.Stat_t
	if unix.Fstat(fd, &here) != nil || unix.Stat("/", &host) != nil || here.Dev == host.Dev && here.Ino == host.Ino {
		return false, false
	}
	for _, name := range []string{"proc", "dev"} {
		var st unix.Stat_t
		if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return false, false
		}
	}
	return findCommand(fd, command, Path) != "", isOwn(&here)
}

// isOwn tells whether only the caller and root may add to a directory. A group of the
// same number as the one that he works in counts as his: with a umask of 002 a
// directory is writable for that, where it has nobody else in it.
func isOwn(dir *unix.Stat_t) bool {
	return (dir.Uid == 0 || dir.Uid == uint32(os.Geteuid())) && dir.Mode&unix.S_IWOTH == 0 &&
		(dir.Mode&unix.S_IWGRP == 0 || dir.Gid == uint32(os.Getegid()))
}

// findCommand looks for an executable as the container will, in the tree below
// the directory root: links, absolute ones too, stay inside it.
func findCommand(root int, command, dirs string) string {
	for _, path := range candidates(command, dirs) {
		how := &unix.OpenHow{
			Flags:   unix.O_PATH | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
		}
		file, err := rawio.Openat2(root, path, how)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		err = unix.Fstat(file, &st)
		unix.Close(file)
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 != 0 {
			return path
		}
	}
	return ""
}

// candidates lists where a command may be, in the order of a list of directories.
func candidates(command, dirs string) []string {
	if strings.Contains(command, "/") {
		return []string{command}
	}
	var list []string
	for dir := range strings.SplitSeq(dirs, ":") {
		if dir == "" { // the working directory, as execvp(3) has it
			dir = "."
		}
		list = append(list, dir+"/"+command)
	}
	return list
}
