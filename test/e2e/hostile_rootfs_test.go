package e2e

import (
	"errors"
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
	{"/etc/hosts is a FIFO", replace("etc/hosts", makeFIFO)},
	{"/etc/resolv.conf is a FIFO", replace("etc/resolv.conf", makeFIFO)},
	{"/etc/hostname is a directory", replace("etc/hostname", func(path, _ string) error { return mkdir(path) })},
	{"/etc/hosts is a socket", replace("etc/hosts", makeSocket)},
	{"/proc is a file", replace("proc", makeFile)},
	{"/dev is a file", replace("dev", makeFile)},
	{"/sys is a FIFO", replace("sys", makeFIFO)},
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
	{"/tmp is a FIFO", replace("tmp", makeFIFO)},
	{"/run is a FIFO", replace("run", makeFIFO)},
	{"/dev/null is a FIFO", replace("dev/null", makeFIFO)},
	{"/etc/passwd is a FIFO", replace("etc/passwd", makeFIFO)},
	{"/etc/group is a FIFO", replace("etc/group", makeFIFO)},
	{"/etc/passwd is a directory", replace("etc/passwd", func(path, _ string) error { return mkdir(path) })},
	{"/etc leads to /proc", replace("etc", func(path, _ string) error { return os.Symlink("/proc", path) })},
	{"/tmp leads to /etc", replace("tmp", func(path, _ string) error { return os.Symlink("/etc", path) })},
	{"/run leads to /proc/self/cwd", replace("run", func(path, _ string) error { return os.Symlink("/proc/self/cwd", path) })},
	{"/etc and /run lead to each other", func(rootfs, canary string) error {
		return errors.Join(
			replace("etc", func(path, _ string) error { return os.Symlink("run", path) })(rootfs, canary),
			replace("run", func(path, _ string) error { return os.Symlink("etc", path) })(rootfs, canary))
	}},
	{"/etc may not be entered", func(rootfs, _ string) error { return os.Chmod(filepath.Join(rootfs, "etc"), 0) }},
}

func replace(name string, f func(path, canary string) error) func(rootfs, canary string) error {
	return func(rootfs, canary string) error {
		path := filepath.Join(rootfs, name)
		if err := errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Dir(path), 0o755)); err != nil {
			return err
		}
		return f(path, canary)
	}
}

func makeFile(path, _ string) error { return os.WriteFile(path, nil, 0o666) }

func makeFIFO(path, _ string) error { return unix.Mkfifo(path, 0o666) }

func makeSocket(path, _ string) error { return unix.Mknod(path, unix.S_IFSOCK|0o666, 0) }

// linked gives a case for each way to write a link, at each place where unc mounts.
func linked() (cases []struct {
	name   string
	change func(rootfs, canary string) error
},
) {
	for _, name := range []string{
		"proc", "dev", "sys", "etc", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/passwd", "etc/group",
		"dev/null", "dev/pts", "dev/shm", "dev/fd", "tmp", "run", "var", "var/tmp", "work",
	} {
		for kind, write := range map[string]func(string) string{"absolute": filepath.Clean, "relative": relative} {
			cases = append(cases, struct {
				name   string
				change func(rootfs, canary string) error
			}{
				fmt.Sprintf("/%s is an %s link", name, kind),
				replace(name, func(path, canary string) error {
					target := filepath.Join(canary, filepath.Base(name))
					if _, err := os.Lstat(target); err != nil {
						target = filepath.Join(canary, "empty")
					}
					return os.Symlink(write(target), path)
				}),
			})
		}
	}
	return cases
}

// hostileFlags are what makes unc look at more of a rootfs.
var hostileFlags = [][]string{
	nil,
	{"--network", "none", "-u", "outsider"},
	{"--network", "none", "--read-only"},
	{"--network", "none", "-x", "-w", "/work/here"},
	{"--network", "none", "--tmpfs", "/run/below", "--tmpfs", "/tmp", "-w", "/work"},
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
			staysTheSame(t, rootfs, "etc/hosts", "etc/hostname", "etc/resolv.conf", "run", "run/below", "work")
			for _, flags := range hostileFlags {
				got := h.run(h.unc(h.alice, append(append([]string{"run", "--rootfs", rootfs}, flags...), "sh", "-c", `
					for f in hosts hostname resolv.conf; do echo written >/etc/$f; done
					for f in hosts hostname resolv.conf passwd group; do ! { [ -f /etc/$f ] && grep canary /etc/$f; } || exit; done
					[ ! -e "$0" ]`, canary)...))
				if got.code != 0 {
					got.fails(t)
				}
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

	exchanging(t, rootfs+"/etc", rootfs+"/dev", rootfs+"/etc/hosts")
	outcomes := map[string]int{}
	for range 100 {
		got := h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "true"))
		if got.code != 0 {
			got.fails(t)
		}
		outcomes[got.stderr]++
	}
	t.Logf("outcomes: %v", outcomes)
}

// exchanging swaps each path with the one that is called the same with .link, over and
// over until the end of the test. Both exist at any time, one as the other.
func exchanging(t *testing.T, paths ...string) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			for _, path := range paths {
				_ = unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, path+".link", unix.RENAME_EXCHANGE)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	}()
	// Before what was prepared for the test is compared and removed.
	t.Cleanup(func() {
		close(done)
		<-stopped
	})
}
