package nsexec

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file holds the few idioms of the new mount API (fsopen(2), open_tree(2),
// mount_setattr(2), move_mount(2)) from which rootfs.go, system.go, kernelfs.go,
// etc.go, readonly.go and volumes.go write the child's program. Everything names its
// target by a descriptor, and at most one component below it, so that nobody who
// changes the rootfs meanwhile can lead a mount astray.

const (
	attrNoSuidDev = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	attrPlain     = attrNoSuidDev | unix.MOUNT_ATTR_NOEXEC
	attrReadOnly  = attrPlain | unix.MOUNT_ATTR_RDONLY
)

// newMount makes a filesystem of its own and leaves its mount, attached nowhere
// yet, in a new slot. Options are key, value pairs.
func (p *program) newMount(fstype string, attrs uint64, options ...string) slot {
	mount := p.newSlot()
	p.newMountIn(mount, fstype, attrs, options...)
	return mount
}

// newMountIn is newMount for a slot that is reserved already.
func (p *program) newMountIn(mount slot, fstype string, attrs uint64, options ...string) {
	doing := "making a " + fstype
	ctx := p.newSlot()
	p.call(doing, unix.SYS_FSOPEN, p.str(fstype), num(unix.FSOPEN_CLOEXEC)).to(ctx)
	for i := 0; i < len(options); i += 2 {
		p.call(doing+" with "+options[i]+"="+options[i+1], unix.SYS_FSCONFIG, ctx.word(),
			num(unix.FSCONFIG_SET_STRING), p.str(options[i]), p.str(options[i+1]), num(0))
	}
	p.call(doing, unix.SYS_FSCONFIG, ctx.word(), num(unix.FSCONFIG_CMD_CREATE), num(0), num(0), num(0))
	p.call(doing, unix.SYS_FSMOUNT, ctx.word(), num(unix.FSMOUNT_CLOEXEC), num(attrs)).to(mount).because(explainFsmount)
	p.freeSlot(ctx)
}

// explainFsmount knows of mount_too_revealing in fs/namespace.c.
func explainFsmount(err error, errno syscall.Errno) error {
	if errno != unix.EPERM && errno != unix.EACCES {
		return err
	}
	return fmt.Errorf("%w: this system hides parts of it, as containers do, and the kernel then allows no new one", err)
}

// mountOverlay mounts one; relative names are the scratch filesystem's, which has to be
// the working directory. userxattr: in a user namespace overlayfs may not use trusted.*
// (overlayfs.rst).
func (p *program) mountOverlay(doing, target, lower, upper, work string) {
	options := "lowerdir=" + lower + ",upperdir=" + upper + ",workdir=" + work + ",userxattr"
	p.call(doing, unix.SYS_MOUNT, p.str("overlay"), p.str(target), p.str("overlay"),
		num(unix.MS_NOSUID|unix.MS_NODEV), p.str(options)).because(explainOverlay)
}

func explainOverlay(err error, errno syscall.Errno) error {
	if errno != unix.EINVAL {
		return err
	}
	return fmt.Errorf("%w: there is something mounted in it, or its filesystem can't be laid under another", err)
}

// attach puts the mount in s on NAME of the directory in dir. A last component
// that is a symbolic link is covered, not followed.
func (p *program) attach(doing string, s slot, dir word, name string) *step {
	return p.call(doing, unix.SYS_MOVE_MOUNT, s.word(), p.str(""), dir, p.str(name),
		num(unix.MOVE_MOUNT_F_EMPTY_PATH)).because(explainAttach)
}

func explainAttach(err error, errno syscall.Errno) error {
	if errno != unix.EINVAL {
		return err
	}
	return fmt.Errorf("%w: a directory is mounted on a directory, and a file on a file", err)
}

// clone takes a copy of the mount at NAME of dir, attached nowhere yet.
func (p *program) clone(doing string, dir word, name string, flags uint, into slot) {
	all := flags | unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC
	if name == "" {
		all |= unix.AT_EMPTY_PATH
	}
	p.call(doing, unix.SYS_OPEN_TREE, dir, p.str(name), num(uint64(all))).to(into)
}

// setAttrs changes the flags of the mount in s, and with unix.AT_RECURSIVE of
// all below it, and takes it out of every peer group.
func (p *program) setAttrs(doing string, s slot, flags uint, attrs uint64) {
	p.changeAttrs(doing, s, flags, &unix.MountAttr{Attr_set: attrs, Propagation: unix.MS_PRIVATE})
}

func (p *program) changeAttrs(doing string, s slot, flags uint, attr *unix.MountAttr) *step {
	return p.call(doing, unix.SYS_MOUNT_SETATTR, s.word(), p.str(""), num(uint64(flags|unix.AT_EMPTY_PATH)),
		keep(p, *attr), num(unsafe.Sizeof(*attr)))
}

// openBeneath opens the directory NAME of the rootfs in root. No link is
// followed on the way, so that a rootfs with /proc -> /etc is refused, and
// nothing outside the root can be reached.
func (p *program) openBeneath(doing string, root slot, name string, into slot) {
	p.openat2(doing, root, name, unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_SYMLINKS, into)
}

// openInside opens a path as the container will see it: links on the way are followed,
// and whatever they say lead to something in the root (RESOLVE_IN_ROOT, openat2(2)), also
// while somebody changes them.
func (p *program) openInside(doing string, root slot, target string, flags uint64, into slot) {
	p.openat2(doing, root, target, flags, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS, into)
}

func (p *program) openat2(doing string, dir slot, name string, flags, resolve uint64, into slot) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: resolve}
	p.call(doing, unix.SYS_OPENAT2, dir.word(), p.str(name), keep(p, how), num(unsafe.Sizeof(how))).to(into)
}

