package nsexec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestMountAttrs(t *testing.T) {
	const (
		bind   = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
		device = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
	)
	for _, test := range []struct {
		name  string
		mount Mount
		want  uint64
	}{
		{"bind", Mount{}, bind},
		{"bind, read-only", Mount{ReadOnly: true}, bind | unix.MOUNT_ATTR_RDONLY},
		{"bind, without programs", Mount{NoExec: true}, bind | unix.MOUNT_ATTR_NOEXEC},
		{"tmpfs", Mount{Kind: Tmpfs}, bind},
		{"tmpfs, both", Mount{Kind: Tmpfs, ReadOnly: true, NoExec: true}, bind | unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOEXEC},
		{"device", Mount{Kind: Device}, device},
		{"device, without programs", Mount{Kind: Device, NoExec: true}, device},
		{"device, read-only", Mount{Kind: Device, ReadOnly: true}, device | unix.MOUNT_ATTR_RDONLY},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.mount.attrs(); got != test.want {
				t.Errorf("got %#x, want %#x", got, test.want)
			}
		})
	}
}

func TestTmpfsOptions(t *testing.T) {
	for _, test := range []struct {
		name  string
		mount Mount
		want  []string
	}{
		{"a mode", Mount{Mode: 0o1777}, []string{"mode", "1777"}},
		{"no rights", Mount{}, []string{"mode", "0"}},
		{"a size", Mount{Mode: 0o755, Size: "10%"}, []string{"mode", "755", "size", "10%"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.mount.options()); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

// A mount in another's directory comes after it, or it would be covered; those of the
// same depth keep the caller's order.
func TestMountOrder(t *testing.T) {
	for _, test := range []struct {
		name          string
		targets, want []string
	}{
		{"none", nil, nil},
		{"as they come", []string{"/b", "/a"}, []string{"/b", "/a"}},
		{"the inner one first", []string{"/a/b", "/a"}, []string{"/a", "/a/b"}},
		{"three deep", []string{"/a/b/c", "/x", "/a/b", "/a"}, []string{"/x", "/a", "/a/b", "/a/b/c"}},
		{"a longer name is no deeper", []string{"/long-name", "/a/b", "/s"}, []string{"/long-name", "/s", "/a/b"}},
		{"one over the other", []string{"/a", "/b/c", "/a"}, []string{"/a", "/a", "/b/c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var mounts []Mount
			for _, target := range test.targets {
				mounts = append(mounts, Mount{Kind: Tmpfs, Target: target})
			}
			var got []string
			for _, v := range (&program{}).takeSources(mounts) {
				got = append(got, v.Target)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

// Sources are taken while the host's tree is as it was: nothing is mounted over it, and
// the working directory, from which some are named, is the caller's.
func TestSourcesAreTakenFirst(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		var want, got []string
		for _, m := range w.spec.Mounts {
			if m.Kind != Tmpfs {
				want = append(want, m.Source)
			}
		}
		changed := min(w.find(unix.SYS_FSOPEN)[0], w.find(unix.SYS_FCHDIR)[0], w.find(unix.SYS_MOVE_MOUNT)[0])
		for i, s := range w.steps[:changed] {
			if s.nr != unix.SYS_OPEN_TREE || s.doing == "binding the rootfs" {
				continue
			}
			got = append(got, w.text(s.args[1]))
			if s.slots != 0 || uintptr(s.args[0]) != here.value || s.args[2] != unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE {
				t.Errorf("got step %d %+v, want all of the source cloned", i, s)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sources (-want +got):\n%s", diff)
		}
	})
}

// Every mount is put on its target once, with its own source, in the order in which
// one may lie in the other, over all that is in every container.
func TestVolumesAreMounted(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		list := (&program{}).takeSources(w.spec.Mounts)
		var want []string
		for _, v := range list {
			want = append(want, fmt.Sprintf("mounting on %q", v.Target))
		}
		var got []string
		for _, i := range w.find(unix.SYS_MOVE_MOUNT) {
			if s := w.steps[i]; strings.HasPrefix(s.doing, `mounting on "`) {
				got = append(got, s.doing)
				if i < w.kernelMounted() {
					t.Errorf("step %d, %q, comes before step %d, with which /sys is done", i, s.doing, w.kernelMounted())
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("mounts (-want +got):\n%s", diff)
		}
	})
}

// kernelMounted is the step that mounts the last of /dev, /proc and /sys.
func (w written) kernelMounted() int {
	return slices.IndexFunc(w.steps, func(s step) bool { return s.doing == "mounting on /sys" })
}

// The files of /etc that unc writes are there unless the caller has his own.
func TestEtcFiles(t *testing.T) {
	eachProgram(t, func(t *testing.T, w written) {
		for _, file := range w.etcFiles() {
			name := "/etc/" + file.name
			own := slices.ContainsFunc(w.spec.Mounts, func(m Mount) bool { return m.Target == name })
			mounted := slices.ContainsFunc(w.steps, func(s step) bool {
				return s.nr == unix.SYS_MOVE_MOUNT && s.doing == "mounting "+name
			})
			if mounted == own {
				t.Errorf("%s: got it mounted: %v, the caller's own: %v", name, mounted, own)
			}
		}
	})
}

// The deepest path that is let through fits into what a step can skip, wherever it is
// made, with and without a file at its end.
func TestDeepestTarget(t *testing.T) {
	for _, isDir := range []bool{true, false} {
		t.Run(fmt.Sprint("directory ", isDir), func(t *testing.T) {
			target := deep(maxDepth)
			if err := checkInside("mount on", target); err != nil {
				t.Fatal(err)
			}
			w := written{program: newProgram(&Spec{})}
			root := w.newSlot()
			w.freeSlot(w.openTarget("opening", root, target, isDir))
			skip := int(w.steps[0].onOK)
			if skip != len(w.steps)-2 || skip < 2*maxDepth { // all but the first, and the last, which closes it
				t.Errorf("got a skip of %d steps, want %d", skip, len(w.steps)-2)
			}
			open := slots{}
			open[root] = true
			if left, complaints := walk(w.steps, open); left != open || len(complaints) > 0 {
				t.Errorf("got slots %v open at the end, %q, want %v", left, complaints, open)
			}
			if files := w.find(unix.SYS_MKNODAT); (len(files) == 0) != isDir || len(files)+len(w.find(unix.SYS_MKDIRAT)) != maxDepth {
				t.Errorf("got files made in steps %v, and directories in %v", files, w.find(unix.SYS_MKDIRAT))
			}
		})
	}
}

// A file is mounted on a file. What can't be looked at is taken for one, and the
// kernel says what is wrong with it.
func TestKindOfSource(t *testing.T) {
	dir := tree(t, "file", "dir/", "link -> dir", "broken -> nowhere")
	for _, test := range []struct {
		mount Mount
		want  bool
	}{
		{Mount{Source: dir + "/dir"}, true},
		{Mount{Source: dir + "/link"}, true},
		{Mount{Source: dir + "/file"}, false},
		{Mount{Source: dir + "/broken"}, false},
		{Mount{Source: dir + "/missing"}, false},
		{Mount{Kind: Device, Source: "/dev/null"}, false},
		{Mount{Kind: Device, Source: "/dev"}, true},
		{Mount{Kind: Tmpfs}, true},
	} {
		t.Run(strings.TrimPrefix(test.mount.Source, dir), func(t *testing.T) {
			if got := newProgram(&Spec{}).takeSources([]Mount{test.mount})[0].isDir; got != test.want {
				t.Errorf("got a directory: %v, want %v", got, test.want)
			}
		})
	}
}
