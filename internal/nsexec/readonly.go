package nsexec

import (
	"slices"

	"golang.org/x/sys/unix"
)

// A read-only root is made so in two parts: what is mounted below it at once, and
// the root itself as the last thing of all, because mount points are still to be made in it.

// scratchDirs are writable in a container with a read-only root, as podman has them;
// /dev/shm is so anyway.
var scratchDirs = []freshDir{{"/run", 0o755}, {"/tmp", 0o1777}, {"/var/tmp", 0o1777}}

// freezeBelow makes read-only what is mounted below the rootfs in s. The last step
// fails where the rootfs was mounted read-only outside; then it can stay so.
func (p *program) freezeBelow(s slot) {
	const doing = "making what is mounted in the rootfs read-only"
	p.setAttrs(doing, s, unix.AT_RECURSIVE, unix.MOUNT_ATTR_RDONLY)
	p.changeAttrs(doing, s, 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}).forgive(unix.EPERM)
}

// mountScratchDirs gives a container with a read-only root a few directories to write
// to, but those that the caller has seen to.
func (p *program) mountScratchDirs(b base, mounts []Mount) {
	for _, dir := range scratchDirs {
		if slices.ContainsFunc(mounts, func(m Mount) bool { return m.Target == dir.name }) {
			continue
		}
		doing := "mounting a tmpfs on " + dir.name
		at := p.newSlot()
		p.openInside(doing, b.root, dir.name, unix.O_PATH|unix.O_DIRECTORY, at)
		p.optional(func() { // without the directory, nobody expects to write there
			m := Mount{Kind: Tmpfs, Mode: dir.mode}
			t := p.newMount("tmpfs", m.attrs(), m.options()...)
			p.attachAt(doing, t, at)
			p.freeSlot(t)
			p.freeSlot(at)
		}, unix.ENOENT)
	}
}

// freeze makes the root read-only.
func (p *program) freeze(root slot) {
	p.setAttrs("making the root read-only", root, 0, unix.MOUNT_ATTR_RDONLY)
}
