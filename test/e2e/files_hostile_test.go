package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// hostileTargets are ways to make of /data in a rootfs something to mount on or to
// write to that is not in it.
var hostileTargets = []struct {
	name   string
	change func(rootfs, canary string) error
}{
	{"a link to itself", replace("data", func(path, _ string) error { return os.Symlink("data", path) })},
	{"a loop of two", func(rootfs, canary string) error {
		if err := os.Symlink("data", filepath.Join(rootfs, "other")); err != nil {
			return err
		}
		return replace("data", func(path, _ string) error { return os.Symlink("/other", path) })(rootfs, canary)
	}},
	{"more links than are followed", func(rootfs, _ string) error {
		path := filepath.Join(rootfs, "data")
		for range 50 {
			if err := os.Symlink(strings.TrimPrefix(path, rootfs), path+"x"); err != nil {
				return err
			}
			path += "x"
		}
		return os.Rename(path, filepath.Join(rootfs, "data"))
	}},
	{"a FIFO", replace("data", makeFIFO)},
	{"a socket", replace("data", makeSocket)},
	{"a file", replace("data", makeFile)},
	{"a directory that may not be entered", replace("data", func(path, _ string) error { return os.Mkdir(path, 0) })},
	{"a link to a file that is not there yet", replace("data", func(path, canary string) error {
		return os.Symlink(filepath.Join(canary, "not-there-yet"), path)
	})},
	{"a link upwards to a file that is not there yet", replace("data", func(path, canary string) error {
		return os.Symlink(relative(filepath.Join(canary, "not-there-yet")), path)
	})},
	{"a link to the root", replace("data", func(path, _ string) error { return os.Symlink("/", path) })},
	{"a link above the root", replace("data", func(path, _ string) error { return os.Symlink("../..", path) })},
	{"a link to /proc", replace("data", func(path, _ string) error { return os.Symlink("/proc", path) })},
	{"a link to /proc/sys", replace("data", func(path, _ string) error { return os.Symlink("proc/sys", path) })},
	{"a link to /sys", replace("data", func(path, _ string) error { return os.Symlink("/sys", path) })},
	{"a link to /dev", replace("data", func(path, _ string) error { return os.Symlink("/dev", path) })},
	{"a link to a process's root", replace("data", func(path, _ string) error { return os.Symlink("/proc/self/root", path) })},
	{"a link to a process's directory", replace("data", func(path, _ string) error { return os.Symlink("/proc/self/cwd", path) })},
	{"a link to the supervisor's root", replace("data", func(path, _ string) error { return os.Symlink("/proc/1/root", path) })},
	{"a link to a descriptor", replace("data", func(path, _ string) error { return os.Symlink("/proc/self/fd/3", path) })},
	{"a link to standard output", replace("data", func(path, _ string) error { return os.Symlink("/dev/stdout", path) })},
	{"a link to /etc", replace("data", func(path, _ string) error { return os.Symlink("/etc", path) })},
	{"a link to /etc/hosts", replace("data", func(path, _ string) error { return os.Symlink("/etc/hosts", path) })},
}

// linkedTargets gives a case for each way to write a link to what is outside.
func linkedTargets() (cases []struct {
	name   string
	change func(rootfs, canary string) error
},
) {
	for kind, write := range map[string]func(string) string{"absolute": filepath.Clean, "relative": relative} {
		for _, to := range []string{"", "empty", "hosts"} {
			cases = append(cases, struct {
				name   string
				change func(rootfs, canary string) error
			}{"an " + kind + " link outside to " + filepath.Join("canary", to), replace("data", func(path, canary string) error {
				return os.Symlink(write(filepath.Join(canary, to)), path)
			})})
		}
	}
	return cases
}

