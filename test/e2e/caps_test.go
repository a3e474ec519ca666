package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var capabilitySets = []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}

// insideCaps are what design and README promise for a container.
func insideCaps() string {
	var set uint64
	for _, c := range []uint{
		unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID, unix.CAP_KILL, unix.CAP_SETGID,
		unix.CAP_SETUID, unix.CAP_SETPCAP, unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_RAW, unix.CAP_SYS_CHROOT, unix.CAP_SETFCAP,
	} {
		set |= 1 << c
	}
	return fmt.Sprintf("%016x", set)
}

const noCaps = "0000000000000000"

func TestTheSupervisorHasNoCapability(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, binary := range []string{unc, permitted} {
		s := h.open(h.as(h.alice, binary, "run", "--rootfs", rootfs, "sh"))
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.pid()))
		must(t, err)
		if len(tasks) < 2 {
			t.Errorf("%d threads, want those of a Go program", len(tasks))
		}
		for _, task := range tasks {
			status := readStatus(task)
			for _, set := range capabilitySets {
				if set != "CapBnd" && status[set] != noCaps {
					t.Errorf("%s: %s is %q, want none", task, set, status[set])
				}
			}
		}
		h.privilegedSockets(t, s.pid())
		s.end()
	}
}

// privilegedSockets complains about netlink sockets of a process: one that was
// opened with a capability could be worth something to whoever gets hold of it.
func (h *host) privilegedSockets(t *testing.T, pid int) {
	t.Helper()
	netlinks := h.readProc(pid, "net/netlink")
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	must(t, err)
	for _, fd := range fds {
		target, _ := os.Readlink(fd)
		inode := strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")
		if inode != target && strings.Contains(netlinks, " "+inode+" ") {
			t.Errorf("%s is a netlink socket on the host", fd)
		}
	}
}

func TestInsideAreTheDocumentedCapabilities(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	want := map[string]string{
		"CapInh": noCaps, "CapAmb": noCaps, "CapPrm": insideCaps(), "CapEff": insideCaps(), "CapBnd": insideCaps(),
		"NoNewPrivs": "1",
	}
	check := func(who string, status map[string]string) {
		t.Helper()
		for name, value := range want {
			if status[name] != value {
				t.Errorf("%s: %s is %q, want %q", who, name, status[name], value)
			}
		}
	}
	s := h.shell(h.alice, rootfs)
	check("process 1", statusOf(s.init()))
	check("the command", statusOf(s.command()))
	s.end()

	alone := h.shell(h.alice, rootfs, "--no-init")
	check("the command as process 1", statusOf(alone.init()))
	alone.end()

	throwAway := h.open(h.unc(h.alice, "run", "sh"))
	check("the command in a throw-away system", statusOf(throwAway.command()))
	throwAway.end()
}
