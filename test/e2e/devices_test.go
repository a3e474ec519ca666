package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// makeZero makes a device that is like /dev/zero, with these permissions.
func makeZero(t *testing.T, path string, mode uint32, gid int) {
	t.Helper()
	must(t, unix.Mknod(path, unix.S_IFCHR, int(unix.Mkdev(1, 5))))
	must(t, os.Chown(path, 0, gid))
	must(t, unix.Chmod(path, mode))
}

const aZero = " 00\n"

func TestDevices(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs, "opt", "opt/zero")
	dir := newDir(t, user{})
	must(t, os.MkdirAll(filepath.Join(dir, "dri/by-path"), 0o755))
	makeZero(t, filepath.Join(dir, "open"), 0o666, 0)
	makeZero(t, filepath.Join(dir, "readable"), 0o664, 0)
	makeZero(t, filepath.Join(dir, "dri/open"), 0o666, 0)
	makeZero(t, filepath.Join(dir, "dri/roots"), 0o600, 0)
	must(t, os.Symlink("../open", filepath.Join(dir, "dri/by-path/pci-0")))
	must(t, os.Symlink("open", filepath.Join(dir, "link")))
	const zero = " | od -An -tx1"
	for _, test := range []struct {
		name   string
		flags  []string
		script string
		want   string
	}{
		{"one", []string{"--device", dir + "/open:/dev/zeros"}, "head -c 1 /dev/zeros" + zero + "; exec 5<>/dev/zeros; echo x >&5", aZero},
		{"with permissions", []string{"--device", dir + "/open:/dev/zeros:rwm"}, "head -c 1 /dev/zeros" + zero, aZero},
		{"a link to one", []string{"--device", dir + "/link:/dev/zeros:rw"}, "head -c 1 /dev/zeros" + zero, aZero},
		{"elsewhere", []string{"--device", dir + "/open:/opt/zero"}, "head -c 1 /opt/zero" + zero, aZero},
		{"in a directory to be made", []string{"--device", dir + "/open:/dev/a/b"}, "head -c 1 /dev/a/b" + zero, aZero},
		{"over another", []string{"--device", dir + "/open:/dev/null"}, "head -c 1 /dev/null" + zero, aZero},
		{"readable only", []string{"--device", dir + "/readable:/dev/zeros"}, "head -c 1 /dev/zeros" + zero + "; ! { echo x >/dev/zeros; } 2>/dev/null", aZero},
		{"a directory", []string{"--device", dir + "/dri:/dev/dri"}, "head -c 1 /dev/dri/by-path/pci-0" + zero + "; ! head -c 1 /dev/dri/roots 2>/dev/null", aZero},
		{"with a read-only root", []string{"--read-only", "--device", dir + "/open:/dev/zeros"}, "head -c 1 /dev/zeros" + zero + "; echo x >/dev/zeros", aZero},
		{"with a root that is thrown away", []string{"-x", "--device", dir + "/open:/zeros"}, "head -c 1 /zeros" + zero, aZero},
		{"nothing but that", []string{"--device", dir + "/open:/dev/zeros"}, "ls -A /dev | tr '\\n' ' '", "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero zeros "},
		{"not to be executed, nor setuid", []string{"--device", dir + "/open:/dev/zeros"}, "grep -c ' /dev/zeros .*nosuid.*noexec' /proc/self/mountinfo", "1\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			got := h.run(h.unc(h.alice, append(append([]string{"run", "--rootfs", rootfs}, test.flags...), "sh", "-euc", test.script)...)).works(t)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// What the caller may not open, he gets a sentence about instead.
func TestDevicesOfOthers(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	const gid = 3999999999
	dir, group := newDir(t, user{}), newDir(t, user{})
	must(t, mkdir(filepath.Join(dir, "dri")))
	makeZero(t, filepath.Join(dir, "roots"), 0o600, 0)
	makeZero(t, filepath.Join(dir, "machines"), 0o660, gid)
	makeZero(t, filepath.Join(dir, "dri/card0"), 0o660, gid)
	makeZero(t, filepath.Join(dir, "open"), 0o666, 0)
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o666))
	must(t, os.WriteFile(filepath.Join(group, "group"), []byte("root:x:0:\nmachines:x:"+strconv.Itoa(gid)+":\n"), 0o644))
	const ownGroups = `mount --bind "$1/group" /etc/group`
	for _, test := range []struct {
		name, value string
		says        []string
	}{
		{"root's", dir + "/roots:/dev/x", []string{"you may not open", "/roots", "hint: sudo setfacl "}},
		{"a group's", dir + "/machines:/dev/x", []string{"you may not open", "/machines", `its group "machines" may`, "hint: sudo usermod -aG machines "}},
		{"a directory of them", dir + "/dri:/dev/dri", []string{"you may not open", "/dri/card0", `its group "machines" may`}},
		{"a missing one", dir + "/missing:/dev/x", []string{"there is no device", "/missing"}},
		{"a file", dir + "/file:/dev/x", []string{"neither a device nor a directory of devices", "hint: unc run -v "}},
		{"a directory with a file", dir + ":/dev/x", []string{"/file", "which is no device"}},
		{"read-only", dir + "/open:/dev/x:r", []string{"you may write to", "can't grant less"}},
		{"over the whole of /dev", "/dev", []string{`"/dev" is the container's own`}},
		{"in /proc", dir + "/open:/proc/x", []string{`"/proc/x" is the container's own`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "--device", test.value, "true")
			h.run(withMounts(cmd, ownGroups, group)).fails(t, append(test.says, "--device "+strconv.Quote(test.value))...)
		})
	}
	// Who is in the group may, and so may his container.
	cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "-x", "--device", dir+"/machines:/dev/x", "--device", dir+"/dri:/dev/dri",
		"sh", "-euc", "exec 5<>/dev/x 6<>/dev/dri/card0; head -c 1 <&5 | od -An -tx1")
	if i := indexOf(cmd.Args, "--clear-groups"); i >= 0 {
		cmd.Args[i] = "--groups=" + strconv.Itoa(gid)
	}
	if got := h.run(cmd).works(t); got != aZero {
		t.Errorf("got %q, want %q", got, aZero)
	}
}

func indexOf(list []string, text string) int {
	for i, s := range list {
		if s == text {
			return i
		}
	}
	return -1
}

// The device that fuse-overlayfs and sshfs want, with the mode that udev gives it.
func TestDeviceFuse(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	if _, err := os.Stat("/dev/fuse"); err != nil {
		tier.Skip(t, "there is no /dev/fuse: sudo modprobe fuse")
	}
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	dir := newDir(t, user{})
	run := func(mode string) result {
		cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "--device", "/dev/fuse", "sh", "-c", "exec 5<>/dev/fuse && echo opened")
		return h.run(withMounts(cmd, `
			rm -f "$1/fuse" && mknod "$1/fuse" c 10 229 && chmod "$2" "$1/fuse"
			mount --bind "$1/fuse" /dev/fuse`, dir, mode))
	}
	if got := run("666").works(t); got != "opened\n" {
		t.Errorf("got %q, want it to be opened", got)
	}
	run("600").fails(t, `--device "/dev/fuse": you may not open "/dev/fuse"`)
	// Without the flag it is not there.
	got := h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "ls", "/dev/fuse"))
	if got.code != 1 || !strings.Contains(got.stderr, "No such file or directory") {
		t.Errorf("without --device: got %+v, want no such file", got)
	}
}
