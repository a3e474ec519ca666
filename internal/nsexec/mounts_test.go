package nsexec

import (
	"path"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// devices are the sources that are mounted to be used as devices.
func (w written) devices() []string {
	var list []string
	for _, name := range deviceNodes {
		list = append(list, "/dev/"+name)
	}
	for _, m := range w.spec.Mounts {
		if m.Kind == Device {
			list = append(list, m.Source)
		}
	}
	return list
}

// What is mounted is never a way to root, and but for a few a device neither.
func TestMountsAreTame(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		for _, i := range w.find(unix.SYS_FSMOUNT) {
			s, want := w.steps[i], uintptr(attrNoSuidDev)
			if s.doing == "making a devpts" {
				want = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
			}
			if s.args[2]&want != want {
				t.Errorf("step %q: got attributes %#x, want %#x among them", s.doing, s.args[2], want)
			}
		}
		for _, i := range w.find(unix.SYS_MOUNT)[1:] { // all but the first, which makes them private
			if s := w.steps[i]; s.args[3] != unix.MS_NOSUID|unix.MS_NODEV {
				t.Errorf("step %q: got flags %#x, want nosuid and nodev", s.doing, s.args[3])
			}
		}
		for i, s := range w.steps {
			if s.nr != unix.SYS_OPEN_TREE || s.slots&1 != 0 {
				continue // of our own filesystems, which are tame
			}
			next := w.steps[i+1]
			if next.nr != unix.SYS_MOUNT_SETATTR || next.args[0] != uintptr(s.into) || next.pardon[0] != 0 {
				t.Errorf("step %q brings in a mount of the host's as it is", s.doing)
				continue
			}
			attrs := kept[unix.MountAttr](t, w.program, next.args[3])
			want := uint64(attrNoSuidDev)
			if slices.Contains(w.devices(), w.text(s.args[1])) {
				want = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
			}
			if attrs.Attr_set&want != want || attrs.Attr_clr != 0 || attrs.Propagation != unix.MS_PRIVATE {
				t.Errorf("step %q: got %+v, want %#x and private", next.doing, *attrs, want)
			}
			if recursive := s.args[2] & unix.AT_RECURSIVE; next.args[2]&unix.AT_RECURSIVE != recursive {
				t.Errorf("step %q is done to other mounts than were brought in", next.doing)
			}
		}
	})
}

// What makes a mount tame stays. That it is read-only is taken back of the rootfs
// alone, of which the mounts below were to become so and it itself not yet.
func TestMountsStayTame(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		loosened := 0
		for _, i := range w.find(unix.SYS_MOUNT_SETATTR) {
			s := w.steps[i]
			attrs := kept[unix.MountAttr](t, w.program, s.args[3])
			if attrs.Attr_clr == 0 {
				continue
			}
			loosened++
			before := w.steps[i-1]
			if attrs.Attr_clr != unix.MOUNT_ATTR_RDONLY || s.args[2]&unix.AT_RECURSIVE != 0 || s.args[0] != before.args[0] || before.nr != s.nr {
				t.Errorf("step %q takes back %+v", s.doing, *attrs)
			}
			if s.pardon != [4]unix.Errno{unix.EPERM} {
				t.Errorf("step %q forgives %v, want EPERM, where it was read-only outside", s.doing, s.pardon)
			}
		}
		want := 0
		if w.spec.ReadOnly && !w.spec.Ephemeral && w.spec.Rootfs != "" {
			want = 1
		}
		if loosened != want {
			t.Errorf("got %d mounts loosened, want %d", loosened, want)
		}
	})
}

// ownPlaces are the directories that unc itself mounts on, by the names under which it
// opens them: of the rootfs, and one of its scratch filesystem.
var ownPlaces = []string{"dev", "proc", "sys", "etc", "root"}

// callersPlaces are where the caller has named a place in the rootfs, or expects one,
// and the directories on the way there.
func (w written) callersPlaces() map[string]bool {
	targets := []string{w.spec.Workdir}
	for _, m := range w.spec.Mounts {
		targets = append(targets, m.Target)
	}
	if w.spec.ReadOnly {
		for _, dir := range scratchDirs {
			targets = append(targets, dir.name)
		}
	}
	list := map[string]bool{}
	for _, target := range targets {
		for ; strings.HasPrefix(target, "/"); target = path.Dir(target) {
			list[target] = true
			if target == "/" {
				break
			}
		}
	}
	return list
}