// mkdir makes a directory; one that is there already is as good.
func (p *program) mkdir(doing string, dir word, name string, mode uint32) *step {
	return p.call(doing, unix.SYS_MKDIRAT, dir, p.str(name), num(mode)).forgive(unix.EEXIST)
}

// touch makes an empty file to mount something on; one that is there is as good.
func (p *program) touch(doing string, dir word, name string) *step {
	return p.call(doing, unix.SYS_MKNODAT, dir, p.str(name), num(unix.S_IFREG|0o644), num(0)).forgive(unix.EEXIST)
}

// create makes a file that was not there before, open for reading and writing.
func (p *program) create(doing string, dir word, name string, into slot) *step {
	return p.call(doing, unix.SYS_OPENAT, dir, p.str(name),
		num(unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC), num(0o644)).to(into)
}

// attachIn attaches s at the directory NAME of the rootfs, which is made where
// it is missing.
func (p *program) attachIn(root, s slot, name string) {
	p.mkdir("creating /"+name+" in the rootfs", root.word(), name, 0o755).advise(p.mountPoints)
	at := p.newSlot()
	p.openBeneath("opening /"+name+" in the rootfs", root, name, at)
	p.attachAt("mounting on /"+name, s, at)
	p.freeSlot(at)
}

// attachAt puts the mount in s on what at holds open.
func (p *program) attachAt(doing string, s, at slot) {
	p.call(doing, unix.SYS_MOVE_MOUNT, s.word(), p.str(""), at.word(), p.str(""),
		num(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)).because(explainAttach)
}

// cover hides NAME of the mount in dir behind a copy of another mount. A name that
// this kernel lacks needs no cover; it is looked for first, because to let go of a
// copy that was attached nowhere takes as long as all covers do (it waits for an
// RCU grace period).
func (p *program) cover(dir slot, name string, with slot, from string) {
	doing := "covering " + name
	p.call(doing, unix.SYS_FACCESSAT, dir.word(), p.str(name), num(unix.F_OK))
	p.optional(func() {
		t := p.newSlot()
		p.clone(doing, with.word(), from, 0, t)
		p.attach(doing, t, dir.word(), name)
		p.freeSlot(t)
	}, unix.ENOENT)
}

// makeReadOnly mounts NAME of the mount in dir on itself, read-only.
func (p *program) makeReadOnly(dir slot, name string) {
	doing := "making " + name + " read-only"
	t := p.newSlot()
	p.clone(doing, dir.word(), name, 0, t)
	p.optional(func() {
		p.setAttrs(doing, t, 0, attrReadOnly)
		p.attach(doing, t, dir.word(), name)
		p.freeSlot(t)
	}, unix.ENOENT)
}
