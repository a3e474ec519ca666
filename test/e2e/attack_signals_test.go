package e2e

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// endsInTime waits for the end of cmd as wait does, but no longer than the deadline.
func endsInTime(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	timer := time.AfterFunc(deadline, func() { _ = cmd.Process.Kill() })
	code := wait(t, cmd)
	if !timer.Stop() {
		t.Fatalf("%q runs on for %v", cmd.Args, deadline)
	}
	return code
}

// Who wants unc to end while it starts is obeyed: by unc, or by the command.
func TestAnEarlySignalEndsTheRun(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	const tries = 15
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGTERM} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			t.Parallel()
			h := h.of(t)
			for n := range tries {
				run := h.begin(h.unc(h.alice, "run", "--rootfs", rootfs, "sleep", "1000"))
				eventually(t, "unc running", func() bool { return runsUnc(run.cmd) })
				// No waiting for anything: one after the other, all moments of a start.
				moment := startTime * time.Duration(n) / tries
				<-time.After(moment)
				kill(t, run.pid(), sig)
				switch got := run.result(); got {
				case result{code: 128 + int(sig)}, result{code: -int(sig)}:
				case result{code: 2, stderr: "SIGQUIT: quit\n"}:
					// The Go runtime's way, until unc catches it.
				default:
					t.Errorf("after %v: got %+v, want the exit code of the signal, and nothing said", moment, got)
				}
			}
		})
	}
}

// Ctrl-C reaches net-setup and the container as well, as long as they are of unc's
// process group. That is no reason to complain, and no reason to run on.
func TestCtrlCDuringTheStart(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	const tries = 40
	for n := range tries {
		p := newPty(t, h.alice)
		// The key that makes a signal throws away what has been written, were it
		// not for this: also what the shell is about to say.
		before := p.mode()
		before.Lflag |= unix.NOFLSH
		must(t, unix.IoctlSetTermios(int(p.tty.Fd()), unix.TCSETS, &before))
		// The shell itself stays; what it starts knows nothing of its trap.
		login := h.login(p, `trap : INT; "$@"`, "run", "--rootfs", rootfs, "sleep", "1")
		eventually(t, "unc running", func() bool {
			for _, child := range childrenOf(login.Process.Pid) {
				if readStatus("/proc/" + child + "/status")["Name"] == "unc" {
					return true
				}
			}
			return false
		})
		moment := startTime * time.Duration(n) / tries
		<-time.After(moment)
		p.typed("\x03")
		said, code := p.expect("<ended "), p.expect(">")
		// The key itself is shown, by one terminal or the other.
		if strings.Trim(said, "^C\x03\r\n") != "" || code != "130" {
			t.Errorf("after %v: on the terminal is %q, and the exit code is %s; want nothing and 130", moment, said, code)
		}
		if p.mode() != before {
			t.Errorf("after %v: the terminal is not as it was", moment)
		}
		kill(t, login.Process.Pid, unix.SIGKILL)
		wait(t, login)
	}
}

// As with nohup(1), what the caller ignores is not passed on. The Go runtime tells
// that of these two signals alone.
func TestIgnoredSignalsStayIgnored(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range []struct {
		name    string
		start   []string
		ignored unix.Signal
		heard   string
	}{
		{"HUP, by env", []string{"env", "--ignore-signal=HUP"}, unix.SIGHUP, "INT"},
		{"INT, by env", []string{"env", "--ignore-signal=INT"}, unix.SIGINT, "HUP"},
		{"HUP, by a shell", []string{"sh", "-c", `trap '' HUP; exec "$@"`, "sh"}, unix.SIGHUP, "USR1"},
		{"INT, by a shell", []string{"sh", "-c", `trap '' INT; exec "$@"`, "sh"}, unix.SIGINT, "USR1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			cmd := h.as(h.alice, append(test.start, unc, "run", "--rootfs", rootfs, "sh", "-c", trapping)...)
			out, err := cmd.StdoutPipe()
			must(t, err)
			h.start(cmd)
			expect := expectLines(t, out)
			expect("ready")
			kill(t, cmd.Process.Pid, test.ignored)
			// Signals are passed on one after the other: with this one the other would be there.
			kill(t, cmd.Process.Pid, forwarded[test.heard])
			expect("got " + test.heard)
			kill(t, cmd.Process.Pid, unix.SIGTERM)
			expect("got TERM")
			kill(t, cmd.Process.Pid, unix.SIGTERM)
			if code := endsInTime(t, cmd); code != 42 {
				t.Errorf("exit code %d, want the command's 42", code)
			}
		})
	}
}
