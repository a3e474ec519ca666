package nsexec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// tree makes a root file system. A name that ends in "/" is a directory, one
// that begins with "+" an executable file; "name -> target" is a link.
func tree(t *testing.T, entries ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, entry := range entries {
		name, target, isLink := strings.Cut(entry, " -> ")
		name, executable := strings.CutPrefix(name, "+")
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case isLink:
			err = os.Symlink(target, path)
		case strings.HasSuffix(name, "/"):
			err = os.Mkdir(path, 0o755)
		case executable:
			err = os.WriteFile(path, []byte("#!/bin/none\n"), 0o755)
		default:
			err = os.WriteFile(path, nil, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// list is the names of all files below a directory.
func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, strings.TrimPrefix(path, dir))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestFindCommand(t *testing.T) {
	// Outside of every tree, for links to lead to.
	outside := tree(t, "+bin/evil")
	for _, test := range []struct {
		name, command string
		entries       []string
		want          string
	}{
		{"in PATH", "sh", []string{"+bin/sh"}, "/bin/sh"},
		{"the first of PATH", "sh", []string{"+bin/sh", "+usr/local/sbin/sh"}, "/usr/local/sbin/sh"},
		{"an absolute path", "/opt/x", []string{"+opt/x"}, "/opt/x"},
		{"a relative path", "opt/x", []string{"+opt/x"}, "opt/x"},
		{"a path is not looked for in PATH", "./sh", []string{"+bin/sh"}, ""},
		{"nothing there", "sh", nil, ""},
		{"not executable", "sh", []string{"bin/sh"}, ""},
		{"not executable, but later in PATH", "sh", []string{"usr/bin/sh", "+bin/sh"}, "/bin/sh"},
		{"a directory", "sh", []string{"bin/sh/"}, ""},
		{"the root", "/", nil, ""},
		{"a link beside it", "sh", []string{"+bin/busybox", "bin/sh -> busybox"}, "/bin/sh"},
		{"an absolute link, inside", "sh", []string{"+bin/busybox", "bin/sh -> /bin/busybox"}, "/bin/sh"},
		{"a linked directory", "sh", []string{"+usr/bin/sh", "bin -> usr/bin"}, "/usr/bin/sh"},
		{"a link to a path of the host", "sh", []string{"bin/sh -> " + outside + "/bin/evil"}, ""},
		{"a directory linked to the host's", "evil", []string{"bin -> " + outside + "/bin"}, ""},
		{"a link up and out", "sh", []string{"bin/sh -> ../../../../../../../../.." + outside + "/bin/evil"}, ""},
		{"a link up that stays inside", "sh", []string{"+usr/x", "bin/sh -> ../../../../usr/x"}, "/bin/sh"},
		{"up and out by the command itself", "../../../../../../.." + outside + "/bin/evil", nil, ""},
		{"a link that leads to itself", "sh", []string{"bin/sh -> sh"}, ""},
		{"links in a circle", "sh", []string{"bin -> sbin", "sbin -> bin"}, ""},
		{"a link into nothing", "sh", []string{"bin/sh -> nothing"}, ""},
		{"a link to the host's root", "bin/sh", []string{"bin -> /proc/self/root/bin"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			root, err := OpenRootfs(tree(t, test.entries...))
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(root)
			if got := findCommand(root, test.command, Path); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// In a tree that holds a real /proc, links of the kernel's own lead anywhere
// (proc_pid_root(5)).
func TestFindCommandFollowsNoMagicLink(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root, err := OpenRootfs("/")
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(root)
	if got := findCommand(root, exe, Path); got != exe {
		t.Fatalf("got %q by its path, want %q", got, exe)
	}
	for _, path := range []string{"/proc/self/exe", "/proc/self/root" + exe, "/proc/self/cwd/../../../../.." + exe} {
		if got := findCommand(root, path, Path); got != "" {
			t.Errorf("got %q, want nothing", got)
		}
	}
}

func TestHoldsRootfs(t *testing.T) {
	whole := []string{"proc/", "dev/", "+bin/sh"}
	for _, test := range []struct {
		name string
		dir  string
		want bool
	}{
		{"a whole one", tree(t, whole...), true},
		{"a link to one", tree(t, "link -> "+tree(t, whole...)) + "/link", true},
		{"no command", tree(t, "proc/", "dev/"), false},
		{"no proc", tree(t, "dev/", "+bin/sh"), false},
		{"no dev", tree(t, "proc/", "+bin/sh"), false},
		{"proc is a file", tree(t, "proc", "dev/", "+bin/sh"), false},
		{"dev is a link", tree(t, "proc/", "dev -> proc", "+bin/sh"), false},
		{"the host's root", "/", false},
		{"the host's root by another name", "/proc/self/root", false},
		{"nothing", filepath.Join(t.TempDir(), "nothing"), false},
		{"a file", tree(t, "file") + "/file", false},
		{"the empty name", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, _ := HoldsRootfs(test.dir, "sh"); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// Whoever may write to a directory may have put a root file system there.
func TestHoldsAnothersRootfs(t *testing.T) {
	own, other := os.Geteuid(), 65533
	group, otherGroup := os.Getegid(), 65533
	for _, test := range []struct {
		name     string
		uid, gid int
		mode     os.FileMode
		safe     bool
	}{
		{"one's own", own, group, 0o755, true},
		{"one's own, for nobody else", own, otherGroup, 0o700, true},
		{"of a umask of 002", own, group, 0o775, true},
		{"one's own, for another group to write to", own, otherGroup, 0o775, false},
		{"one's own, for everybody to write to", own, group, 0o757, false},
		{"/tmp", 0, 0, 0o777 | os.ModeSticky, false},
		{"somebody else's", other, group, 0o755, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := tree(t, "proc/", "dev/", "+bin/sh")
			if err := os.Chown(dir, test.uid, test.gid); err != nil {
				t.Skip("giving a directory away takes root")
			}
			if err := os.Chmod(dir, test.mode); err != nil {
				t.Fatal(err)
			}
			if holds, safe := HoldsRootfs(dir, "sh"); !holds || safe != test.safe {
				t.Errorf("got %v, %v, want true, %v", holds, safe, test.safe)
			}
		})
	}
}

func TestCandidates(t *testing.T) {
	for _, test := range []struct {
		name, command, dirs string
		want                []string
	}{
		{"in Path", "sh", Path, []string{"/usr/local/sbin/sh", "/usr/local/bin/sh", "/usr/sbin/sh", "/usr/bin/sh", "/sbin/sh", "/bin/sh"}},
		{"another list", "sh", "/a:/b/c", []string{"/a/sh", "/b/c/sh"}},
		{"an absolute path", "/bin/sh", Path, []string{"/bin/sh"}},
		{"a relative path", "./sh", Path, []string{"./sh"}},
		{"a path below", "dir/sh", "/a:/b", []string{"dir/sh"}},
		{"the root", "/", Path, []string{"/"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, candidates(test.command, test.dirs)); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
		})
	}
}
