package nsexec

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// childReaps is pid 1 of a command that ends. What it reads of signals always has another
// one, and never SIGCHLD: 1 is a file of zeros. Nobody gives orders over 0.
func childReaps() error {
	cmd := exec.Command("/proc/self/exe", "7")
	cmd.Env = []string{childVariable + "=exit", noRaceSleep}
	if err := cmd.Start(); err != nil {
		return err
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if len(os.Args) > 1 {
		limit.Cur = 0
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	reap(&initState{awaited: 1<<ordersFD | 1<<signalsFD}, uintptr(cmd.Process.Pid))
	return errors.New("it has become another command")
}

// Whatever is done to pid 1 from inside: the end of the first command is its own.
func TestReapEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
	}{
		{"signals without end", nil},
		{"signals without end, and no open files", []string{"no files"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			orders, hold, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer hold.Close()
			defer orders.Close()
			signals, err := os.Open("/dev/zero")
			if err != nil {
				t.Fatal(err)
			}
			defer signals.Close()
			ctx, cancel := context.WithDeadline(t.Context(), soon())
			defer cancel()
			cmd := exec.CommandContext(ctx, "/proc/self/exe", test.args...)
			cmd.Env = []string{childVariable + "=reap", noRaceSleep}
			cmd.Stdin, cmd.Stdout, cmd.Stderr = orders, signals, os.Stderr
			if _ = cmd.Run(); cmd.ProcessState.ExitCode() != 7 {
				t.Errorf("got %v, want the command's exit status 7", cmd.ProcessState)
			}
		})
	}
}

// childTakesDead has one more of them than are taken in at a time.
func childTakesDead() error {
	for range maxDead + 1 {
		cmd := exec.Command("/proc/self/exe", "0")
		cmd.Env = []string{childVariable + "=exit", noRaceSleep}
		if err := cmd.Start(); err != nil {
			return err
		}
		if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
			return err
		}
	}
	d := new(initState)
	if got, want := [2]bool{takeDead(d, 0), takeDead(d, 0)}, [2]bool{true, false}; got != want {
		return fmt.Errorf("there may be more: got %v, want %v", got, want)
	}
	return nil
}

// However many of the dead there are, an order waits for a few of them only.
func TestReapTakesAFewAtATime(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{childVariable + "=dead", noRaceSleep}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
