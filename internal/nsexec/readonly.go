package nsexec

import (
	"slices"

	"golang.org/x/sys/unix"
)

// A read-only root is made so in two parts: what is mounted below it at once, and
// the root itself as the last thing of all, because mount points are still to be made in it.

// scratchDirs are writable in a container with a read-only root, as podman has them, and
// in a copy of somebody else's; /dev/shm is so anyway.
var scratchDirs = []freshDir{{"/run", 0o755}, {"/tmp", 0o1777}, {"/var/tmp", 0o1777}}

// freezeBelow makes read-only what is mounted below the rootfs in s. The last step
// fails where the rootfs was mounted read-only outside; then it can stay so.
func (p *program) freezeBelow(s slot) {
	const doing = "making what is mounted in the rootfs read-only"
	p.setAttrs(doing, s, unix.AT_RECURSIVE, unix.MOUNT_ATTR_RDONLY)
	p.changeAttrs(doing, s, 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}).forgive(unix.EPERM)
}

// needsScratch tells whether nobody could write to a directory of scratchDirs otherwise.
// In a copy of somebody else's rootfs, that is for want of an id: overlayfs copies a
// directory with its owner, who would be nobody's inside.
func (s *Spec) needsScratch(dir string) bool {
	switch {
	case slices.ContainsFunc(s.Mounts, func(m Mount) bool { return m.Target == dir }):
		return false // the caller has seen to it
	case s.ReadOnly:
		return true
	case !s.Ephemeral || s.Rootfs == "":
		return false
	}
	var st unix.Stat_t
	err := unix.Lstat(s.Rootfs+dir, &st)
	_, known := s.IDs.InsideUID(st.Uid)
	return err == nil && !known
}

// mountScratchDirs gives a container whose root it can't write to a few directories
// that it can.
func (p *program) mountScratchDirs(b base, spec *Spec) {
	for _, dir := range scratchDirs {
		if !spec.needsScratch(dir.name) {
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
