package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTargetsThatChangeMeanwhile: while containers start, a directory that they mount
// into, and one on the way to it, are swapped for links to a canary.
func TestTargetsThatChangeMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	canary := newCanary(t, h.alice)
	volume := newVolume(t, h.alice, "marker")
	staysTheSame(t, volume)
	for _, test := range []struct {
		name string
		link func(string) string
	}{
		{"absolute", filepath.Clean},
		{"relative", relative},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := h.of(t)
			rootfs := busyboxRootfs(t, h.alice)
			must(t, os.MkdirAll(filepath.Join(rootfs, "data/below/deep"), 0o755))
			must(t, os.Symlink(test.link(filepath.Join(canary, "empty")), filepath.Join(rootfs, "data.link")))
			must(t, os.Symlink(test.link(filepath.Join(canary, "empty")), filepath.Join(rootfs, "data/below.link")))
			giveTo(t, h.alice, rootfs)
			exchanging(t, rootfs+"/data", rootfs+"/data/below")
			outcomes := map[string]int{}
			for i := range 56 {
				flags := [][]string{
					{"-v", volume + ":/data:ro"},
					{"-v", volume + ":/data/below:ro"},
					{"-v", volume + ":/data/below/deep:ro"},
					{"-v", volume + ":/data/below/new/dir:ro"},
					{"-v", volume + "/marker:/data/below/file:ro"},
					{"--tmpfs", "/data/below/tmpfs"},
					{"-w", "/data/below/workdir"},
				}[i%7]
				got := h.run(h.unc(h.alice, append(append([]string{"run", "--network", "none", "--rootfs", rootfs}, flags...), "true")...))
				if got.code != 0 {
					got.fails(t)
				}
				outcomes[got.stderr]++
			}
			t.Logf("outcomes: %v", outcomes)
		})
	}
}

// TestRenamesElsewhere: the kernel gives up on a path with ".." in it when anything at
// all is renamed at the same moment (EAGAIN, openat2(2)), which everybody may do in a
// directory of his own. That keeps nobody's container from starting.
func TestRenamesElsewhere(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs, volume, bobs := busyboxRootfs(t, h.alice), newVolume(t, h.alice, "marker"), newDir(t, h.bob)
	must(t, os.MkdirAll(filepath.Join(rootfs, "usr/real"), 0o755))
	must(t, os.Symlink("../usr/../usr/real", filepath.Join(rootfs, "usr/link")))
	giveTo(t, h.alice, rootfs)
	must(t, mkdir(filepath.Join(bobs, "x")))
	must(t, mkdir(filepath.Join(bobs, "x.link")))
	exchanging(t, bobs+"/x")
	for range 30 {
		got := h.run(h.unc(h.alice, "run", "--network", "none", "--rootfs", rootfs, "-v", volume+":/usr/link/x/y", "--tmpfs", "/usr/link/tmpfs",
			"-w", "/usr/link/workdir", "cat", "/usr/real/x/y/marker")).works(t)
		if got != ofTheHost {
			t.Fatalf("got %q, want %q", got, ofTheHost)
		}
	}
}

// TestSourcesThatChangeMeanwhile: a source is what it is when the container starts, and
// never more than its user could see: he swaps his own file for one that is root's.
func TestSourcesThatChangeMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	secret, open := newDir(t, user{}), newDir(t, h.alice)
	must(t, os.WriteFile(filepath.Join(secret, "secret"), []byte("root's\n"), 0o600))
	must(t, mkdir(filepath.Join(secret, "dir")))
	must(t, os.WriteFile(filepath.Join(secret, "dir/secret"), []byte("root's\n"), 0o644))
	must(t, os.Chmod(filepath.Join(secret, "dir"), 0o700))
	staysTheSame(t, secret)
	must(t, os.WriteFile(filepath.Join(open, "file"), []byte(ofTheHost), 0o644))
	must(t, mkdir(filepath.Join(open, "dir")))
	must(t, os.Symlink(filepath.Join(secret, "secret"), filepath.Join(open, "file.link")))
	must(t, os.Symlink(filepath.Join(secret, "dir"), filepath.Join(open, "dir.link")))
	giveTo(t, h.alice, open)
	exchanging(t, open+"/file", open+"/dir")
	for range 25 {
		got := h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "-x", "-v", open+"/file:/file", "-v", open+"/dir:/dir",
			"sh", "-c", "cat /file /dir/secret; chmod 666 /file; chmod 777 /dir; ls /dir; true"))
		if got.code != 0 {
			got.fails(t)
		}
		if strings.Contains(got.stdout, "root's") || strings.Contains(got.stdout, "secret") {
			t.Fatalf("the container saw what its user may not: %+v", got)
		}
	}
}
