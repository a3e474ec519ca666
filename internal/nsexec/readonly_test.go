package nsexec

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/idmap"
)

// freezes are the steps that make a mount read-only and leave all else of it.
func (w written) freezes(t *testing.T) (list []int) {
	t.Helper()
	for _, i := range w.find(unix.SYS_MOUNT_SETATTR) {
		if attrs := kept[unix.MountAttr](t, w.program, w.steps[i].args[3]); attrs.Attr_set == unix.MOUNT_ATTR_RDONLY {
			list = append(list, i)
		}
	}
	return list
}

// The root is made read-only after all that has to be made in it, and before the command
// can see it; what is mounted below it before anything of ours is.
func TestFreeze(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		var root, below []int // steps
		for _, i := range w.freezes(t) {
			switch {
			case w.steps[i].args[2]&unix.AT_RECURSIVE != 0:
				below = append(below, i)
			case w.steps[i].doing == "making the root read-only":
				root = append(root, i)
			}
			if w.steps[i].pardon[0] != 0 {
				t.Errorf("step %q forgives %v, want it read-only, or the end", w.steps[i].doing, w.steps[i].pardon)
			}
		}
		wantBelow := w.spec.ReadOnly && w.spec.Rootfs != "" && !w.spec.Ephemeral
		if (len(root) == 1) != w.spec.ReadOnly || (len(below) == 1) != wantBelow || len(root)+len(below) > 2 {
			t.Fatalf("got the root made read-only in steps %v, what is below in %v, want that: %v, %v", root, below, w.spec.ReadOnly, wantBelow)
		}
		if !w.spec.ReadOnly {
			return
		}
		pivot := w.one(t, unix.SYS_PIVOT_ROOT)
		if last := w.last(t, slices.Concat(making, []uintptr{unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSMOUNT, unix.SYS_MOUNT})...); root[0] < last || root[0] > pivot {
			t.Errorf("the root is made read-only in step %d, want it after %d, the last with which something is made, and before %d, pivot_root", root[0], last, pivot)
		}
		// It is the new root that is frozen, and not what is mounted on it.
		if got, want := w.steps[root[0]].args[0], w.steps[pivot-1].args[0]; got != want {
			t.Errorf("got slot %d made read-only, want %d, the new root", got, want)
		}
		if wantBelow && below[0] > w.find(unix.SYS_FSOPEN)[0] {
			t.Errorf("got step %d after something was mounted in step %d, want it before", below[0], w.find(unix.SYS_FSOPEN)[0])
		}
	})
}

// A root that can't be written comes with directories to write to, where the caller has
// none of his own.
func TestScratchDirs(t *testing.T) {
	all := []string{"/run", "/tmp", "/var/tmp"}
	mine := tree(t, "tmp/", "run/")
	foreign := idmap.Single(uint32(os.Getuid())+1, uint32(os.Getgid()), 0, 0)
	own := idmap.Single(uint32(os.Getuid()), uint32(os.Getgid()), 0, 0)
	for _, test := range []struct {
		name string
		spec Spec
		want []string
	}{
		{"all", Spec{ReadOnly: true}, all},
		{"one is the caller's", Spec{ReadOnly: true, Mounts: []Mount{{Source: "/srv", Target: "/tmp"}}}, []string{"/run", "/var/tmp"}},
		{"a tmpfs of the caller's", Spec{ReadOnly: true, Mounts: []Mount{{Kind: Tmpfs, Target: "/run"}}}, []string{"/tmp", "/var/tmp"}},
		{"all are the caller's", Spec{ReadOnly: true, Mounts: []Mount{{Target: "/tmp"}, {Target: "/var/tmp"}, {Target: "/run"}}}, nil},
		{"something in one", Spec{ReadOnly: true, Mounts: []Mount{{Source: "/srv", Target: "/tmp/x"}, {Source: "/srv", Target: "/var"}}}, all},
		{"a root that can be written", Spec{Rootfs: mine, IDs: own}, nil},
		{"a copy of one's own", Spec{Rootfs: mine, Ephemeral: true, IDs: own}, nil},
		{"a copy of somebody else's", Spec{Rootfs: mine, Ephemeral: true, IDs: foreign}, []string{"/run", "/tmp"}},
		{"that is to be read-only", Spec{Rootfs: mine, Ephemeral: true, ReadOnly: true, IDs: own}, all},
		{"the throw-away system", Spec{Ephemeral: true, IDs: foreign}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := written{program: newProgram(&test.spec)}
			root := w.newSlot()
			w.mountScratchDirs(base{root: root}, &test.spec)
			var got []string
			for _, i := range w.find(unix.SYS_OPENAT2) {
				s := w.steps[i]
				got = append(got, w.text(s.args[1]))
				if s.pardon != [4]unix.Errno{unix.ENOENT} {
					t.Errorf("step %q forgives %v, want that it is missing", s.doing, s.pardon)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("directories (-want +got):\n%s", diff)
			}
			open := slots{}
			open[root] = true
			left, complaints := walk(w.steps, open)
			if left != open || len(complaints) > 0 {
				t.Errorf("got slots %v open at the end, %q, want %v", left, complaints, open)
			}
		})
	}
}
