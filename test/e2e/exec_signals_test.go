package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// passesSignals waits until unc exec knows that its command runs: until then, a signal is kept for
// it. It lets go of the command's output, which is a pipe, when it does.
func (h *host) passesSignals(cmd *exec.Cmd) {
	h.t.Helper()
	eventually(h.t, "unc exec without its output", func() bool {
		to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/1", cmd.Process.Pid))
		return to == "/dev/null"
	})
}

func TestExecSignals(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice))
	defer c.end()
	t.Run("reach the command", func(t *testing.T) {
		c := c.of(t)
		cmd := c.exec(nil, "sh", "-c", trapping)
		out, err := cmd.StdoutPipe()
		must(t, err)
		c.start(cmd)
		expect := expectLines(t, out)
		expect("ready")
		c.passesSignals(cmd)
		for name, sig := range forwarded {
			kill(t, cmd.Process.Pid, sig)
			expect("got " + name)
		}
		kill(t, cmd.Process.Pid, unix.SIGTERM)
		if code := wait(t, cmd); code != 42 {
			t.Errorf("exit code %d, want the command's 42", code)
		}
	})
	for name, sig := range forwarded {
		if sig == unix.SIGWINCH {
			continue // nobody dies of that
		}
		t.Run("end the command: "+name, func(t *testing.T) {
			c := c.of(t)
			cmd := c.exec(nil, "tail", "-f", "/dev/null")
			_, err := cmd.StdoutPipe()
			must(t, err)
			c.start(cmd)
			c.passesSignals(cmd)
			kill(t, cmd.Process.Pid, sig)
			if code := wait(t, cmd); code != 128+int(sig) {
				t.Errorf("exit code %d, want %d", code, 128+int(sig))
			}
		})
	}
	t.Run("during the start", func(t *testing.T) {
		needSpeed(t)
		c := c.of(t)
		for range 30 {
			cmd := c.exec(nil, "tail", "-f", "/dev/null")
			c.start(cmd)
			eventually(t, "unc running", func() bool { return runsUnc(cmd) })
			atARandomMoment(t, startTime, cmd.Process.Pid, unix.SIGTERM)
			if code := wait(t, cmd); code != 128+15 && code != -15 {
				t.Fatalf("exit code %d, want that of SIGTERM", code)
			}
		}
		eventually(t, "none of them left", func() bool { return len(c.named("tail")) == 0 })
	})
	if state := statusOf(c.command())["State"]; !strings.HasPrefix(state, "S") {
		t.Errorf("the first command is %q, want it untouched", state)
	}
}

// Whoever is killed: nothing goes on that nobody asked for any more.
func TestExecKilled(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	t.Run("unc exec", func(t *testing.T) {
		c := h.with(t).living(rootfs)
		defer c.end()
		cmd := c.exec(nil, "sh", "-c", "trap '' TERM HUP INT; tail -f /dev/null & wait")
		c.start(cmd)
		orphan := c.numberOf("tail")
		shell := c.numberOf("sh")
		kill(t, cmd.Process.Pid, unix.SIGKILL)
		wait(t, cmd)
		eventually(t, "the command ended", func() bool { return statusOf(shell)["State"] == "" })
		// What it started belongs to process 1 then, as always, until the container ends.
		if status := statusOf(orphan); status["PPid"] != fmt.Sprint(c.PID) {
			t.Errorf("its child is %q, a child of %s, want one of %d", status["State"], status["PPid"], c.PID)
		}
	})
	t.Run("the supervisor", func(t *testing.T) {
		h := h.with(t)
		c := h.living(rootfs)
		asking := c.begin(c.exec(nil, "tail", "-f", "/dev/null"))
		c.numberOf("tail")
		kill(t, c.Supervisor, unix.SIGKILL)
		asking.result().fails(t, "the container has ended, and its supervisor with it")
		h.forgotten(h.alice)
	})
	t.Run("the first command", func(t *testing.T) {
		h := h.with(t)
		c := h.living(rootfs)
		asking := c.begin(c.exec(nil, "tail", "-f", "/dev/null"))
		c.numberOf("tail")
		h.run(h.unc(h.alice, "kill", c.name)).works(t)
		if got, want := asking.result(), (result{code: 128 + 9}); got != want {
			t.Errorf("got %+v, want %+v, that of SIGKILL", got, want)
		}
		h.forgotten(h.alice)
	})
}

// An exec that meets the container's end is told so, and never waits.
func TestExecRacesWithTheEnd(t *testing.T) {
	t.Parallel()
	needSpeed(t)
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	codes := map[int]int{}
	for range 20 {
		c := h.living(rootfs, "--network", "none")
		var asking [6]*started
		for i := range asking {
			asking[i] = h.begin(c.exec(nil, "sleep", "2000"))
		}
		h.run(h.unc(h.alice, "stop", c.name)).works(t)
		for _, one := range asking {
			got := one.result()
			codes[got.code]++
			switch got.code {
			case 128 + 9:
				if got.stderr != "" {
					t.Errorf("stderr is %q of a command that was killed", got.stderr)
				}
			default:
				got.fails(t)
				if !strings.Contains(got.stderr, "has ended") && !strings.Contains(got.stderr, `no container of yours is called "box"`) {
					t.Errorf("stderr is %q", got.stderr)
				}
			}
		}
		h.forgotten(h.alice)
	}
	t.Logf("exit codes: %v", codes)
}
