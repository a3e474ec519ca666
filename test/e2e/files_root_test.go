package e2e

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// staysByteForByte compares what is in the files as well.
func staysByteForByte(t *testing.T, dir string) {
	t.Helper()
	sums := func() map[string]string {
		found := map[string]string{}
		for name := range listing(t, dir) {
			path := filepath.Join(dir, name)
			if st, err := os.Lstat(path); err == nil && st.Mode().IsRegular() {
				text, err := os.ReadFile(path)
				must(t, err)
				sum := sha256.Sum256(text)
				found[name] = string(sum[:])
			}
		}
		return found
	}
	before := sums()
	staysTheSame(t, dir)
	t.Cleanup(func() {
		for name, sum := range sums() {
			if before[name] != sum {
				t.Errorf("%s in %s is not what it was", name, dir)
			}
		}
	})
}

// Each way to change a tree of files, but for one.
const changeEverything = `
	echo x >/root/new && echo x >>/root/kept && rm /root/removed && mkdir -p /root/a/b && mv /root/moved /root/a/ && mv /root/dir /root/renamed &&
	chmod 600 /bin/busybox && chmod 755 /bin/busybox && chown 0:0 /root/kept && ln -s kept /root/link && ln /root/kept /root/hard &&
	truncate -s 0 /root/dir2/file && touch -t 200001010000 /root/dir2`

// That one is to make a directory anew. The new one has to hide what the rootfs has below
// it, which overlayfs notes in an attribute of the directory (overlayfs.rst, "whiteouts
// and opaque directories").
const replaceDirectory = "rm -r /root/full && mkdir /root/full && ls -A /root/full"

// hasUserAttributes tells whether a tmpfs has attributes that a user may set, as it has
// since Linux 6.6 where the kernel was built for them. Others can't do the above.
func hasUserAttributes(t *testing.T) bool {
	t.Helper()
	err := unix.Setxattr(newDir(t, user{}), "user.unc", []byte("x"), 0)
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		t.Fatal(err)
	}
	return err == nil
}

func TestEphemeral(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, dir := range []string{"dir", "dir2", "full/full"} {
		must(t, os.MkdirAll(filepath.Join(rootfs, "root", dir), 0o755))
	}
	for _, name := range []string{"kept", "removed", "moved", "dir2/file", "full/file"} {
		must(t, os.WriteFile(filepath.Join(rootfs, "root", name), []byte(name+"\n"), 0o644))
	}
	giveTo(t, h.alice, rootfs)
	// What is mounted on or started in is not made in the rootfs itself either.
	for _, name := range []string{"sys", "etc/hosts", "etc/resolv.conf", "etc/hostname"} {
		must(t, os.Remove(filepath.Join(rootfs, name)))
	}
	data := newVolume(t, h.alice, "file")
	staysByteForByte(t, rootfs)
	for _, flag := range []string{"-x", "--ephemeral"} {
		one := h.shell(h.alice, rootfs, flag, "-v", data+":/new/data", "--tmpfs", "/new/tmpfs", "-w", "/new/workdir")
		two := h.shell(h.alice, rootfs, flag)
		one.do(changeEverything + " && cat /root/a/moved /root/renamed/../kept && [ $(pwd) = /new/workdir ] && cat /etc/hosts && ls /sys/class")
		if got, code := one.try(replaceDirectory); hasUserAttributes(t) {
			if code != 0 || got != "" {
				t.Errorf("%s: a directory made anew: exit code %d: %q, want it empty", flag, code, got)
			}
		} else if code == 0 || !strings.Contains(got, "Input/output error") {
			t.Errorf("%s: a directory made anew: exit code %d: %q, want what docs/rootfs.md says of this kernel", flag, code, got)
		}
		if got := two.do("ls -A / /root && cat /root/kept /root/removed"); strings.Contains(got, "new") || !strings.HasSuffix(got, "kept\nremoved\n") {
			t.Errorf("%s: another container sees %q, want the rootfs as it was", flag, got)
		}
		one.end()
		two.end()
	}
	// Where nothing is thrown away, the same commands leave something.
	if got := h.run(h.unc(h.alice, "run", "--rootfs", copyOf(t, h, rootfs), "sh", "-euc", changeEverything+"\n"+replaceDirectory+"\nls /root")).works(t); !strings.Contains(got, "new\n") {
		t.Errorf("got %q, want the changes", got)
	}
}

