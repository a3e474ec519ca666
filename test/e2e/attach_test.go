package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// repeating says what it reads, until it reads "end".
const repeating = `echo begun; while read x; do [ "$x" = end ] && exit 6; echo "got $x"; done; echo no more`

// visitor is unc attach with pipes.
type visitor struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// follows waits until a process watches a log, as the last that it does before it waits.
func (h *host) follows(pid int) {
	h.t.Helper()
	h.opens(pid, "anon_inode:inotify")
}

// connects waits until a process of unc's has begun to speak with a supervisor.
func (h *host) connects(pid int) {
	h.t.Helper()
	h.opens(pid, "socket:")
}

func (h *host) opens(pid int, what string) {
	h.t.Helper()
	eventually(h.t, what+" open", func() bool {
		fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		return slices.ContainsFunc(fds, func(fd string) bool {
			to, _ := os.Readlink(fd)
			return strings.HasPrefix(to, what)
		})
	})
}

// attach attaches to the container.
func (c *living) attach(flags ...string) *visitor {
	c.t.Helper()
	cmd := c.host.unc(c.alice, append(append([]string{"attach"}, flags...), c.name)...)
	in, err := cmd.StdinPipe()
	must(c.t, err)
	out, err := cmd.StdoutPipe()
	must(c.t, err)
	c.start(cmd)
	c.follows(cmd.Process.Pid)
	return &visitor{c.t, cmd, in, bufio.NewReader(out)}
}

func (v *visitor) types(text string) {
	v.t.Helper()
	_, err := io.WriteString(v.in, text)
	must(v.t, err)
}

// hears fails the test unless this is the next line.
func (v *visitor) hears(want string) {
	v.t.Helper()
	if line, err := v.out.ReadString('\n'); line != want+"\n" {
		v.t.Fatalf("got %q, %v; want %q", line, err, want)
	}
}

// ended waits for the end, and for nothing more to be said.
func (v *visitor) ended(code int) {
	v.t.Helper()
	if rest, err := io.ReadAll(v.out); err != nil || len(rest) > 0 {
		v.t.Errorf("at the end it said %q, %v", rest, err)
	}
	if got := endsInTime(v.t, v.cmd); got != code {
		v.t.Errorf("exit code %d, want %d", got, code)
	}
}

func TestAttach(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	begin := func(t *testing.T, flags []string, script string) *living {
		return h.with(t).livingWith(rootfs, append([]string{"--network", "none"}, flags...), "sh", "-c", script).begun()
	}
	t.Run("several at once", func(t *testing.T) {
		c := begin(t, []string{"-i"}, repeating)
		var all []*visitor
		for range 3 {
			all = append(all, c.attach())
		}
		for n, v := range all {
			v.types(fmt.Sprintf("text %d\n", n))
			for _, v := range all { // what was said before one came, he does not hear
				v.hears(fmt.Sprintf("got text %d", n))
			}
		}
		// Who has no more to say goes on to listen, and so does the container.
		must(t, all[0].in.Close())
		all[1].types("more\n")
		for _, v := range all {
			v.hears("got more")
		}
		kill(t, all[2].cmd.Process.Pid, unix.SIGKILL)
		all[1].types("end\n")
		for _, v := range all[:2] {
			v.ended(6)
		}
		c.run(c.host.unc(c.alice, "rm", c.name)).works(t)
		h.forgotten(h.alice)
	})
	t.Run("any bytes", func(t *testing.T) {
		c := begin(t, []string{"-i"}, "echo begun; head -c 9 | od -An -c; exit 4")
		v := c.attach()
		// Keys are typed: a file may have those bytes.
		v.types("\x10\x11\x03\x04\xff\x00\r\n\x1a")
		v.hears(` 020 021 003 004 377  \0  \r  \n 032`)
		v.ended(4)
		c.run(c.host.unc(c.alice, "rm", c.name)).works(t)
		h.forgotten(h.alice)
	})
	t.Run("a command that reads nothing", func(t *testing.T) {
		c := begin(t, nil, "echo begun; cat; echo read; sleep 1000")
		defer c.end()
		v := c.attach()
		v.types("text\n")
		kill(t, v.cmd.Process.Pid, unix.SIGKILL)
		wait(t, v.cmd)
		eventually(t, "the end of the command's input", func() bool { return c.logs().stdout == "begun\nread\n" })
	})
	t.Run("--no-stdin", func(t *testing.T) {
		c := begin(t, []string{"-i"}, repeating)
		deaf, v := c.attach("--no-stdin"), c.attach()
		deaf.types("not this\n")
		must(t, deaf.in.Close())
		v.types("this\n")
		deaf.hears("got this")
		v.types("end\n")
		deaf.ended(6)
		c.run(c.host.unc(c.alice, "rm", c.name)).works(t)
		h.forgotten(h.alice)
	})
	t.Run("signals", func(t *testing.T) {
		c := begin(t, nil, trapping)
		v := c.attach()
		for name, sig := range forwarded {
			kill(t, v.cmd.Process.Pid, sig)
			v.hears("got " + name)
		}
		kill(t, v.cmd.Process.Pid, unix.SIGTERM)
		v.ended(42) // and that was asked for, so nothing is kept
		h.forgotten(h.alice)
	})
	t.Run("the supervisor killed", func(t *testing.T) {
		c := begin(t, nil, "echo begun; exec sleep 1000")
		v := c.attach()
		kill(t, c.Supervisor, unix.SIGKILL)
		v.ended(128 + 9)
		h.forgotten(h.alice)
	})
	t.Run("both streams apart", func(t *testing.T) {
		c := begin(t, []string{"-i"}, "echo begun; read x; echo out; echo err >&2; exit 3")
		cmd := c.host.unc(c.alice, "attach", c.name)
		cmd.Stdin = strings.NewReader("go\n")
		if got, want := c.run(cmd), (result{"out\n", "err\n", 3}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		c.run(c.host.unc(c.alice, "rm", c.name)).works(t)
		h.forgotten(h.alice)
	})
}

func TestAttachWhereItCannotBe(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	s := h.shell(h.alice, rootfs, "--name", "front")
	h.run(h.unc(h.alice, "attach", "front")).fails(t, "are those of the unc run that it was started with", "hint: unc exec front sh ")
	s.end()
	h.run(h.unc(h.alice, "attach", "front")).fails(t, `no container of yours is called "front"`)
	h.detached(h.alice, rootfs, "--name", "box", "false")
	h.run(h.unc(h.alice, "wait", "box")).works(t)
	h.run(h.unc(h.alice, "attach", "box")).fails(t, `container "box" has ended`, "hint: unc logs box")
	h.run(h.unc(h.alice, "rm", "box")).works(t)
	for _, keys := range []string{"ctrl-", "ctrl-1", "ab", "a,,b"} {
		h.run(h.unc(h.alice, "attach", "--detach-keys", keys, "box")).fails(t, "--detach-keys")
	}
}

// Who waits for a container and is killed leaves nothing in its supervisor.
func TestVisitorsThatAreKilled(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice), "--network", "none", "-i")
	defer c.end()
	before := openFiles(t, c.Supervisor)
	for _, args := range [][]string{{"attach", "box"}, {"logs", "-f", "box"}, {"wait", "box"}, {"exec", "box", "cat"}} {
		var all []*exec.Cmd
		for range 5 {
			cmd := h.unc(h.alice, args...)
			in, err := cmd.StdinPipe() // or it would have ended
			must(t, err)
			defer in.Close()
			h.start(cmd)
			all = append(all, cmd)
		}
		for _, cmd := range all {
			h.connects(cmd.Process.Pid)
		}
		for _, cmd := range all {
			kill(t, cmd.Process.Pid, unix.SIGKILL)
			wait(t, cmd)
		}
		eventually(t, args[0]+" forgotten", func() bool { return openFiles(t, c.Supervisor) <= before })
	}
}

