package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTwoRunsInOneRootfs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	one := h.shell(h.alice, rootfs, "--hostname", "one")
	two := h.shell(h.alice, rootfs, "--hostname", "two")
	for name, s := range map[string]*session{"one": one, "two": two} {
		if got := s.do("hostname && cat /etc/hostname"); got != name+"\n"+name+"\n" {
			t.Errorf("the hostname is %q, want %q", got, name)
		}
	}
	one.do("touch /dev/shm/of-one")
	if output, code := two.try("ls /dev/shm/of-one"); code == 0 {
		t.Errorf("the second container sees the first one's files: %s", output)
	}
	one.do("sleep 1234 >/dev/null 2>&1 &")
	if output, code := two.try("ps | grep '[s]leep 1234'"); code == 0 {
		t.Errorf("the second container sees the first one's processes: %s", output)
	}
	one.end()
	two.do("cat /etc/hostname && ping -c 1 -W 5 10.100.42.1")
	two.end()
}

func TestFilesOfTheRootfsAreTheContainers(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	s := h.shell(h.alice, rootfs)
	s.do("echo text >/root/file && chown 0:0 /root/file && chmod 640 /root/file && ln -s /etc/hosts /root/link")
	s.end()
	text, err := os.ReadFile(filepath.Join(rootfs, "root/file"))
	if err != nil || string(text) != "text\n" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if got := listing(t, filepath.Join(rootfs, "root"))["file"]; !strings.Contains(got, owner(h.alice)) {
		t.Errorf("the file is %q, want it to belong to %q", got, owner(h.alice))
	}
}

// What unc mounts on is made where it is missing, and nothing else.
func TestMissingDirectoriesAreMade(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := newDir(t, h.alice)
	must(t, mkdir(filepath.Join(rootfs, "bin")))
	must(t, copyFile(filepath.Join(rootfs, "bin/busybox"), busybox, 0o755))
	giveTo(t, h.alice, rootfs)
	staysTheSame(t, rootfs, "proc", "dev", "sys", "etc", "etc/hosts", "etc/hostname", "etc/resolv.conf")
	got := h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "busybox", "sh", "-c", `
		busybox cat /proc/self/comm /etc/hostname && busybox ls /dev/null /sys/class/net`)).works(t)
	if !strings.Contains(got, "eth0") {
		t.Errorf("got %q, want /proc, /dev, /sys and /etc to be in use", got)
	}
	for _, name := range []string{"etc/hosts", "etc/hostname", "etc/resolv.conf"} {
		if text, err := os.ReadFile(filepath.Join(rootfs, name)); err != nil || len(text) > 0 {
			t.Errorf("%s is %q, %v; want an empty file", name, text, err)
		}
	}
}

func TestRootfsThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	const readOnly = `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"`
	h := newHost(t)
	for _, test := range []struct {
		name   string
		lacks  []string
		mounts string
		owner  user
		fails  string // what the error says; "" is success
	}{
		{"read-only, complete", nil, readOnly, h.alice, ""},
		{"read-only, without proc", []string{"proc"}, readOnly, h.alice, "/proc"},
		{"read-only, without dev", []string{"dev"}, readOnly, h.alice, "/dev"},
		{"read-only, without sys", []string{"sys"}, readOnly, h.alice, "/sys"},
		{"read-only, without etc", []string{"etc"}, readOnly, h.alice, ""},
		{"read-only, without files in etc", []string{"etc/hosts", "etc/resolv.conf", "etc/hostname"}, readOnly, h.alice, ""},
		{"root's, complete", nil, "", user{}, ""},
		{"root's, without proc", []string{"proc"}, "", user{}, "/proc"},
		{"root's, without dev", []string{"dev"}, "", user{}, "/dev"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			rootfs := busyboxRootfs(t, test.owner)
			for _, name := range test.lacks {
				must(t, os.RemoveAll(filepath.Join(rootfs, name)))
			}
			staysTheSame(t, rootfs)
			cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "sh", "-c", "cat /proc/self/comm && ls /dev/null")
			if test.mounts != "" {
				cmd = withMounts(cmd, test.mounts, rootfs)
			}
			got := h.run(cmd)
			if test.fails == "" {
				got.works(t)
				return
			}
			got.fails(t, test.fails)
		})
	}
}

// A rootfs below which something is mounted comes with what is mounted there.
func TestMountsBelowTheRootfsComeAlong(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	cmd := withMounts(h.unc(h.alice, "run", "--rootfs", rootfs, "sh"), `mount -t tmpfs below "$1/tmp" && touch "$1/tmp/mounted"`, rootfs)
	s := h.open(cmd)
	s.do("ls /tmp/mounted")
	if output, code := s.try("umount /tmp"); code == 0 {
		t.Errorf("the command could unmount /tmp: %s", output)
	}
	s.end()
}

// /tmp is where the container's first process begins to build.
func TestRootfsBelowTmp(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range []struct{ name, dir, rootfs string }{
		{"by its path", "/", "/tmp/rootfs"},
		{"from inside", "/tmp/rootfs", "."},
		{"from /tmp", "/tmp", "rootfs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			cmd := h.as(h.alice, "sh", "-c", `cd "$1" && shift && exec "$@"`, "sh", test.dir, unc,
				"run", "--rootfs", test.rootfs, "sh", "-c", "ls /bin/busybox && touch /tmp/file && ls /tmp")
			cmd = withMounts(cmd, `mount -t tmpfs tmp /tmp && cp -a "$1" /tmp/rootfs`, rootfs)
			if got := h.run(cmd).works(t); got != "/bin/busybox\nfile\n" {
				t.Errorf("got %q, want the rootfs", got)
			}
		})
	}
}