// A mount below the rootfs can't be a part of an overlay, and is not left out silently.
func TestEphemeralWithMountsBelow(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "-x", "touch", "/tmp/x")
	got := h.run(withMounts(cmd, `mount -t tmpfs below "$1/tmp" && touch "$1/tmp/mounted"`, rootfs))
	got.fails(t, "there is something mounted in it")
}

// copyOf is a copy of a directory of alice's.
func copyOf(t *testing.T, h *host, dir string) string {
	t.Helper()
	made := newDir(t, h.alice)
	h.root(`cp -a "$1/." "$2"`, dir, made)
	return made
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, dir := range []string{"run", "var/tmp", "srv"} {
		must(t, os.MkdirAll(filepath.Join(rootfs, dir), 0o755))
		must(t, os.WriteFile(filepath.Join(rootfs, dir, "of-the-rootfs"), nil, 0o644))
	}
	giveTo(t, h.alice, rootfs)
	data := newVolume(t, h.alice, "file")
	must(t, mkdir(filepath.Join(rootfs, "data")))
	staysByteForByte(t, rootfs)
	for _, flags := range [][]string{{"--read-only"}, {"--read-only", "-x"}} {
		cmd := h.unc(h.alice, append(append([]string{"run", "--rootfs", rootfs, "-v", data + ":/data"}, flags...), "sh")...)
		if len(flags) == 1 {
			cmd = withMounts(cmd, `mount -t tmpfs -o mode=777 below "$1/srv"`, rootfs)
		}
		s := h.open(cmd)
		for _, path := range []string{"/x", "/root/x", "/bin/x", "/etc/x", "/var/x", "/srv/x"} {
			if output, code := s.try("touch " + path); code == 0 || !strings.Contains(output, "Read-only file system") {
				t.Errorf("%v: touch %s: exit code %d: %q; want a read-only file system", flags, path, code, output)
			}
		}
		for _, dir := range []string{"/tmp", "/run", "/var/tmp", "/dev/shm"} {
			if got := s.do("ls -A " + dir + " && echo x >" + dir + "/file && mkdir " + dir + "/dir && cat " + dir + "/file"); got != "x\n" {
				t.Errorf("%v: %s: got %q, want an empty directory to write to", flags, dir, got)
			}
		}
		s.do("echo x >/data/file && cat /etc/hosts && hostname")
		for _, script := range []string{"mount -o remount,rw /", "mount -o remount,bind,rw /", "umount -l /tmp", "rm -rf /bin/busybox"} {
			if output, code := s.try(script); code == 0 {
				t.Errorf("%v: %s: works: %s", flags, script, output)
			}
		}
		s.end()
	}
	if text, err := os.ReadFile(filepath.Join(data, "file")); err != nil || string(text) != "x\n" {
		t.Errorf("the volume's file is %q, %v; want what the container wrote", text, err)
	}
}

func TestReadOnlyThrowAwaySystem(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := h.open(h.unc(h.alice, "run", "--read-only", "sh"))
	for _, path := range []string{"/x", "/usr/x", "/etc/x", "/var/x", "/root/x"} {
		if output, code := s.try("touch " + path); code == 0 || !strings.Contains(output, "Read-only file system") {
			t.Errorf("touch %s: exit code %d: %q; want a read-only file system", path, code, output)
		}
	}
	s.do("for dir in /tmp /run /var/tmp /dev/shm; do echo x >$dir/file || exit 1; done")
	s.end()
}

