package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long any one program of a test may take.
var patience = slowness * 40 * time.Second

// environment is what every program starts with. None of it is a container's business.
var environment = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/home/nobody-there", "LANG=C",
	"TERM=vt100", "SECRET_TOKEN=not-for-containers", "LD_LIBRARY_PATH=/not/for/containers",
}

// as prepares a program that u will run. A shell executes it that was itself
// executed without any capability, as a login shell is: executed straight from
// a process of root's, a program with a file capability is dumpable, which it
// is not in real life.
func (h *host) as(u user, argv ...string) *exec.Cmd {
	h.t.Helper()
	return h.command(append([]string{
		"setpriv", "--reuid", strconv.Itoa(u.uid), "--regid", strconv.Itoa(u.gid), "--clear-groups", "--inh-caps=-all",
		"--", "sh", "-c", `exec "$@"`, "sh",
	}, argv...)...)
}

// unc prepares unc with these arguments.
func (h *host) unc(u user, args ...string) *exec.Cmd {
	h.t.Helper()
	return h.as(u, append([]string{unc}, args...)...)
}

// command prepares a program that root will run.
func (h *host) command(argv ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	h.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = emptyDir, environment
	cmd.WaitDelay = deadline
	return cmd
}

// via has cmd started by another program, which ends by executing its arguments.
func via(cmd *exec.Cmd, argv ...string) *exec.Cmd {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		cmd.Err = err
	}
	cmd.Path, cmd.Args = path, append(argv, cmd.Args...)
	return cmd
}

// withMounts has cmd started in a mount namespace that a shell script of root's
// has changed.
func withMounts(cmd *exec.Cmd, script string, args ...string) *exec.Cmd {
	n := strconv.Itoa(len(args))
	return via(cmd, append([]string{"unshare", "-m", "sh", "-euc", script + "\nshift " + n + `; exec "$@"`, "sh"}, args...)...)
}

// result is how a program ended.
type result struct {
	stdout, stderr string
	code           int // the exit code, or the negative number of the signal
}

// start starts cmd on the host; the end of the test is its end at the latest.
func (h *host) start(cmd *exec.Cmd) {
	h.t.Helper()
	if err := h.in(cmd.Start); err != nil {
		h.t.Fatalf("starting %q: %v", cmd.Args, err)
	}
	h.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// started is a program that runs, and what it says.
type started struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer // complete when it has ended
}

// begin starts cmd, and keeps what it says where that goes nowhere else.
func (h *host) begin(cmd *exec.Cmd) *started {
	h.t.Helper()
	s := &started{t: h.t, cmd: cmd}
	if cmd.Stdout == nil {
		cmd.Stdout = &s.stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &s.stderr
	}
	h.start(cmd)
	return s
}

func (s *started) pid() int { return s.cmd.Process.Pid }

// result waits for its end, as long as a test has patience.
func (s *started) result() result {
	s.t.Helper()
	code := wait(s.t, s.cmd)
	return result{stdout: s.stdout.String(), stderr: s.stderr.String(), code: code}
}

// run runs cmd to its end.
func (h *host) run(cmd *exec.Cmd) result {
	h.t.Helper()
	return h.begin(cmd).result()
}

// wait waits for the end of cmd and returns its exit code, or the negative
// number of the signal that ended it.
func wait(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	err := cmd.Wait()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("waiting for %q: %v", cmd.Args, err)
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return -int(status.Signal())
	}
	return status.ExitStatus()
}

// root runs a shell script as root, which must succeed, and returns its output.
func (h *host) root(script string, args ...string) string {
	h.t.Helper()
	got := h.run(h.command(append([]string{"sh", "-euc", script, "sh"}, args...)...))
	if got.code != 0 {
		h.t.Fatalf("%s: exit code %d\n%s%s", script, got.code, got.stdout, got.stderr)
	}
	return got.stdout
}

// works fails the test unless the program ended well, and returns its output.
func (got result) works(t *testing.T) string {
	t.Helper()
	if got.code != 0 {
		t.Fatalf("exit code %d, want 0\nstdout: %s\nstderr: %s", got.code, got.stdout, got.stderr)
	}
	return got.stdout
}

// fails fails the test unless unc itself gave up, with one line that contains
// each of the texts, and perhaps hints.
func (got result) fails(t *testing.T, texts ...string) {
	t.Helper()
	if got.code != 125 {
		t.Fatalf("exit code %d, want 125\nstdout: %s\nstderr: %s", got.code, got.stdout, got.stderr)
	}
	got.says(t, texts...)
}

// says fails the test unless there is one error message, with all the texts.
func (got result) says(t *testing.T, texts ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n")
	for i, line := range lines {
		if i == 0 && !strings.HasPrefix(line, "unc: ") || i > 0 && !strings.HasPrefix(line, "hint: ") {
			t.Errorf("stderr is %q, want one line of error and then hints", got.stderr)
			break
		}
	}
	for _, text := range texts {
		if !strings.Contains(got.stderr, text) {
			t.Errorf("stderr is %q, want something with %q", got.stderr, text)
		}
	}
}

// kill sends a signal to a process that the test has started.
func kill(t *testing.T, pid int, sig unix.Signal) {
	t.Helper()
	if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, unix.ESRCH) {
		t.Fatalf("sending %v to process %d: %v", sig, pid, err)
	}
}
