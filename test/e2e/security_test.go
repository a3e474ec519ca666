package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who may mount in a user namespace could do so on all of the container's masks.
func TestNoUserNamespaceIsMadeInside(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	for _, flags := range [][]string{
		nil,
		{"-u", "carol"},
		{"--userns=single"},
		{"--userns=single", "-u", "carol"},
		{"--userns=keep-id"},
		{"--no-init"},
		{"--cap-add", "NET_ADMIN,SYS_PTRACE,MKNOD"},
		{"--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"},
		{"--cap-drop", "ALL"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			d := d.of(t)
			args := append([]string{"run", "--network", "none", "--rootfs", rootfs}, flags...)
			for _, kind := range []string{"-U", "-Ur", "-Um", "-Un", "-Up"} {
				got := d.run(d.unc(append(args, "unshare", kind, "echo", "unshared")...))
				if got.code == 0 || !strings.Contains(got.stderr, "Operation not permitted") {
					t.Errorf("unshare %s: got %+v, want it not permitted", kind, got)
				}
			}
		})
	}
}

// Besides 0 to 2 nothing of the host's is open, whatever was opened to make the container.
func TestNoDescriptorOfTheHost(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := rootfsWithUsers(t, d.alice)
	data, zero := newVolume(t, d.alice, "file"), filepath.Join(newDir(t, user{}), "zero")
	makeZero(t, zero, 0o666, 0)
	profile := d.profile(refusesDirectories)
	for _, flags := range [][]string{
		nil,
		{"--no-init"},
		{"-u", "carol"},
		{"--userns=single", "-u", "carol"},
		{"--userns=keep-id", "--no-init"},
		{"-x"},
		{"--read-only", "-w", "/new"},
		{"-v", data + ":/data", "-v", data + "/file:/file:ro", "--tmpfs", "/new", "--device", zero + ":/dev/zeros", "-x"},
		{"--security-opt", "seccomp=" + profile, "--env-file", "/dev/null"},
		{"--name", "box", "-p", "8080"},
	} {
		for _, terminal := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, terminal %v", strings.Join(flags, " "), terminal), func(t *testing.T) {
				d := d.of(t)
				args := append([]string{"run", "--rootfs", rootfs}, flags...)
				// The shell's own; what it has opened to list them is gone when it looks.
				args = append(args, "sh", "-c", `for fd in $(ls /proc/$$/fd); do [ ! -e /proc/$$/fd/$fd ] || echo "descriptor $fd"; done`)
				const want = "descriptor 0\ndescriptor 1\ndescriptor 2\n"
				if terminal {
					p := newPty(t, d.alice)
					d.login(p, args...)
					if got := p.expect("<ended 0>"); !strings.HasSuffix(strings.ReplaceAll(got, "\r", ""), want) {
						t.Errorf("got %q, want %q", got, want)
					}
					return
				}
				if got := d.run(d.unc(args...)).works(t); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
	}
}

// grants are the capabilities that make something of masks possible.
var grants = map[string]string{"the network can't be changed": "NET_ADMIN"}

// All ids, and every capability but the one for mounts, are no way past the masks.
func TestMasksStay(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := busyboxRootfs(t, d.alice)
	for _, test := range []struct {
		flags []string
		has   string
	}{
		{[]string{"--userns=auto"}, ""},
		{[]string{"--userns=auto", "--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"}, "NET_ADMIN"},
		{[]string{"--userns=single", "--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"}, "NET_ADMIN"},
		{[]string{"--userns=auto", "--security-opt", "seccomp=unconfined"}, ""},
		{[]string{"--userns=auto", "--security-opt", "seccomp=unconfined", "--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"}, "NET_ADMIN"},
	} {
		t.Run(strings.Join(test.flags, " "), func(t *testing.T) {
			d := d.of(t)
			s := d.open(d.unc(append(append([]string{"run", "--rootfs", rootfs}, test.flags...), "sh")...))
			for _, m := range masks {
				if test.has != "" && grants[m.name] == test.has {
					continue
				}
				output, code := s.try("(" + m.script + ")")
				if (code == 0) != m.works || m.works && output != m.prints {
					t.Errorf("%s: %s: exit code %d: %q, want it to work: %v, with %q", m.name, m.script, code, output, m.works, m.prints)
				}
			}
			s.end()
		})
	}
}

// What --cap-add SYS_ADMIN opens is the container's own (SECURITY.md): the masks come
// off, and what is behind them belongs to the host's root, who is nobody inside.
func TestSysAdminIsTheContainersOwn(t *testing.T) {
	t.Parallel()
	d := newDistro(t)
	rootfs := busyboxRootfs(t, d.alice)
	staysTheSame(t, rootfs)
	settings := []string{"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/sysrq", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sys/fs/file-max"}
	before := map[string]string{}
	for _, path := range settings {
		text, err := os.ReadFile(path)
		if err == nil {
			before[path] = string(text)
		}
	}
	for _, userns := range []string{"auto", "single"} {
		t.Run(userns, func(t *testing.T) {
			d := d.with(t)
			s := d.open(d.unc("run", "--rootfs", rootfs, "--userns", userns, "--cap-add", "SYS_ADMIN", "sh"))
			s.do("mount -t tmpfs new /tmp && echo x >/tmp/file && mount --bind /tmp /root && cat /root/file && umount /root && umount /tmp")
			s.do("umount /proc/sys && unshare -m true && hostname other && [ $(hostname) = other ]")
			for _, path := range settings {
				if path == "/proc/sys/kernel/hostname" {
					continue // the container's own
				}
				if output, code := s.try("echo 1 >" + path); code == 0 {
					t.Errorf("%s could be written: %s", path, output)
				}
			}
			for _, script := range []string{
				"echo h >/proc/sysrq-trigger", "mount -t ext4 /dev/vda /tmp", "mknod /tmp/sda b 8 0", "swapon /root/x", "date -s 2000-01-01; [ $(date +%Y) = 2000 ]",
				"umount -l / && ls /home", "mount -o remount,dev,suid /",
			} {
				if output, code := s.try(script); code == 0 {
					t.Errorf("%s: works: %s", script, output)
				}
			}
			s.end()
		})
	}
	for path, text := range before {
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("%s is %q, %v; was %q", path, now, err, text)
		}
	}
}