func TestTmpfs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	must(t, os.WriteFile(filepath.Join(rootfs, "tmp/hidden"), nil, 0o644))
	staysTheSame(t, rootfs, "small", "exec", "ro", "words")
	s := h.shell(h.alice, rootfs, "--tmpfs", "/tmp", "--tmpfs", "/small:size=1m,mode=700", "--tmpfs", "/exec:exec", "--tmpfs", "/ro:ro",
		"--mount", "type=tmpfs,dst=/words,tmpfs-size=64k,tmpfs-mode=0711", "--tmpfs", "/dev/shm:size=128k")
	for _, test := range []struct{ script, want string }{
		{"stat -c '%a %u %g' /tmp /small /words /dev/shm", "1777 0 0\n700 0 0\n711 0 0\n1777 0 0\n"},
		{"ls -A /tmp /small /words /dev/shm", "/dev/shm:\n\n/small:\n\n/tmp:\n\n/words:\n"},
		{"! dd if=/dev/zero of=/small/file bs=1024 count=1025 2>/dev/null && wc -c </small/file", "1048576\n"},
		{"! dd if=/dev/zero of=/words/file bs=1024 count=65 2>/dev/null && wc -c </words/file", "65536\n"},
		{"! dd if=/dev/zero of=/dev/shm/file bs=1024 count=129 2>/dev/null && wc -c </dev/shm/file", "131072\n"},
		{"cp /bin/busybox /exec/true && /exec/true && echo ran", "ran\n"},
		{"cp /bin/busybox /tmp/true && ! /tmp/true 2>/dev/null && echo refused", "refused\n"},
		{"! touch /ro/x 2>/dev/null && echo refused", "refused\n"},
		{"mknod /tmp/zero c 1 5 2>/dev/null && head -c 1 /tmp/zero; chmod u+s /exec/true && echo made", "made\n"},
	} {
		if got, code := s.try(test.script); code != 0 || got != test.want {
			t.Errorf("%s: exit code %d: %q, want %q", test.script, code, got, test.want)
		}
	}
	for line := range strings.Lines(s.do("grep -E ' /(tmp|small|exec|ro|words) ' /proc/self/mountinfo")) {
		if options := strings.Fields(line)[5]; !strings.Contains(options, "nosuid,nodev") {
			t.Errorf("a tmpfs is not nosuid and nodev: %s", line)
		}
	}
	s.end()
}

func TestWorkdir(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	must(t, os.MkdirAll(filepath.Join(rootfs, "usr/real"), 0o755))
	must(t, os.Symlink("/usr/real", filepath.Join(rootfs, "link")))
	giveTo(t, h.alice, rootfs)
	staysTheSame(t, rootfs, "made", "made/here", "data", "usr/real/made")
	data := newVolume(t, h.alice, "file")
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{nil, "/"},
		{[]string{"-w", "/"}, "/"},
		{[]string{"-w", "/root"}, "/root"},
		{[]string{"--workdir", "/made//./here/"}, "/made/here"},
		{[]string{"-w", "/made/here"}, "/made/here"},
		{[]string{"-w", "/link"}, "/usr/real"},
		{[]string{"-w", "/link/made"}, "/usr/real/made"},
		{[]string{"-w", "/data/made", "-v", data + ":/data"}, "/data/made"},
		{[]string{"-w", "/tmp/made", "--tmpfs", "/tmp"}, "/tmp/made"},
		{[]string{"-w", "/proc/sys"}, "/proc/sys"},
		{[]string{"-w", "/dev/shm/made", "--read-only"}, "/dev/shm/made"},
	} {
		got := h.run(h.unc(h.alice, append(append([]string{"run", "--rootfs", rootfs}, test.flags...), "sh", "-c", "pwd -P; stat -c %u:%g .")...)).works(t)
		// A directory of the kernel's belongs to the host's root, who is nobody inside.
		if !strings.HasPrefix(got, test.want+"\n") || !strings.HasSuffix(got, "\n0:0\n") && test.want != "/proc/sys" {
			t.Errorf("%v: got %q, want %q, which belongs to root", test.flags, got, test.want)
		}
	}
	if _, err := os.Stat(filepath.Join(data, "made")); err != nil {
		t.Error(err)
	}
	if got := h.run(h.unc(h.alice, "run", "-w", "/made/here", "pwd")).works(t); got != "/made/here\n" {
		t.Errorf("in a throw-away system: got %q", got)
	}
	for _, dir := range []string{"/etc/hosts", "/bin/busybox/below", "/proc/not-there"} {
		h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "-w", dir, "true")).fails(t, dir)
	}
}
