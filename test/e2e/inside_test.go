package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func descriptorsOf(t *testing.T, pid int) []string {
	t.Helper()
	found, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	must(t, err)
	for i, path := range found {
		found[i] = filepath.Base(path)
	}
	slices.Sort(found)
	return found
}

func TestOnlyThreeDescriptorsArrive(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	secret, err := os.Open("/etc/shadow")
	must(t, err)
	defer secret.Close()
	dir, err := os.Open("/")
	must(t, err)
	defer dir.Close()
	socket, other, err := os.Pipe()
	must(t, err)
	defer socket.Close()
	defer other.Close()
	for _, flags := range [][]string{{}, {"--no-init"}} {
		cmd := h.unc(h.alice, append(append([]string{"run", "--rootfs", rootfs}, flags...), "sh")...)
		cmd.ExtraFiles = []*os.File{secret, dir, nil, socket, other, dir}
		s := h.open(cmd)
		command := s.init()
		if len(flags) == 0 {
			var got []string
			for _, fd := range descriptorsOf(t, command) {
				to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", command, fd))
				must(t, err)
				kind, _, _ := strings.Cut(to, ":[")
				got = append(got, kind)
			}
			if slices.Sort(got); !slices.Equal(got, []string{"anon_inode:[signalfd]", "socket"}) && !slices.Equal(got, []string{"anon_inode", "socket"}) {
				t.Errorf("process 1 has descriptors of %v, want its signals and its orders alone", got)
			}
			command = s.command()
		}
		if got, want := descriptorsOf(t, command), []string{"0", "1", "2"}; !slices.Equal(got, want) {
			t.Errorf("%v: the command has descriptors %v, want %v", flags, got, want)
		}
		s.end()
	}
}

func TestTheEnvironmentIsClean(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, flags := range [][]string{{}, {"--no-init"}} {
		cmd := h.unc(h.alice, append(append([]string{"run", "--rootfs", rootfs, "--hostname", "box"}, flags...), "sh")...)
		cmd.Env = append(slices.Clone(environment), "AWS_SECRET_ACCESS_KEY=x", "GODEBUG=madvdontneed=1", "GOTRACEBACK=all",
			"LD_PRELOAD=/tmp/evil.so", "SUDO_UID=0", "HOSTNAME=host", "PATH=/usr/bin:/bin:/caller", "HOME=/home/caller")
		s := h.open(cmd)
		command := s.init()
		if len(flags) == 0 {
			command = s.command()
		}
		got := strings.Split(strings.TrimSuffix(h.readProc(command, "environ"), "\x00"), "\x00")
		slices.Sort(got)
		want := []string{"HOME=/root", "HOSTNAME=box", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb"}
		if !slices.Equal(got, want) {
			t.Errorf("%v: the environment is %q, want %q", flags, got, want)
		}
		if name := strings.TrimSpace(s.do("hostname")); name != "box" {
			t.Errorf("the hostname is %q, want box", name)
		}
		s.end()
	}
}

// Process 1 is a copy of the supervisor's memory, with the caller's environment
// in it: nobody in the container may look at it, nor make it do things.
func TestProcessOneIsClosedToTheContainer(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := h.open(h.unc(h.alice, "run", "sh"))
	for _, script := range []string{
		"cat /proc/1/environ",
		"cat /proc/1/maps",
		"head -c 1 /proc/1/mem",
		"dd if=/dev/zero of=/proc/1/mem bs=1 count=1",
		"cat /proc/1/auxv",
		"cat /proc/1/syscall",
		"ls /proc/1/root/",
		"ls /proc/1/cwd/",
		"ls /proc/1/fd/",
		"ls /proc/1/map_files/",
		"readlink /proc/1/exe",
		"cat /proc/1/exe",
		"readlink /proc/1/ns/user",
		"timeout 5 strace -p 1 -o /dev/null",
	} {
		if output, code := s.try(script); code == 0 || code == 124 {
			t.Errorf("%s: exit code %d: %q; want a refusal", script, code, output)
		}
	}
	if got := s.do("tr -d '\\000' </proc/1/cmdline"); strings.Contains(got, "/") {
		t.Errorf("/proc/1/cmdline is %q, want no path of the host", got)
	}
	if got := strings.TrimSpace(s.do("cat /proc/1/comm")); strings.Contains(got, "/") || got == "" {
		t.Errorf("/proc/1/comm is %q", got)
	}
	s.end()
}

func TestTheHostIsOutOfSight(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	secret := newDir(t, h.alice)
	must(t, os.WriteFile(filepath.Join(secret, "secret"), []byte("x"), 0o644))
	for name, cmd := range map[string]*session{
		"a throw-away system": h.open(h.unc(h.alice, "run", "sh")),
		"a rootfs":            h.shell(h.alice, busyboxRootfs(t, h.alice)),
	} {
		s := cmd
		for _, dir := range []string{"/home", "/srv", "/mnt", "/media", "/boot", "/lost+found", "/.old", "/.pivot_root", secret} {
			if output, code := s.try("ls -d " + dir); code == 0 {
				t.Errorf("%s: %s is there: %s", name, dir, output)
			}
		}
		for line := range strings.Lines(s.do("cat /proc/self/mountinfo")) {
			fields := strings.Fields(line)
			// Root of the mount, and where it is mounted.
			if fields[3] == "/" && fields[4] == "/" && !strings.Contains(line, " - tmpfs ") {
				t.Errorf("%s: a whole file system of the host is the root: %s", name, line)
			}
			if strings.Contains(line, "shared:") || strings.Contains(line, "master:") {
				t.Errorf("%s: a mount is tied to another: %s", name, line)
			}
			if !strings.Contains(fields[5], "nosuid") {
				t.Errorf("%s: a mount is not nosuid: %s", name, line)
			}
		}
		s.end()
	}
}

func TestAThrowAwaySystemIsFreshAndThrownAway(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for range 2 {
		s := h.open(h.unc(h.alice, "run", "sh"))
		for dir, want := range map[string]string{"/tmp": "", "/root": "", "/run": "lock\n", "/var/tmp": ""} {
			if got := s.do("ls -A " + dir); got != want {
				t.Errorf("%s holds %q, want %q", dir, got, want)
			}
		}
		s.do(`for dir in / /tmp /root /run /var/tmp; do echo x >$dir/unc-was-here || exit 1; done`)
		s.end()
	}
}

// A system's directories belong to the host's root, who is nobody inside. What
// belongs to the caller can be changed, in the copy.
func TestAThrowAwaySystemIsACopy(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	cmd := withMounts(h.unc(h.alice, "run", "sh"), `
		mount -t tmpfs -o mode=755 own /opt
		mkdir /opt/alice
		echo original >/opt/alice/file
		chown -R "$1:$2" /opt/alice`, strconv.Itoa(h.alice.uid), strconv.Itoa(h.alice.gid))
	s := h.open(cmd)
	s.do("cd /opt/alice && echo changed >file && echo new >another && [ $(cat file) = changed ]")
	if output, code := s.try("touch /usr/bin/unc-was-here"); code == 0 {
		t.Errorf("the command could write to /usr/bin: %s", output)
	}
	// The supervisor is still in the host's mount namespace.
	root := fmt.Sprintf("/proc/%d/root", s.pid())
	if text, err := os.ReadFile(root + "/opt/alice/file"); err != nil || string(text) != "original\n" {
		t.Errorf("the host's file is %q, %v; want the original", text, err)
	}
	if _, err := os.Lstat(root + "/opt/alice/another"); err == nil {
		t.Error("the container has written into the host's /opt")
	}
	s.end()
}
