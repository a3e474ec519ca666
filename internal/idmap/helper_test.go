package idmap

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// None of these files would be of use. Those that are root's must be of root's making.
func TestFindHelperRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(path string) error
		want string
		root bool // the file must be root's to come so far
	}{
		{"nothing", func(string) error { return nil }, "program is not installed", false},
		{"a directory", func(path string) error { return os.Mkdir(path, 0o755) }, "it is not a regular file", false},
		{"a link to nothing", func(path string) error { return os.Symlink("nothing", path) }, "program is not installed", false},
		{"a link to itself", func(path string) error { return os.Symlink(filepath.Base(path), path) }, "too many levels of symbolic links", false},
		{"a FIFO", func(path string) error { return unix.Mkfifo(path, 0o755) }, "it is not a regular file", false},
		{"somebody's", func(path string) error { return setuid(path, 61003) }, "it belongs to uid 61003, not to root", true},
		{"not to be executed", func(path string) error { return os.WriteFile(path, nil, 0o644) }, "executing it: permission denied", true},
		{"without any privilege", func(path string) error { return os.WriteFile(path, nil, 0o755) }, "it is neither setuid nor has a file capability", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.root && os.Getuid() != 0 {
				t.Skip("only root can make a file of root's")
			}
			dir := t.TempDir()
			if err := test.make(filepath.Join(dir, "program")); err != nil {
				t.Fatal(err)
			}
			path, err := findHelper([]string{filepath.Join(dir, "missing"), dir}, "program")
			if err == nil {
				t.Fatalf("got %q, want %q", path, test.want)
			}
			if !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got %q, want %q", err, test.want)
			}
		})
	}
}

func setuid(path string, uid int) error {
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		return err
	}
	if err := os.Chown(path, uid, uid); err != nil {
		return err
	}
	return os.Chmod(path, 0o755|os.ModeSetuid)
}

func TestCheckHelper(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make a file of root's")
	}
	// VFS_CAP_REVISION_2 with CAP_SETUID permitted, and the flag that makes it effective (linux/capability.h).
	capability := []byte{1, 0, 0, 2, 1 << unix.CAP_SETUID, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	dir := t.TempDir()
	isSetuid, isCapable := filepath.Join(dir, "setuid"), filepath.Join(dir, "capable")
	if err := errors.Join(setuid(isSetuid, 0), os.WriteFile(isCapable, nil, 0o755), unix.Setxattr(isCapable, "security.capability", capability, 0)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{isSetuid, isCapable} {
		if got, err := findHelper([]string{"/nowhere", dir}, filepath.Base(path)); err != nil || got != path {
			t.Errorf("got %q, %v, want %q", got, err, path)
		}
	}
}

func TestCheckHelperOnNosuid(t *testing.T) {
	ownEtc(t, etc{})
	if err := setuid("/etc/program", 0); err != nil {
		t.Fatal(err)
	}
	want := `"/etc/program" can't be used: it lies on a filesystem that is mounted nosuid`
	if path, err := findHelper([]string{"/etc"}, "program"); err == nil || err.Error() != want {
		t.Errorf("got %q, %v, want %q", path, err, want)
	}
}

// A file that is of no use must not hide one that is, in a later directory.
func TestFindHelperGoesOn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make a file of root's")
	}
	bad, good := t.TempDir(), t.TempDir()
	if err := setuid(filepath.Join(bad, "program"), 61003); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(good, "program")
	if err := setuid(want, 0); err != nil {
		t.Fatal(err)
	}
	got, err := findHelper([]string{bad, good}, "program")
	if err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
