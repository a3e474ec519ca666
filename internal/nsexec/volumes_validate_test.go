package nsexec

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMountValidate(t *testing.T) {
	for _, test := range []struct {
		name  string
		mount Mount
		want  string
	}{
		{"a directory", Mount{Source: "/usr", Target: "/usr"}, ""},
		{"a relative source", Mount{Source: "../x", Target: "/x"}, ""},
		{"a tmpfs", Mount{Kind: Tmpfs, Target: "/tmp"}, ""},
		{"a device", Mount{Kind: Device, Source: "/dev/fuse", Target: "/dev/fuse"}, ""},
		{"no source", Mount{Target: "/usr"}, `nothing is named to be mounted on "/usr"`},
		{"no device", Mount{Kind: Device, Target: "/dev/fuse"}, `nothing is named to be mounted on "/dev/fuse"`},
		{"another kind", Mount{Kind: Device + 1, Source: "/usr", Target: "/usr"}, "there is no kind of mount with number 3"},
		{"a negative kind", Mount{Kind: -1, Source: "/usr", Target: "/usr"}, "there is no kind of mount with number -1"},
		{"no target", Mount{Source: "/usr"}, `can't mount on "": a path inside is absolute, without dots or double slashes`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := errText(test.mount.validate()); got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}

func TestCheckInside(t *testing.T) {
	const shape = "a path inside is absolute, without dots or double slashes"
	tooDeep := fmt.Sprintf("it is more than %d directories deep", maxDepth)
	for _, test := range []struct{ name, target, want string }{
		{"one component", "/data", ""},
		{"dots in a name", "/..data/x.../.y", ""},
		{"a backslash, a blank, a line end", "/a\\b c\nd", ""},
		{"the deepest", deep(maxDepth), ""},
		{"too deep", deep(maxDepth + 1), tooDeep},
		{"empty", "", shape},
		{"relative", "data", shape},
		{"relative, up", "../data", shape},
		{"up", "/data/../..", shape},
		{"up at the end", "/data/..", shape},
		{"here", "/./data", shape},
		{"a double slash", "/data//x", shape},
		{"a double slash at the beginning", "//data", shape},
		{"a slash at the end", "/data/", shape},
		{"the root", "/", "that is the root itself"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			if want != "" {
				want = fmt.Sprintf("can't mount on %q: %s", test.target, want)
			}
			if got := errText(checkInside("mount on", test.target)); got != want {
				t.Errorf("got error %q, want %q", got, want)
			}
		})
	}
}

func FuzzCheckInside(f *testing.F) {
	for _, seed := range []string{"/data", "/a/../b", "", "/", "//", "/a/./b", "a", deep(maxDepth)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if checkInside("mount on", target) != nil || strings.IndexByte(target, 0) >= 0 {
			return
		}
		// What is let through can be written, each component for itself, and named once.
		w := written{program: newProgram(&Spec{})}
		root := w.newSlot()
		w.freeSlot(w.openTarget("opening", root, target, true))
		var got strings.Builder
		for _, i := range w.find(unix.SYS_MKDIRAT) {
			name := w.text(w.steps[i].args[1])
			if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
				t.Errorf("%q: a directory %q is made", target, name)
			}
			got.WriteString("/" + name)
		}
		if got.String() != target {
			t.Errorf("got directories %q, want %q", got.String(), target)
		}
	})
}
