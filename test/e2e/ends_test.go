package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Of two that are waited for, the second ends first, and nothing is left of it: its code is told.
func TestWaitForTwo(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, flag := range []string{"a b", "--all"} {
		h := h.with(t)
		h.detached(h.alice, rootfs, "--name", "a", "--network", "none", "sleep", "1000")
		h.detached(h.alice, rootfs, "--name", "b", "--network", "none", "-i", "cat")
		both := h.unc(h.alice, append([]string{"wait"}, strings.Fields(flag)...)...)
		var codes strings.Builder
		both.Stdout, both.Stderr = &codes, &codes
		var open [2]int
		for i, name := range []string{"a", "b"} {
			open[i] = openFiles(t, h.inspect(h.alice, name).Supervisor)
		}
		h.start(both)
		eventually(t, "both asked", func() bool {
			return openFiles(t, h.inspect(h.alice, "a").Supervisor) > open[0] && openFiles(t, h.inspect(h.alice, "b").Supervisor) > open[1]
		})
		h.run(h.unc(h.alice, "kill", "b")).works(t)
		h.run(h.unc(h.alice, "stop", "a")).works(t)
		if code := endsInTime(t, both); code != 0 || codes.String() != "143\n137\n" {
			t.Errorf("unc wait %s: exit code %d and %q, want both codes", flag, code, &codes)
		}
		h.forgotten(h.alice)
	}
}

// Whoever waits for a command that is over at once hears how it ended, or that he comes too late.
func TestWaitForAShortOne(t *testing.T) {
	t.Parallel()
	needSpeed(t)
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	heard := 0
	for range 40 {
		h := h.of(t)
		short := h.unc(h.alice, "run", "--name", "box", "--network", "none", "--rootfs", rootfs, "sh", "-c", "sleep 0.01; exit 3")
		h.start(short)
		// It may have come and gone unseen.
		lookUntil(startTime, func() bool {
			_, err := os.Stat(filepath.Join(recordsOf(h.alice), "box/control"))
			return err == nil
		})
		got := h.run(h.unc(h.alice, "wait", "box"))
		switch {
		case got.code == 0 && got.stdout == "3\n":
			heard++
		case got.code == 125 && got.stdout == "":
		default:
			t.Errorf("exit code %d, %q and %q; want 3, or that nobody is there", got.code, got.stdout, got.stderr)
		}
		if code := wait(t, short); code != 3 {
			t.Errorf("unc run: exit code %d, want 3", code)
		}
	}
	t.Logf("heard %d times", heard)
}

// A service manager knows the supervisor as the main process, and ends it by a signal: nobody has to
// be told afterwards why the container has ended.
func TestASignalToTheSupervisor(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			h := h.with(t)
			h.detached(h.alice, rootfs, "--name", "web", "--network", "none", "sleep", "1000")
			kill(t, h.inspect(h.alice, "web").Supervisor, sig)
			eventually(t, "the end", func() bool { return h.run(h.unc(h.alice, "ps", "-q")).works(t) == "" })
			h.forgotten(h.alice)
		})
	}
}

// The end is told after the beginning, and of the pidfile nothing stays, however short the command.
func TestStatusIsInOrder(t *testing.T) {
	t.Parallel()
	needSpeed(t)
	h := newHost(t)
	rootfs, dir := busyboxRootfs(t, h.alice), newDir(t, h.alice)
	pidfile, status := filepath.Join(dir, "pid"), filepath.Join(dir, "status")
	for range 40 {
		cmd := h.as(h.alice, "sh", "-c", `exec 9>"$0"; exec "$@"`, status, unc,
			"run", "--rootfs", rootfs, "--network", "none", "--pidfile", pidfile, "--json-status-fd", "9", "true")
		h.run(cmd).works(t)
		text, err := os.ReadFile(status)
		must(t, err)
		var pid int
		if n, err := fmt.Sscanf(string(text), "{\"child-pid\":%d}\n{\"exit-code\":0}\n", &pid); n != 1 || err != nil {
			t.Fatalf("the status is %q, want the process and the code", text)
		}
		if _, err := os.Stat(pidfile); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("the pidfile is left: %v", err)
		}
	}
}

// A command that does not start, because somebody has stopped the container's first process, keeps
// nobody at his terminal.
func TestExecThatDoesNotStartCanBeLeft(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice), "--network", "none")
	defer c.end()
	p := newPty(t, h.alice)
	before := p.mode()
	kill(t, c.PID, unix.SIGSTOP)
	defer kill(t, c.PID, unix.SIGCONT)
	// A shell that is not interactive ends with what ends its command.
	c.login(p, `trap : INT; "$@"`, "true")
	eventually(t, "a raw terminal", func() bool { return p.mode() != before })
	eventually(t, "the terminal as it was", func() bool { return p.mode() == before })
	p.typed("\x03")
	p.ended(128 + int(unix.SIGINT))
	p.sameMode(before)
}

// A signal that comes before the command runs is the command's. Where that does not start, it ends
// unc exec alone after a while.
func TestExecSignalBeforeItStarts(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice), "--network", "none")
	defer c.end()
	for _, test := range []struct {
		name   string
		starts bool
		code   int
	}{
		{"it starts", true, 128 + 15},
		{"it does not start", false, -15},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := c.of(t)
			before := openFiles(t, c.Supervisor)
			kill(t, c.PID, unix.SIGSTOP)
			goOn := sync.OnceFunc(func() { kill(t, c.PID, unix.SIGCONT) })
			defer goOn()
			cmd := c.exec(nil, "tail", "-f", "/dev/null")
			c.start(cmd)
			// The conversation and three streams.
			eventually(t, "the request heard", func() bool { return openFiles(t, c.Supervisor) >= before+4 })
			kill(t, cmd.Process.Pid, unix.SIGTERM)
			if test.starts {
				goOn()
			}
			if code := endsInTime(t, cmd); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			goOn()
			eventually(t, "nothing of it left", func() bool { return len(c.named("tail")) == 0 && openFiles(t, c.Supervisor) <= before })
		})
	}
}
