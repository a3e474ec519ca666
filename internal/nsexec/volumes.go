package nsexec

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

const (
	// maxMounts is how many mounts may be asked for; each holds a descriptor.
	maxMounts = 128

	// maxDepth is how many directories deep a path inside may be that is made where it
	// is missing: each costs steps, of which a skip can leave out 255.
	maxDepth = 40
)

// validate refuses what a program can't be written for.
func (m *Mount) validate() error {
	switch {
	case m.Kind < Bind || m.Kind > Device:
		return fmt.Errorf("there is no kind of mount with number %d", m.Kind)
	case m.Kind != Tmpfs && m.Source == "":
		return fmt.Errorf("nothing is named to be mounted on %q", m.Target)
	}
	return checkInside("mount on", m.Target)
}

// checkInside refuses a path that is not one of a container's directories or files.
func checkInside(doing, target string) error {
	switch {
	case !path.IsAbs(target) || path.Clean(target) != target:
		return fmt.Errorf("can't %s %q: a path inside is absolute, without dots or double slashes", doing, target)
	case target == "/":
		return fmt.Errorf("can't %s %q: that is the root itself", doing, target)
	case strings.Count(target, "/") > maxDepth:
		return fmt.Errorf("can't %s %q: it is more than %d directories deep", doing, target, maxDepth)
	}
	return nil
}

// volume is a mount with what has been taken of its source.
type volume struct {
	Mount
	source slot // none for a tmpfs
	isDir  bool
}

// takeSources clones the sources of mounts, attached nowhere yet. That comes before
// anything covers a part of the host's tree. A file has to be mounted on a file: which
// it is was looked up in the same path, and when that has been exchanged meanwhile, the
// kernel refuses the mount.
func (p *program) takeSources(mounts []Mount) []volume {
	var list []volume
	for _, m := range mounts {
		v := volume{Mount: m, source: none, isDir: true}
		if m.Kind != Tmpfs {
			var st unix.Stat_t
			v.isDir = unix.Stat(m.Source, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
			doing := fmt.Sprintf("binding %q", m.Source)
			v.source = p.newSlot()
			p.clone(doing, here, m.Source, unix.AT_RECURSIVE, v.source)
			p.setAttrs(doing, v.source, unix.AT_RECURSIVE, m.attrs())
		}
		list = append(list, v)
	}
	// What lies in another's directory has to come after it.
	slices.SortStableFunc(list, func(a, b volume) int {
		return cmp.Compare(strings.Count(a.Target, "/"), strings.Count(b.Target, "/"))
	})
	return list
}

func (m *Mount) attrs() uint64 {
	attrs := uint64(attrNoSuidDev)
	if m.Kind == Device {
		attrs = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
	}
	if m.ReadOnly {
		attrs |= unix.MOUNT_ATTR_RDONLY
	}
	if m.NoExec {
		attrs |= unix.MOUNT_ATTR_NOEXEC
	}
	return attrs
}

// mountVolumes comes after /dev, /proc and /sys, over whose files it may mount, and before
// the files of /etc, which are mounted in a volume on /etc, too.
func (p *program) mountVolumes(b base) {
	for _, v := range b.volumes {
		doing := fmt.Sprintf("mounting on %q", v.Target)
		at := p.openTarget(doing, b.root, v.Target, v.isDir)
		what := v.source
		if v.Kind == Tmpfs {
			what = p.newMount("tmpfs", v.attrs(), v.options()...)
		}
		p.attachAt(doing, what, at)
		if v.Kind == Tmpfs {
			p.freeSlot(what)
		}
		p.freeSlot(at)
	}
}

// options are those of a tmpfs.
func (m *Mount) options() []string {
	list := []string{"mode", strconv.FormatUint(uint64(m.Mode), 8)}
	if m.Size != "" {
		list = append(list, "size", m.Size)
	}
	return list
}

// openTarget opens a path inside, and makes what of it is missing.
func (p *program) openTarget(doing string, root slot, target string, isDir bool) slot {
	at := p.newSlot()
	p.openInside(doing, root, target, unix.O_PATH, at)
	p.otherwise(func() {
		p.makeInside(root, target, isDir)
		p.openInside(doing, root, target, unix.O_PATH, at)
	}, unix.ENOENT)
	return at
}

// makeInside makes the last component of a path, and every directory on the way to it
// that is missing.
func (p *program) makeInside(root slot, target string, isDir bool) {
	for i, c := range target[1:] + "/" {
		if c != '/' {
			continue
		}
		dir, name := path.Split(target[:i+1])
		parent := root
		if dir != "/" {
			parent = p.newSlot()
			p.openInside(fmt.Sprintf("opening %q", path.Clean(dir)), root, dir, unix.O_PATH|unix.O_DIRECTORY, parent)
		}
		doing := fmt.Sprintf("creating %q", target[:i+1])
		var made *step
		if i+1 == len(target) && !isDir {
			made = p.touch(doing, parent.word(), name)
		} else {
			made = p.mkdir(doing, parent.word(), name, 0o755)
		}
		made.advise(p.targetHint(target))
		if parent != root {
			p.freeSlot(parent)
		}
	}
}

func (p *program) targetHint(target string) string {
	if p.copied {
		return "unc run -v SRC:/NAME ...    # new names can be had in / itself"
	}
	return "unc run --ephemeral ...    # or make " + hint.Quote(target) + " in the rootfs beforehand"
}

// makeWorkdir makes the directory that the command starts in, where it is missing.
func (p *program) makeWorkdir(b base, dir string) {
	if dir == "" {
		return
	}
	p.freeSlot(p.openTarget(fmt.Sprintf("opening the working directory %q", dir), b.root, dir, true))
}