// What leads to a place in the rootfs is the rootfs's word. unc's own places are opened
// without following any of it, the caller's as the container itself would: both within
// the rootfs, and not one is opened to be read or written.
func TestPlacesAreOpenedInTheRootfs(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		callers := w.callersPlaces()
		for _, i := range w.find(unix.SYS_OPENAT2) {
			s := w.steps[i]
			how := kept[unix.OpenHow](t, w.program, s.args[2])
			name := w.text(s.args[1])
			want := uint64(unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS)
			switch {
			case slices.Contains(ownPlaces, name):
			case callers[path.Clean(name)]:
				want = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
			default:
				t.Errorf("step %q opens %q, which nobody has asked for", s.doing, name)
			}
			if how.Resolve != want {
				t.Errorf("step %q resolves with %#x, want %#x", s.doing, how.Resolve, want)
			}
			if how.Flags&unix.O_PATH == 0 || how.Flags&^(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC) != 0 {
				t.Errorf("step %q opens with flags %#x, want a path and nothing else", s.doing, how.Flags)
			}
			if s.slots != 1 {
				t.Errorf("step %q does not open it in a directory of ours", s.doing)
			}
		}
	})
}

// deepPlaces are below what is ours: /proc and /sys as the kernel made them, our own
// /run, the throw-away system's /var.
func deepPlaces() []string {
	return slices.Concat([]string{
		"sysrq-trigger", "run/lock", "var/mail", "var/tmp", "fs/cgroup",
		"sys/net/ipv4/ping_group_range", "sys/net/ipv4/ip_unprivileged_port_start", "sys/net/ipv4/tcp_orphan_retries",
	}, sysNoDir, sysMounted)
}

// What is made or mounted by name is named by a descriptor and one component.
func TestPlacesAreOneComponent(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		private := w.find(unix.SYS_MOUNT)[0] // until then all is as outside, and there is no rootfs
		for i, s := range w.steps {
			dir, name := 0, 1
			switch s.nr {
			case unix.SYS_OPENAT, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_FACCESSAT:
			case unix.SYS_SYMLINKAT:
				dir, name = 1, 2
			case unix.SYS_MOVE_MOUNT:
				dir, name = 2, 3
			default:
				continue
			}
			at := w.text(s.args[name])
			if i < private || s.nr == unix.SYS_MOVE_MOUNT && at == "/tmp" {
				continue
			}
			if s.slots&(1<<dir) == 0 {
				t.Errorf("step %q goes to %q, of no directory that is open", s.doing, at)
			}
			if strings.Contains(at, "/") && !slices.Contains(deepPlaces(), at) || at == ".." || at == "." {
				t.Errorf("step %q goes to %q, want one component", s.doing, at)
			}
			if s.nr == unix.SYS_MOVE_MOUNT && (at == "") != (s.args[4]&unix.MOVE_MOUNT_T_EMPTY_PATH != 0) {
				t.Errorf("step %q goes to %q with flags %#x", s.doing, at, s.args[4])
			}
			if s.nr == unix.SYS_MOVE_MOUNT && s.args[4]&(unix.MOVE_MOUNT_T_SYMLINKS|unix.MOVE_MOUNT_F_SYMLINKS) != 0 {
				t.Errorf("step %q follows a link", s.doing)
			}
		}
	})
}

// Overlays are made of names of ours, never of a path in which a colon or a comma
// would mean something, and are kept in the scratch filesystem.
func TestOverlays(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		var got, want []string
		for _, i := range w.find(unix.SYS_MOUNT)[1:] {
			got = append(got, w.text(w.steps[i].args[1])+": "+w.text(w.steps[i].args[4]))
		}
		switch {
		case w.spec.Rootfs != "" && w.spec.Ephemeral:
			want = []string{"root: lowerdir=lower,upperdir=upper,workdir=work,userxattr"}
		case w.spec.Rootfs == "" && !w.spec.ReadOnly:
			for _, name := range []string{"usr", "etc", "var"} {
				want = append(want, "root/"+name+": lowerdir=/"+name+",upperdir=upper."+name+",workdir=work."+name+",userxattr")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got overlays %q, want %q", got, want)
		}
	})
}