// Whether unc wait comes before, at or after the end of one that fails: it tells the code.
func TestWaitMeetsTheEnd(t *testing.T) {
	t.Parallel()
	needSpeed(t)
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for range 50 {
		h.run(h.unc(h.alice, "run", "-d", "--name", "box", "--network", "none", "--rootfs", rootfs, "sh", "-c", "exit 3")).works(t)
		for range 2 {
			if got := h.run(h.unc(h.alice, "wait", "box")).works(t); got != "3\n" {
				t.Fatalf("unc wait said %q, want 3", got)
			}
		}
	}
	h.run(h.unc(h.alice, "rm", "box")).works(t)
	h.forgotten(h.alice)
}

// A container that writes much and ends at once, well or not: who is attached sees all that
// the log keeps of it, however slowly he reads, and so does unc logs -f.
func TestTheEndIsShown(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range []struct {
		name, end string
		code      int
		verb      []string
	}{
		{"attach, 0", "exit 0", 0, []string{"attach"}},
		{"attach, 5", "exit 5", 5, []string{"attach"}},
		{"logs, 0", "exit 0", 0, []string{"logs", "-f"}},
		{"logs, 5", "exit 5", 0, []string{"logs", "-f"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			// More than one file of the log, less than both, much more than a pipe.
			c := h.livingWith(rootfs, []string{"--network", "none", "--log-opt", "max-size=8m"}, "sh", "-c", untilTold+`seq 1 60000; echo last; `+test.end)
			cmd := h.unc(h.alice, append(test.verb, c.name)...)
			r, w, err := os.Pipe()
			must(t, err)
			defer r.Close()
			cmd.Stdout = w
			h.start(cmd)
			must(t, w.Close())
			h.follows(cmd.Process.Pid)
			tell(t, rootfs)
			defer os.Remove(rootfs + "/tmp/go")
			// Nothing is read before the container is gone.
			eventually(t, "the supervisor gone", func() bool {
				return statusOf(c.Supervisor)["State"] == "" || strings.HasPrefix(statusOf(c.Supervisor)["State"], "Z")
			})
			text, err := io.ReadAll(r)
			must(t, err)
			if got := strings.Count(string(text), "\n"); got != 60001 || !strings.HasSuffix(string(text), "60000\nlast\n") {
				t.Errorf("%d lines came, to %q; want all 60001", got, text[max(0, len(text)-20):])
			}
			if code := endsInTime(t, cmd); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if strings.HasSuffix(test.name, "5") {
				h.run(h.unc(h.alice, "rm", c.name)).works(t)
			}
			h.forgotten(h.alice)
		})
	}
}