// TestHostileTargets: what is mounted on a path of a hostile rootfs, and made there, is
// in that rootfs, or nothing is.
func TestHostileTargets(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	volume := newVolume(t, h.alice, "marker")
	staysTheSame(t, volume)
	zero := filepath.Join(newDir(t, user{}), "zero")
	makeZero(t, zero, 0o666, 0)
	works, refused := 0, 0
	for _, test := range append(hostileTargets, linkedTargets()...) {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			canary := newCanary(t, h.alice)
			rootfs := busyboxRootfs(t, h.alice)
			must(t, test.change(rootfs, canary))
			giveTo(t, h.alice, rootfs)
			for _, mount := range []struct {
				flags []string
				check string // that it is what it should be, when it is there
			}{
				{[]string{"-v", volume + ":/data:ro"}, "[ ! -e /data/marker ] || cat /data/marker"},
				{[]string{"-v", volume + ":/data/new/dir:ro"}, "cat /data/new/dir/marker"},
				{[]string{"-v", volume + "/marker:/data:ro"}, "true"},
				{[]string{"-v", volume + "/marker:/data/new/file:ro"}, "cat /data/new/file"},
				{[]string{"--tmpfs", "/data"}, "true"},
				{[]string{"--tmpfs", "/data/tmpfs"}, "touch /data/tmpfs/x"},
				{[]string{"--device", zero + ":/data"}, "true"},
				{[]string{"--device", zero + ":/data/new/zero"}, "head -c 1 /data/new/zero"},
				{[]string{"-w", "/data/new/workdir"}, "[ $(pwd -P) != / ]"},
				{[]string{"-x", "-v", volume + ":/data/ephemeral/dir:ro", "-w", "/data/ephemeral/workdir"}, "cat /data/ephemeral/dir/marker"},
				{[]string{"--read-only", "-v", volume + ":/data/new/dir:ro", "--tmpfs", "/data/new/tmpfs"}, "cat /data/new/dir/marker"},
			} {
				script := "{ " + mount.check + "; } >/tmp/out 2>&1 || { echo " + strings.Join(mount.flags[:1], "") + "; cat /tmp/out; exit 3; }\n[ ! -e \"$0\" ] || exit 4"
				got := h.run(h.unc(h.alice, append(append([]string{"run", "--network", "none", "--rootfs", rootfs}, mount.flags...), "/bin/sh", "-c", script, canary)...))
				switch got.code {
				case 0:
					works++
				case 126, 127: // what is mounted covers the command
					refused++
				default:
					refused++
					got.fails(t)
				}
			}
		})
	}
	// A test in which nothing is mounted, or nothing refused, proves nothing.
	if works < 20 || refused < 20 {
		t.Errorf("%d containers ran, %d did not; want more of either", works, refused)
	}
}

// TestUsersOfAnotherRootfs: names are looked up in the rootfs, wherever its files lead.
func TestUsersOfAnotherRootfs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	outside := newDir(t, h.alice)
	must(t, os.WriteFile(filepath.Join(outside, "passwd"), []byte("root:x:0:0::/:/bin/sh\noutsider:x:0:0::/:/bin/sh\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(outside, "group"), []byte("outsider:x:0:\n"), 0o644))
	for _, test := range []struct {
		name   string
		change func(path, target string) error
		says   string
	}{
		{"an absolute link", func(path, target string) error { return os.Symlink(target, path) }, "outsider"},
		{"a relative link", func(path, target string) error { return os.Symlink(relative(target), path) }, "outsider"},
		{"a FIFO", makeFIFO, "not a regular file"},
		{"a device", func(path, _ string) error { return unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) }, "not a regular file"},
		{"a directory", func(path, _ string) error { return mkdir(path) }, "not a regular file"},
		{"a file without an end", func(path, _ string) error {
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				return err
			}
			return os.Truncate(path, 1<<40)
		}, "larger than"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			rootfs := busyboxRootfs(t, h.alice)
			for _, name := range []string{"passwd", "group"} {
				must(t, test.change(filepath.Join(rootfs, "etc", name), filepath.Join(outside, name)))
			}
			for _, who := range []string{"outsider", "0:outsider", "outsider:0"} {
				h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "-u", who, "true")).fails(t, test.says)
			}
		})
	}
}
