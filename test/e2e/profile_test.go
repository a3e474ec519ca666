package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	// EPERM and EMLINK: only the profile answers so.
	refusesDirectories = `{
		"defaultAction": "SCMP_ACT_ALLOW",
		"syscalls": [
			{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
			{"names": ["rmdir", "unlinkat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 31}
		]}`
	// EBADMSG, for all but what it takes to start busybox and to print a line.
	refusesMost = `{
		"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 74,
		"syscalls": [{"action": "SCMP_ACT_ALLOW", "names": [
			"execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "getrandom", "mprotect", "mmap", "munmap",
			"uname", "readlink", "readlinkat", "prctl", "getuid", "geteuid", "getgid", "getegid", "setgid", "setuid", "ioctl", "fstat", "newfstatat",
			"write", "writev", "rt_sigaction", "rt_sigprocmask", "exit", "exit_group"]}]}`
)

// profile writes a file of alice's.
func (h *host) profile(text string) (path string) {
	h.t.Helper()
	path = filepath.Join(newDir(h.t, h.alice), "profile.json")
	must(h.t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func TestAProfileOfOnesOwn(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	directories, most := "seccomp="+h.profile(refusesDirectories), "seccomp="+h.profile(refusesMost)
	for _, test := range []struct {
		name, option string
		command      []string
		code         int
		says         string // on either stream
	}{
		{"what is refused", directories, []string{"mkdir", "/tmp/x"}, 1, "mkdir: can't create directory '/tmp/x': Operation not permitted\n"},
		{"with an error of its own", directories, []string{"rmdir", "/tmp"}, 1, "rmdir: '/tmp': Too many links\n"},
		{"what is not", directories, []string{"touch", "/tmp/x"}, 0, ""},
		{"what the default one refuses", directories, []string{"unshare", "-U", "echo", "unshared"}, 0, "unshared\n"},
		{"a list of what is allowed", most, []string{"echo", "allowed"}, 0, "allowed\n"},
		{"and what is not on it", most, []string{"mkdir", "/tmp/x"}, 1, "mkdir: can't create directory '/tmp/x': Bad message\n"},
		{"none", "seccomp=unconfined", []string{"unshare", "-U", "echo", "unshared"}, 0, "unshared\n"},
		{"none, and what that is", "seccomp=unconfined", []string{"grep", "Seccomp:", "/proc/self/status"}, 0, "Seccomp:\t0\n"},
		{"none, with privileges to gain none the more", "seccomp=unconfined", []string{"grep", "NoNewPrivs:", "/proc/self/status"}, 0, "NoNewPrivs:\t1\n"},
		{"Docker's word for what is so anyhow", "no-new-privileges", []string{"grep", "Seccomp:", "/proc/self/status"}, 0, "Seccomp:\t2\n"},
	} {
		for _, init := range []string{"", "--no-init"} {
			t.Run(strings.TrimSpace(test.name+" "+init), func(t *testing.T) {
				h := h.of(t)
				args := []string{"run", "--network", "none", "-x", "--rootfs", rootfs, "--security-opt", test.option}
				if init != "" {
					args = append(args, init)
				}
				got := h.run(h.unc(h.alice, append(args, test.command...)...))
				if got.code != test.code || got.stdout+got.stderr != test.says {
					t.Errorf("got %+v, want exit code %d and %q", got, test.code, test.says)
				}
			})
		}
	}
}

// A profile is a regular file of a sensible size that the caller may read, or there is
// an error at once.
func TestAProfileThatIsNone(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	dir := newDir(t, h.alice)
	file := func(name string, f func(path string) error) string {
		path := filepath.Join(dir, name)
		must(t, f(path))
		return path
	}
	endless := func(path string) error {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			return err
		}
		return os.Truncate(path, 1<<40)
	}
	nested := `{"defaultAction":` + strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19-100) + "}"
	rules := `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [` +
		strings.TrimSuffix(strings.Repeat(`{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"},{"index":1,"value":2,"op":"SCMP_CMP_LT"}]},`, 5000), ",") + "]}"
	for _, test := range []struct {
		name, path string
		says       string
	}{
		{"a FIFO", file("fifo", func(path string) error { return unix.Mkfifo(path, 0o666) }), "it is not a regular file"},
		{"a directory", dir, "it is not a regular file"},
		{"a device without an end", "/dev/zero", "it is not a regular file"},
		{"a terminal", "/dev/ptmx", "it is not a regular file"},
		{"a file without an end", file("endless", endless), "it is larger than"},
		{"root's", file("closed", func(path string) error { return os.WriteFile(path, []byte(refusesMost), 0o600) }), "permission denied"},
		{"missing", filepath.Join(dir, "missing"), "no such file or directory"},
		{"empty", file("empty", func(path string) error { return os.WriteFile(path, nil, 0o644) }), "line 1: "},
		{"no JSON", h.profile("{\n\nnonsense"), "line 3: "},
		{"another JSON", h.profile(`["SCMP_ACT_ALLOW"]`), "line 1: it is a JSON array"},
		{"nested too deep", h.profile(nested), "line 1: "},
		{"nothing in it", h.profile("{}"), "no defaultAction"},
		{"an action that is none", h.profile(`{"defaultAction": "SCMP_ACT_MAYBE"}`), "SCMP_ACT_MAYBE"},
		{"one that takes another program", h.profile(`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]}`), "SCMP_ACT_NOTIFY"},
		{"more than a filter can hold", h.profile(rules), "seccomp profile"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "--security-opt", "seccomp="+test.path, "echo", "started")
			got := h.run(cmd)
			got.fails(t, "seccomp profile", test.path, test.says)
			if got.stdout != "" {
				t.Errorf("stdout is %q, want nothing", got.stdout)
			}
		})
	}
}
