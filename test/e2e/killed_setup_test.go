package e2e

import (
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// atARandomMoment sends sig to a process that has just been started, some time
// within its life: this is no waiting for anything, any moment will do.
func atARandomMoment(t *testing.T, limit time.Duration, pid int, sig unix.Signal) {
	t.Helper()
	if moment := rand.N(limit); moment > 0 {
		<-time.After(moment)
	}
	kill(t, pid, sig)
}

// waiting starts a net-setup that has everything but the number of its process.
func (h *host) waiting(u user) (cmd *exec.Cmd, tell func(pid int)) {
	h.t.Helper()
	s := h.helps(h.unc(u, "net-setup", "-"))
	eventually(h.t, "net-setup running", func() bool { return runsUnc(s.cmd) })
	return s.cmd, s.attach
}

// TestNetSetupKilledAtAnyMoment: whatever it had made by then is complete, or is
// completed by the next one, and belongs to a network namespace that takes it along.
func TestNetSetupKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	needSpeed(t)
	h := newHost(t)
	target := h.bare(h.alice)
	var attached int
	for n := range 100 {
		if n%2 == 0 {
			h.root("ip link del unc0 2>/dev/null || true") // so that it may die over the bridge, too
		}
		cmd, tell := h.waiting(h.alice)
		tell(target.pid())
		atARandomMoment(t, 3*time.Millisecond, cmd.Process.Pid, unix.SIGKILL)
		wait(t, cmd)
		leases, inside := len(h.leases()), hasLink(target.pid(), "eth0")
		if leases > 1 || (leases == 1) != inside {
			t.Fatalf("%d leases, eth0 in the namespace is %v", leases, inside)
		}
		if inside {
			attached++
			target.end()
			eventually(t, "the lease gone with its namespace", func() bool { return len(h.leases()) == 0 })
			target = h.bare(h.alice)
		}
	}
	t.Logf("%d of 100 times there was a network by then", attached)
	target.end()
	h.run(h.unc(h.alice, "run", "true")).works(t)
}

// runsUnc tells whether cmd has come so far as to execute unc: before that it is
// setpriv, or a shell.
func runsUnc(cmd *exec.Cmd) bool {
	comm := statusOf(cmd.Process.Pid)["Name"]
	return comm == "unc" || comm == ""
}

// A bridge whose maker was killed has its MAC address, and perhaps nothing else.
func TestAHalfMadeBridgeIsCompleted(t *testing.T) {
	t.Parallel()
	const create = "ip link add unc0 address 02:75:0a:64:2a:01 type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
	for name, script := range map[string]string{
		"only created":                  create,
		"with its address":              create + " && ip addr add 10.100.42.1/24 dev unc0",
		"up, but without its address":   create + " && ip link set unc0 addrgenmode none up",
		"with one of the sysctls":       create + " && echo 0 >/proc/sys/net/ipv6/conf/unc0/accept_ra",
		"complete, and then taken down": create + " && ip link set unc0 addrgenmode none up && ip addr add 10.100.42.1/24 dev unc0 && ip link set unc0 down",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.root(script)
			s := h.shell(h.alice, busyboxRootfs(t, h.alice))
			s.do("ping -c 1 -W 5 10.100.42.1")
			after, err := h.look()
			must(t, err)
			if wrong := h.aboutLasting(after); wrong != "" {
				t.Error(wrong)
			}
			s.end()
		})
	}
}

// TestStoppedNetSetupsCountToo: who stops net-setups between their look at the
// quota and their lease gets not one lease more for it.
func TestStoppedNetSetupsCountToo(t *testing.T) {
	h := newHost(t)
	targets, leave := bulk(t, h, h.alice, 140)
	if n := attach(t, h, h.alice, targets[:120]); n != 120 {
		t.Fatalf("%d networks, want 120", n)
	}
	var stopped []*exec.Cmd
	for _, target := range targets[120:130] {
		cmd, tell := h.waiting(h.alice)
		tell(target)
		atARandomMoment(t, 3*time.Millisecond, cmd.Process.Pid, unix.SIGSTOP)
		stopped = append(stopped, cmd)
	}
	attach(t, h, h.alice, targets[130:])
	for _, cmd := range stopped {
		kill(t, cmd.Process.Pid, unix.SIGCONT)
	}
	worked := 0
	for _, cmd := range stopped {
		if wait(t, cmd) == 0 {
			worked++
		}
	}
	if n := len(h.leases()); n != 128 {
		t.Errorf("%d leases, want 128; %d of the stopped ones got one", n, worked)
	}
	leave()
}

// unc run, whose net-setup dies, says so or works, and leaves nothing.
func TestRunWhoseNetSetupIsKilled(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for range 20 {
		run := h.begin(h.unc(h.alice, "run", "--rootfs", rootfs, "true"))
		for _, pid := range h.helpers(run.pid()) {
			kill(t, pid, unix.SIGKILL)
		}
		if got := run.result(); got.code != 0 {
			got.fails(t)
		}
	}
	// The next one completes what the last may have left of a bridge.
	h.run(h.unc(h.alice, "run", "true")).works(t)
}

// helpers waits for a child of unc's that is not a container, as long as there is hope.
func (h *host) helpers(supervisor int) (found []int) {
	lookUntil(patience, func() bool {
		for _, child := range childrenOf(supervisor) {
			if pid, err := strconv.Atoi(child); err == nil && !strings.Contains(statusOf(pid)["NSpid"], "\t") {
				found = append(found, pid)
			}
		}
		state := statusOf(supervisor)["State"]
		return len(found) > 0 || state == "" || strings.HasPrefix(state, "Z")
	})
	return found
}
