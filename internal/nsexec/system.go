package nsexec

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// A throw-away system shows the host's own operating system, writable, with
// nothing of it ever written: each directory of the system is the lower layer
// of an overlay whose upper layer is in memory and goes with the container.
//
// An overlay of "/" as a whole is not possible: in a user namespace the mounts
// below it are locked, and the kernel won't clone a lower layer with locked
// mounts (ovl_get_layers in fs/overlayfs/super.c). So each top-level directory
// gets its own, and one that has mounts below it is bound read-only instead.

// system is what mountSystem builds from: the host's top-level entries.
type system struct {
	links  [][2]string // name, target
	layers []string    // directories to overlay
	binds  []string    // directories with mounts below them
	fresh  []freshDir
	hidden []string // directories of people's data inside the above, shown empty

	readOnly bool
}

type freshDir struct {
	name string
	mode uint32
}

var (
	// systemDirs are a system's, by hier(7), and where NixOS and Guix keep theirs.
	// People's data is in others: home, root, srv, mnt, media, and what an administrator added.
	systemDirs = []string{
		"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "opt", "var", "nix", "gnu",
	}

	// freshDirs stand in for the host's; run/lock because /var/lock leads there.
	freshDirs = []freshDir{{"root", 0o700}, {"tmp", 0o1777}, {"run", 0o755}, {"run/lock", 0o1777}}

	// varHidden are the parts of /var that hold people's data: mail, jobs, temporary files,
	// and on image-based systems the homes themselves.
	varHidden = []string{"home", "mail", "mnt", "roothome", "spool", "srv", "tmp"}
)

// maxMountinfo is how much of the list of mounts is read, in bytes: some 50,000 of them.
const maxMountinfo = 8 << 20

// readSystem looks at the host's root.
func readSystem(readOnly bool) (*system, error) {
	mounts, err := rawio.ReadFile("/proc/self/mountinfo", maxMountinfo)
	if err != nil {
		return nil, fmt.Errorf("reading the list of mounts: %w", err)
	}
	sys := &system{fresh: freshDirs, readOnly: readOnly}
	for _, name := range systemDirs {
		var st unix.Stat_t
		err := unix.Lstat("/"+name, &st)
		switch {
		case errors.Is(err, unix.ENOENT):
		case err != nil:
			return nil, fmt.Errorf("looking at /%s: %w", name, err)
		case st.Mode&unix.S_IFMT == unix.S_IFLNK:
			target, err := os.Readlink("/" + name)
			if err != nil {
				return nil, fmt.Errorf("looking at /%s: %w", name, err)
			}
			sys.links = append(sys.links, [2]string{name, target})
		case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		case readOnly, hasMountBelow(string(mounts), "/"+name):
			sys.binds = append(sys.binds, name)
		default:
			sys.layers = append(sys.layers, name)
		}
	}
	for _, name := range varHidden {
		if !slices.Contains(sys.layers, "var") && !slices.Contains(sys.binds, "var") {
			break // a link: what it leads to is not shown
		}
		var st unix.Stat_t
		if unix.Lstat("/var/"+name, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			sys.hidden = append(sys.hidden, "var/"+name)
		}
	}
	return sys, nil
}

// hasMountBelow tells whether something is mounted inside dir, not on it. The
// fifth field of a mountinfo line is the mount point (proc_pid_mountinfo(5)).
func hasMountBelow(mountinfo, dir string) bool {
	for line := range strings.Lines(mountinfo) {
		fields := strings.SplitN(line, " ", 6)
		if len(fields) == 6 && strings.HasPrefix(fields[4], dir+"/") {
			return true
		}
	}
	return false
}

// mountSystem furnishes b.root.
func (p *program) mountSystem(b base, sys *system) {
	for _, link := range sys.links {
		p.call("linking /"+link[0], unix.SYS_SYMLINKAT, p.str(link[1]), b.root.word(), p.str(link[0]))
	}
	for _, dir := range sys.fresh {
		p.mkdir("creating /"+dir.name, b.root.word(), dir.name, dir.mode)
	}
	p.call("entering the scratch filesystem", unix.SYS_FCHDIR, b.scratch.word())
	for _, name := range sys.layers {
		p.overlay(b, name)
	}
	for _, name := range sys.binds {
		p.mkdir("creating /"+name, b.root.word(), name, 0o755)
		p.bindReadOnly(b, name)
	}
	for _, name := range sys.hidden {
		p.hide(b, name, sys.readOnly)
	}
}

// overlay shows /NAME copy-on-write, and read-only where this kernel or the
// filesystem below can't do that.
func (p *program) overlay(b base, name string) {
	doing := "laying a copy of /" + name
	p.mkdir(doing, b.root.word(), name, 0o755)
	p.mkdir(doing, b.scratch.word(), "upper."+name, 0o755)
	p.mkdir(doing, b.scratch.word(), "work."+name, 0o755)
	p.mountOverlay(doing, "root/"+name, "/"+name, "upper."+name, "work."+name)
	p.otherwise(func() { p.bindReadOnly(b, name) }, unix.EINVAL, unix.ENODEV, unix.EPERM, unix.ELOOP)
}

func (p *program) bindReadOnly(b base, name string) {
	doing := "binding /" + name
	t := p.newSlot()
	p.clone(doing, here, "/"+name, unix.AT_RECURSIVE, t)
	p.setAttrs(doing, t, unix.AT_RECURSIVE, attrNoSuidDev|unix.MOUNT_ATTR_RDONLY)
	p.attach(doing, t, b.root.word(), name)
	p.freeSlot(t)
}

// hide puts an empty directory over NAME, with the mode of /tmp: programs that want it
// find it, and nothing of the host's in it.
func (p *program) hide(b base, name string, readOnly bool) {
	doing := "hiding /" + name
	dir := "hidden." + strings.ReplaceAll(name, "/", ".")
	p.mkdir(doing, b.scratch.word(), dir, 0o1777)
	t := p.newSlot()
	p.clone(doing, b.scratch.word(), dir, 0, t)
	if readOnly {
		p.setAttrs(doing, t, 0, unix.MOUNT_ATTR_RDONLY)
	}
	p.attach(doing, t, b.root.word(), name)
	p.freeSlot(t)
}
