package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newDir makes a directory that belongs to u, where every uid may go.
func newDir(t *testing.T, u user) string {
	t.Helper()
	dir, err := os.MkdirTemp(workDir, "dir-")
	if err != nil {
		t.Fatal(err)
	}
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Chown(dir, u.uid, u.gid))
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// busyboxRootfs makes what the blog post has: a directory of u's with busybox
// and the directories of a system, with everything in place that unc mounts on.
func busyboxRootfs(t *testing.T, u user) string {
	t.Helper()
	dir := newDir(t, u)
	for _, name := range []string{"bin", "dev", "etc", "proc", "root", "sys", "tmp"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
		must(t, os.WriteFile(filepath.Join(dir, "etc", name), []byte("the rootfs's own\n"), 0o644))
	}
	must(t, copyFile(filepath.Join(dir, "bin/busybox"), busybox, 0o755))
	applets, err := exec.Command(busybox, "--list").Output()
	must(t, err)
	for name := range strings.FieldsSeq(string(applets)) {
		if name != "busybox" {
			must(t, os.Symlink("busybox", filepath.Join(dir, "bin", name)))
		}
	}
	giveTo(t, u, dir)
	return dir
}

// giveTo makes everything below dir, and dir, belong to u.
func giveTo(t *testing.T, u user, dir string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, u.uid, u.gid)
	}))
}

// staysTheSame compares a directory tree at the end of the test with what it is
// now. New names may turn up only where unc documents that it makes them.
func staysTheSame(t *testing.T, dir string, made ...string) {
	t.Helper()
	before := listing(t, dir)
	t.Cleanup(func() {
		after := listing(t, dir)
		for _, name := range made {
			// With a name in it a directory has a new time of change.
			for _, changed := range []string{name, filepath.Dir(name)} {
				if _, had := before[name]; !had {
					delete(before, changed)
					delete(after, changed)
				}
			}
		}
		if left := differences(before, after); len(left) > 0 {
			t.Errorf("the files in %s are not what they were:\n%s", dir, strings.Join(left, "\n"))
		}
	})
}

func mkdir(path string) error { return os.Mkdir(path, 0o755) }

// owner is how listing shows that a file belongs to u.
func owner(u user) string { return fmt.Sprintf(" %d:%d ", u.uid, u.gid) }
