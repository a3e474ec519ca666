package nsexec

import (
	"slices"

	"golang.org/x/sys/unix"
)

type etcFile struct {
	name string
	slot slot
}

// etcFiles are mounted over the rootfs's own. Each is an empty file until the
// parent, to which its slot is handed, has written it.
func (p *program) etcFiles() []etcFile {
	return []etcFile{{"hosts", p.hosts}, {"resolv.conf", p.resolv}, {"hostname", p.hostname}}
}

// mountEtcFiles makes the files in the scratch filesystem and mounts them over
// those in the rootfs's /etc, but for those that the caller has mounted something on
// himself. A missing one is made, empty, to have something to mount on; a rootfs that
// can't be written and has none goes without.
func (p *program) mountEtcFiles(b base, mounts []Mount) {
	files := p.etcFiles()
	for _, file := range files {
		p.create("making /etc/"+file.name, b.scratch.word(), file.name, file.slot)
	}
	p.mkdir("creating /etc in the rootfs", b.root.word(), "etc", 0o755).
		forgive(unix.EEXIST, unix.EROFS, unix.EACCES)
	p.call("looking for /etc in the rootfs", unix.SYS_FACCESSAT, b.root.word(), p.str("etc"), num(unix.F_OK))
	p.optional(func() {
		etc := p.newSlot()
		p.openBeneath("opening /etc in the rootfs", b.root, "etc", etc)
		for _, file := range files {
			if slices.ContainsFunc(mounts, func(m Mount) bool { return m.Target == "/etc/"+file.name }) {
				continue
			}
			doing := "mounting /etc/" + file.name
			p.touch(doing, etc.word(), file.name).forgive(unix.EEXIST, unix.EROFS, unix.EACCES)
			t := p.newSlot()
			p.clone(doing, b.scratch.word(), file.name, 0, t)
			p.attach(doing, t, etc.word(), file.name).forgive(unix.ENOENT)
			p.freeSlot(t)
		}
		p.freeSlot(etc)
	}, unix.ENOENT)
}
