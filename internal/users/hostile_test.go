package users

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// outside is a file that no rootfs may lead to. Who is in it was found on the host.
func outside(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(path, []byte("host:x:666:666::/host:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHostileFile(t *testing.T) {
	host := outside(t)
	for _, test := range []struct {
		name string
		make func(dir string) error // in the rootfs, which has an empty etc
		want string
	}{
		{
			"a link to the host's", func(dir string) error { return os.Symlink(host, dir+"/etc/passwd") },
			`the container has no /etc/passwd to find user "host" in`,
		},
		{
			"a link up and out", func(dir string) error {
				return os.Symlink(strings.Repeat("../", 40)+host[1:], dir+"/etc/passwd")
			},
			`the container has no /etc/passwd to find user "host" in`,
		},
		{
			"/etc is a link to the host's", func(dir string) error {
				return errors.Join(os.Remove(dir+"/etc"), os.Symlink(filepath.Dir(host), dir+"/etc"))
			},
			`the container has no /etc/passwd to find user "host" in`,
		},
		{
			"a link to itself", func(dir string) error { return os.Symlink("passwd", dir+"/etc/passwd") },
			"opening the container's /etc/passwd: too many levels of symbolic links",
		},
		{
			"a FIFO", func(dir string) error { return unix.Mkfifo(dir+"/etc/passwd", 0o644) },
			"reading the container's /etc/passwd: it is not a regular file",
		},
		{
			"a directory", func(dir string) error { return os.Mkdir(dir+"/etc/passwd", 0o755) },
			"reading the container's /etc/passwd: it is not a regular file",
		},
		{
			"a socket", func(dir string) error {
				return unix.Mknod(dir+"/etc/passwd", unix.S_IFSOCK|0o644, 0)
			},
			"opening the container's /etc/passwd: no such device or address",
		},
		{
			"a file almost without end", func(dir string) error {
				return errors.Join(os.WriteFile(dir+"/etc/passwd", nil, 0o644), os.Truncate(dir+"/etc/passwd", 1<<40))
			},
			"reading the container's /etc/passwd: it is larger than 4194304 bytes",
		},
		{
			"a line almost without end", func(dir string) error {
				return os.WriteFile(dir+"/etc/passwd", []byte(strings.Repeat("host:", maxFile/len("host:"))), 0o644)
			},
			`there is no user "host" in the container's /etc/passwd`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := errors.Join(os.Mkdir(dir+"/etc", 0o755), test.make(dir)); err != nil {
				t.Fatal(err)
			}
			got, err := Lookup(openRoot(t, dir), "host", line)
			checkError(t, got, err, test.want)
		})
	}
}

// Links stay in the rootfs, and absolute ones begin there.
func TestLinksInside(t *testing.T) {
	dir := t.TempDir()
	for _, err := range []error{
		os.Mkdir(dir+"/real", 0o755),
		os.WriteFile(dir+"/real/users", []byte("alice:x:5:6::/alice:\n"), 0o644),
		os.Symlink("users", dir+"/real/passwd"),
		os.Symlink("/../real/.", dir+"/etc"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := Lookup(openRoot(t, dir), "alice", line)
	if err != nil || got.UID != 5 || got.GID != 6 || got.Home != "/alice" {
		t.Errorf("got %+v, %v, want alice", got, err)
	}
}

// Somebody exchanges /etc for a link to the host's, and back, all the time.
func TestRenameRace(t *testing.T) {
	host := outside(t)
	dir := t.TempDir()
	for _, err := range []error{
		os.Mkdir(dir+"/etc", 0o755),
		os.WriteFile(dir+"/etc/passwd", []byte("alice:x:5:6::/alice:\n"), 0o644),
		os.Symlink(strings.Repeat("../", 40)+filepath.Dir(host)[1:], dir+"/other"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	var racer sync.WaitGroup
	racer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := unix.Renameat2(unix.AT_FDCWD, dir+"/etc", unix.AT_FDCWD, dir+"/other", unix.RENAME_EXCHANGE); err != nil {
				t.Errorf("exchanging: %v", err)
				return
			}
		}
	})
	root := openRoot(t, dir)
	found := 0
	for n := 0; n < 2000 || found == 0; n++ {
		if got, err := Lookup(root, "host", line); err == nil {
			t.Errorf("got %+v, who is the host's", got)
			break
		}
		if _, err := Lookup(root, "alice", line); err == nil {
			found++
		}
	}
	close(stop)
	racer.Wait()
}
