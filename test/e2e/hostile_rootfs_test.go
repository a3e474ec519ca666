package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// newCanary makes a tree of the user's with files to spoil, and a directory
// "empty" in which all that is made is seen.
func newCanary(t *testing.T, u user) string {
	t.Helper()
	dir := newDir(t, u)
	for _, name := range []string{"hosts", "hostname", "resolv.conf", "null", "passwd"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("canary\n"), 0o666))
	}
	must(t, mkdir(filepath.Join(dir, "empty")))
	giveTo(t, u, dir)
	staysTheSame(t, dir)
	return dir
}

// relative leads from inside a rootfs to an absolute path, with more steps up
// than there are.
func relative(path string) string { return strings.Repeat("../", 20) + path[1:] }

// hostileRootfs are ways to make unc write or mount where it should not.
var hostileRootfs = []struct {
	name   string
	change func(rootfs, canary string) error
}{
	{"/etc/hosts is a FIFO", replace("etc/hosts", func(path, _ string) error { return unix.Mkfifo(path, 0o666) })},
	{"/etc/resolv.conf is a FIFO", replace("etc/resolv.conf", func(path, _ string) error { return unix.Mkfifo(path, 0o666) })},
	{"/etc/hostname is a directory", replace("etc/hostname", func(path, _ string) error { return mkdir(path) })},
	{"/etc/hosts is a socket", replace("etc/hosts", makeSocket)},
	{"/proc is a file", replace("proc", makeFile)},
	{"/dev is a file", replace("dev", makeFile)},
	{"/sys is a FIFO", replace("sys", func(path, _ string) error { return unix.Mkfifo(path, 0o666) })},
	{"/etc is a file", replace("etc", makeFile)},
	{"/proc is a link to itself", replace("proc", func(path, _ string) error { return os.Symlink("proc", path) })},
	{"/etc/resolv.conf leads to a new file", replace("etc/resolv.conf", func(path, canary string) error {
		return os.Symlink(filepath.Join(canary, "not-there-yet"), path)
	})},
	{"/etc/hosts is a hard link", replace("etc/hosts", func(path, canary string) error {
		return os.Link(filepath.Join(canary, "hosts"), path)
	})},
	{"/etc/resolv.conf leads to /proc/self/fd/1", replace("etc/resolv.conf", func(path, _ string) error {
		return os.Symlink("/proc/self/fd/1", path)
	})},
	{"/proc leads to /dev in the rootfs", replace("proc", func(path, _ string) error { return os.Symlink("dev", path) })},
	{"/etc/hosts is unreadable", func(rootfs, _ string) error { return os.Chmod(filepath.Join(rootfs, "etc/hosts"), 0) }},
	{"/etc may not be entered", func(rootfs, _ string) error { return os.Chmod(filepath.Join(rootfs, "etc"), 0) }},
}

func replace(name string, f func(path, canary string) error) func(rootfs, canary string) error {
	return func(rootfs, canary string) error {
		path := filepath.Join(rootfs, name)
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		return f(path, canary)
	}
}

func makeFile(path, _ string) error { return os.WriteFile(path, nil, 0o666) }

func makeSocket(path, _ string) error { return unix.Mknod(path, unix.S_IFSOCK|0o666, 0) }

// linked gives a case for each way to write a link, at each place where unc mounts.
func linked() (cases []struct {
	name   string
	change func(rootfs, canary string) error
},
) {
	for _, name := range []string{"proc", "dev", "sys", "etc", "etc/hosts", "etc/hostname", "etc/resolv.conf"} {
		for kind, write := range map[string]func(string) string{"absolute": filepath.Clean, "relative": relative} {
			cases = append(cases, struct {
				name   string
				change func(rootfs, canary string) error
			}{
				fmt.Sprintf("/%s is an %s link", name, kind),
				replace(name, func(path, canary string) error {
					target := filepath.Join(canary, "empty")
					if filepath.Dir(name) == "etc" {
						target = filepath.Join(canary, filepath.Base(name))
					}
					return os.Symlink(write(target), path)
				}),
			})
		}
	}
	return cases
}

// TestHostileRootfs: unc works, or says why not, and leaves alone what is outside.
func TestHostileRootfs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, test := range append(hostileRootfs, linked()...) {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			canary := newCanary(t, h.alice)
			rootfs := busyboxRootfs(t, h.alice)
			must(t, test.change(rootfs, canary))
			giveTo(t, h.alice, rootfs)
			staysTheSame(t, rootfs, "etc/hosts", "etc/hostname", "etc/resolv.conf")
			got := h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "sh", "-c",
				"echo written >/etc/hosts; echo written >/etc/hostname; echo written >/etc/resolv.conf; true"))
			if got.code != 0 {
				got.fails(t)
			}
		})
	}
}

// TestRootfsThatChangesMeanwhile: a second process of the user's swaps
// directories of the rootfs for links to a canary while unc mounts on them.
func TestRootfsThatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	canary := newCanary(t, h.alice)
	rootfs := busyboxRootfs(t, h.alice)
	for _, name := range []string{"etc", "dev"} {
		must(t, os.Symlink(filepath.Join(canary, "empty"), filepath.Join(rootfs, name+".link")))
	}
	must(t, os.Symlink(filepath.Join(canary, "hosts"), filepath.Join(rootfs, "etc/hosts.link")))

	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			for _, name := range []string{"etc", "dev", "etc/hosts"} {
				path := filepath.Join(rootfs, name)
				// Both exist at any time, one as the other.
				_ = unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, path+".link", unix.RENAME_EXCHANGE)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	}()
	outcomes := map[string]int{}
	for range 100 {
		got := h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "true"))
		if got.code != 0 {
			got.fails(t)
		}
		outcomes[got.stderr]++
	}
	close(done)
	<-stopped
	t.Logf("outcomes: %v", outcomes)
}
