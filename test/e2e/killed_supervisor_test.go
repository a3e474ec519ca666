package e2e

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// aSecond is how long a container may outlive its supervisor.
var aSecond = slowness * time.Second

// startTime is longer than it takes to start a container.
const startTime = 12 * time.Millisecond

func TestKillingTheSupervisorKillsTheContainer(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	for _, flags := range [][]string{{}, {"--no-init"}} {
		t.Run(strings.Join(append([]string{"run"}, flags...), " "), func(t *testing.T) {
			h := h.with(t)
			s := h.shell(h.alice, rootfs, flags...)
			// Processes that do what they can to stay.
			s.do(`trap '' HUP INT TERM
				for i in 1 2 3; do
					(trap '' HUP INT TERM QUIT; setsid sleep 1000 </dev/null >/dev/null 2>&1 &)
				done`)
			kill(t, s.pid(), unix.SIGKILL)
			within(t, aSecond, "no process left", func() bool { return len(processesOf(h.alice)) == 0 })
			eventually(t, "no lease left", func() bool { return len(h.leases()) == 0 })
		})
	}
}

// The supervisor may die at any moment on the way to a running container.
func TestKillingTheSupervisorAtAnyMoment(t *testing.T) {
	t.Parallel()
	needSpeed(t)
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	for range 50 {
		cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "sleep", "1000")
		h.start(cmd)
		eventually(t, "unc running", func() bool { return runsUnc(cmd) })
		atARandomMoment(t, startTime, cmd.Process.Pid, unix.SIGKILL)
		if code := wait(t, cmd); code != -int(unix.SIGKILL) {
			t.Fatalf("exit code %d, want a death by SIGKILL", code)
		}
		within(t, aSecond, "no process left", func() bool { return len(processesOf(h.alice)) == 0 })
	}
	eventually(t, "no lease left", func() bool { return len(h.leases()) == 0 })
	h.run(h.unc(h.alice, "run", "true")).works(t)
}

// So may the container's first process.
func TestKillingProcessOneEndsTheSupervisor(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := h.shell(h.alice, busyboxRootfs(t, h.alice))
	kill(t, s.init(), unix.SIGKILL)
	if code := s.ended(); code != 128+9 {
		t.Errorf("exit code %d, want that of SIGKILL", code)
	}
}
