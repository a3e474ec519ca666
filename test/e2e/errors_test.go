package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Each way to lose the file capability gets its own sentence and a way out.
func TestAFileCapabilityThatIsMissing(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	args := []string{"run", "--rootfs", rootfs, "true"}
	for _, test := range []struct {
		name string
		cmd  func(h *host, args ...string) *exec.Cmd
		says []string
	}{
		{"not on the file", func(h *host, args ...string) *exec.Cmd {
			return h.as(h.alice, append([]string{plain}, args...)...)
		}, []string{plain, "file capability", "hint: sudo setcap cap_net_admin+ep " + plain}},
		{"no_new_privs", func(h *host, args ...string) *exec.Cmd {
			return h.as(h.alice, append([]string{"setpriv", "--no-new-privs", unc}, args...)...)
		}, []string{"no_new_privs", "hint: "}},
		{"a nosuid mount", func(h *host, args ...string) *exec.Cmd {
			return withMounts(h.unc(h.alice, args...), `mount --bind "$1" "$1" && mount -o remount,bind,nosuid "$1"`, workDir)
		}, []string{"nosuid", "hint: "}},
		{"traced", func(h *host, args ...string) *exec.Cmd {
			return h.as(h.alice, append([]string{"strace", "-f", "-o", "/dev/null", unc}, args...)...)
		}, []string{"traced", "hint: "}},
		{"not in the bounding set", func(h *host, args ...string) *exec.Cmd {
			cmd := h.as(h.alice, append([]string{permitted}, args...)...)
			return via(cmd, "setpriv", "--bounding-set=-net_admin")
		}, []string{"bounding set", "hint: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			h.run(test.cmd(h, args...)).fails(t, append(test.says, "\nhint: go without: unc run --network none ", "unc run --network host ")...)
			h.run(test.cmd(h, "net")).fails(t, test.says...)
			h.run(test.cmd(h, "net", "reload")).fails(t, test.says...)
			for _, kind := range []string{"none", "host"} {
				h.run(test.cmd(h, "run", "--network", kind, "--rootfs", rootfs, "true")).works(t)
			}
			target := fmt.Sprint(h.bare(h.alice).pid())
			h.run(test.cmd(h, "net-setup", target)).fails(t, test.says...)
			if hasBridge(h) {
				t.Error("there is a bridge unc0")
			}
		})
	}
}

// With the effective bit, execve itself fails where the bounding set lacks the
// capability; without it, all that needs no network works.
func TestHelpWithoutTheCapabilityInTheBoundingSet(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, flag := range []string{"--help", "--version"} {
		h.run(via(h.as(h.alice, permitted, flag), "setpriv", "--bounding-set=-net_admin")).works(t)
	}
}

func TestThePermittedBitIsEnough(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	got := h.run(h.as(h.alice, permitted, "run", "sh", "-c", "ip route")).works(t)
	if !strings.Contains(got, defaultRoute) {
		t.Errorf("got %q, want a default route", got)
	}
}

// A limit on namespaces holds for a user namespace and all below it, so a test
// can set one without the machine noticing.
func TestNamespacesThatAreTurnedOff(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, kind := range []string{"user", "net", "mnt", "pid", "uts", "ipc", "cgroup"} {
		t.Run(kind, func(t *testing.T) {
			h := h.with(t)
			setting := "user/max_" + kind + "_namespaces"
			cmd := via(h.unc(h.alice, "run", "true"), "sh", "-euc", `echo 0 >/proc/sys/`+setting+`; exec "$@"`, "sh")
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER,
				UidMappings: identityMap(h.alice.uid), GidMappings: identityMap(h.alice.gid),
				GidMappingsEnableSetgroups: true,
			}
			name := strings.ReplaceAll(setting, "/", ".")
			h.run(cmd).fails(t, name+" is 0", "hint: sudo sysctl -w "+name+"=")
		})
	}
}

// identityMap keeps root and one other what they are.
func identityMap(id int) []syscall.SysProcIDMap {
	return []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: id, HostID: id, Size: 1}}
}

// A limit on processes may hit anywhere: unc works, or says why not, or the Go
// runtime gives up for want of threads. Nothing is left in any case.
func TestFewProcesses(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, limit := range []string{"1", "4", "6", "8", "10", "12", "16", "20"} {
		got := h.run(h.as(h.alice, "prlimit", "--nproc="+limit, unc, "run", "--rootfs", rootfs, "true"))
		if got.code != 0 && got.code != 2 && got.code != 125 || got.code != 0 && got.stderr == "" {
			t.Errorf("%s processes: exit code %d, stderr %q", limit, got.code, got.stderr)
		}
	}
	// A net-setup that the limit ended may have left a half-made bridge without ports. The next one completes it.
	h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "true")).works(t)
}

// What others named must not move the cursor of whoever reads the message.
func TestMessagesAreOneLine(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, args := range [][]string{
		{"run", "--rootfs", "/nowhere\n\x1b[2Junc: all is well", "true"},
		{"run", "--rootfs", busyboxRootfs(t, h.alice), "nowhere\r\x1b]0;title\a"},
		{"\x1b[31mred"},
		{"net-setup", "1\n\x1b[0m"},
	} {
		got := h.run(h.unc(h.alice, args...))
		if got.code == 0 {
			t.Errorf("%q: works", args)
		}
		got.says(t)
		if strings.ContainsAny(got.stderr, "\x1b\r\a") {
			t.Errorf("stderr is %q, want no control characters", got.stderr)
		}
	}
}
