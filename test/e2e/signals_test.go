package e2e

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var forwarded = map[string]unix.Signal{
	"INT": unix.SIGINT, "TERM": unix.SIGTERM, "HUP": unix.SIGHUP, "QUIT": unix.SIGQUIT,
	"USR1": unix.SIGUSR1, "USR2": unix.SIGUSR2, "WINCH": unix.SIGWINCH,
}

// trapping says which signals it gets, until it gets SIGTERM a second time.
const trapping = `
	for s in INT HUP QUIT USR1 USR2 WINCH; do trap "echo got $s" $s; done
	trap 'trap "exit 42" TERM; echo got TERM' TERM
	(trap '' INT HUP QUIT; exec sleep 1000) &
	echo ready
	while :; do wait; done`

// expectLines returns a function that fails unless the next line is the wanted one.
func expectLines(t *testing.T, out io.Reader) func(want string) {
	lines := bufio.NewScanner(out)
	return func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("the command says %q, want %q", lines.Text(), want)
		}
	}
}

func TestSignalsReachTheCommand(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, flags := range [][]string{{}, {"--no-init"}} {
		t.Run(strings.Join(append([]string{"run"}, flags...), " "), func(t *testing.T) {
			h := h.with(t)
			cmd := h.unc(h.alice, append(append([]string{"run", "--rootfs", rootfs}, flags...), "sh", "-c", trapping)...)
			out, err := cmd.StdoutPipe()
			must(t, err)
			h.start(cmd)
			expect := expectLines(t, out)
			expect("ready")
			for name, sig := range forwarded {
				kill(t, cmd.Process.Pid, sig)
				expect("got " + name)
			}
			kill(t, cmd.Process.Pid, unix.SIGTERM)
			if code := wait(t, cmd); code != 42 {
				t.Errorf("exit code %d, want the command's 42", code)
			}
		})
	}
}

// A signal ends the command as it would without unc.
func TestSignalsEndTheCommand(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for name, sig := range forwarded {
		if sig == unix.SIGWINCH {
			continue // nobody dies of that
		}
		t.Run(name, func(t *testing.T) {
			h := h.with(t)
			cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "sleep", "1000")
			h.start(cmd)
			eventually(t, "the command running", func() bool { return len(h.named("sleep")) == 1 })
			kill(t, cmd.Process.Pid, sig)
			if code := wait(t, cmd); code != 128+int(sig) {
				t.Errorf("exit code %d, want %d", code, 128+int(sig))
			}
		})
	}
}

// A signal that comes while the container is made is not lost, and unc does not
// die of it and leave something behind.
func TestSignalsDuringTheStart(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for range 30 {
		cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "sleep", "1000")
		h.start(cmd)
		eventually(t, "unc running", func() bool { return runsUnc(cmd) })
		atARandomMoment(t, startTime, cmd.Process.Pid, unix.SIGTERM)
		if code := wait(t, cmd); code != 128+15 && code != -15 {
			t.Fatalf("exit code %d, want that of SIGTERM", code)
		}
	}
}

func TestNoInitMakesTheCommandProcessOne(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range []struct{ flag, want string }{{"--no-init", "1\n"}, {"", "2\n"}} {
		args := []string{"run", "--rootfs", rootfs}
		if test.flag != "" {
			args = append(args, test.flag)
		}
		if got := h.run(h.unc(h.alice, append(args, "sh", "-c", "echo $$")...)).works(t); got != test.want {
			t.Errorf("%s: the command is process %q, want %q", test.flag, got, test.want)
		}
	}
}

// named lists the processes of alice's with this name; zombies have none.
func (h *host) named(name string) (pids []int) {
	for _, pid := range processesOf(h.alice) {
		if statusOf(pid)["Name"] == name {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestProcessOneReapsOrphans(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range []struct {
		flags []string
		want  int // zombies
	}{
		{nil, 0},
		{[]string{"--no-init"}, 5}, // the control: sleep takes nobody in
	} {
		args := append(append([]string{"run", "--rootfs", rootfs}, test.flags...), "sh", "-c",
			`for i in 1 2 3 4 5; do (sleep 1000 &); done; exec tail -f /dev/null`)
		cmd := h.unc(h.alice, args...)
		h.start(cmd)
		eventually(t, "five orphans", func() bool { return len(h.named("sleep")) == 5 && len(h.named("tail")) == 1 })
		orphans := h.named("sleep")
		for _, pid := range orphans {
			kill(t, pid, unix.SIGKILL)
		}
		eventually(t, fmt.Sprintf("%v: %d zombies", test.flags, test.want), func() bool {
			zombies, alive := 0, 0
			for _, pid := range orphans {
				switch state := statusOf(pid)["State"]; {
				case strings.HasPrefix(state, "Z"):
					zombies++
				case state != "":
					alive++
				}
			}
			return alive == 0 && zombies == test.want
		})
		kill(t, cmd.Process.Pid, unix.SIGKILL)
		wait(t, cmd)
		eventually(t, "no process left", func() bool { return len(processesOf(h.alice)) == 0 })
	}
}

// The end of the command is the end of all in its container.
func TestTheContainerEndsWithItsCommand(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	got := h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "sh", "-c", `
		(trap '' HUP INT TERM; setsid sleep 1000 >/dev/null 2>&1 &)
		exit 3`))
	if got.code != 3 {
		t.Errorf("exit code %d, want 3", got.code)
	}
	if left := processesOf(h.alice); len(left) > 0 {
		t.Errorf("processes %v are left when unc has ended", left)
	}
}
