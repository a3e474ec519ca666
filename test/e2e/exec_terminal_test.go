package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// login runs unc exec with a command in the container from a shell that has p.
func (c *living) login(p *pty, script string, command ...string) *exec.Cmd {
	c.t.Helper()
	return c.host.login(p, script, append([]string{"exec", c.name}, command...)...)
}

func TestExecHasATerminalOfItsOwn(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, flags := range [][]string{nil, {"-t"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			h := h.with(t)
			c := h.living(rootfs, flags...)
			defer c.end()
			p := newPty(t, h.alice)
			before := p.mode()
			number := "0"
			if len(flags) > 0 {
				number = "1" // the container's own is the first
			}
			for range 10 { // and found again by the next one
				c.login(p, plainly, "sh", "-c",
					`tty; stty size; echo "TERM is $TERM"; tty </dev/tty; readlink /proc/self/fd/0; exit 9`)
				p.expect("/dev/pts/" + number + "\r\n40 100\r\nTERM is vt100\r\n/dev/tty\r\n/dev/pts/" + number + "\r\n")
				p.ended(9)
				p.sameMode(before)
			}
		})
	}
}

// The terminal has its size before the command begins.
func TestExecTerminalIsReadyForTheFirstLine(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice))
	defer c.end()
	for range 25 {
		p := newPty(t, h.alice)
		c.login(p, `true | "$@"`, "sh", "-c", "stty size <&1")
		if got, want := p.expect("<ended 0>"), "40 100\r\n"; got != want {
			t.Fatalf("on the terminal is %q, want %q", got, want)
		}
	}
}

func TestExecWindowSize(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice))
	defer c.end()
	p := newPty(t, h.alice)
	before := p.mode()
	c.login(p, plainly, "sh", "-c", `trap 'stty size' WINCH; echo ready; while :; do read line && exit 5; done`)
	p.expect("ready")
	p.resize(33, 77)
	p.expect("33 77")
	p.resize(50, 120)
	p.expect("50 120")
	p.typed("\r")
	p.ended(5)
	p.sameMode(before)

	// One that changes all the time keeps no command from its start.
	for range 15 {
		c.login(p, plainly, "sh", "-c", "echo ready")
		done := make(chan struct{})
		go func() {
			for n := uint16(1); ; n++ {
				select {
				case <-done:
					return
				default:
					_ = ioctl(p.master, func(fd int) error {
						return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 20 + n%2, Col: 80})
					})
				}
			}
		}()
		p.expect("ready\r\n")
		p.ended(0)
		close(done)
	}
}

func TestExecKeys(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice))
	defer c.end()
	for _, test := range []struct {
		name, script string
		do           func(h *host, p *pty)
		code         int
	}{
		{"Ctrl-C interrupts it", `trap 'echo interrupted' INT; echo ready; until read x; do :; done; echo "got $x"; exit 4`, func(_ *host, p *pty) {
			p.typed("\x03")
			p.expect("interrupted")
			p.typed("hello\r")
			p.expect("got hello")
		}, 4},
		{"Ctrl-C ends it", "echo ready; exec sleep 2000", func(_ *host, p *pty) { p.typed("\x03") }, 128 + 2},
		{"Ctrl-backslash ends it", "echo ready; exec sleep 2000", func(_ *host, p *pty) { p.typed("\x1c") }, 128 + 3},
		{"Ctrl-D ends its input", "echo ready; cat; exit 6", func(_ *host, p *pty) {
			p.typed("text\r")
			p.expect("text\r\ntext\r\n")
			p.typed("\x04")
		}, 6},
		{"Ctrl-P and Ctrl-Q are the command's", "stty -ixon -echo; echo ready; head -c 3 | od -c; exit 2", func(_ *host, p *pty) {
			p.typed("\x10\x11\r")
			p.expect("020 021  \\n")
		}, 2},
		{"Ctrl-Z stops a job in it", "echo ready; exec sh -i", func(h *host, p *pty) {
			p.expect("# ")
			p.typed("sleep 2000\r")
			h.sleeping("2000")
			p.typed("\x1a")
			p.expect("Stopped")
			p.typed("jobs\r")
			p.expect("[1]+  Stopped")
			p.typed("bg; jobs\r")
			p.expect("Running")
			p.typed("kill %1; fg\r")
			p.expect("# ")
			p.typed("exit 5\r")
		}, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := c.of(t)
			p := newPty(t, h.alice)
			before := p.mode()
			c.login(p, plainly, "sh", "-c", test.script)
			p.expect("ready\r\n")
			test.do(c.host, p)
			p.ended(test.code)
			p.sameMode(before)
		})
	}
	t.Run("a job that outlives the shell", func(t *testing.T) {
		c := c.of(t)
		p := newPty(t, h.alice)
		before := p.mode()
		c.login(p, plainly, "sh", "-c", `(trap '' HUP; echo ready; exec sleep 3000) & read x; exit 8`)
		p.expect("ready")
		c.sleeping("3000")
		p.typed("\r")
		p.ended(8)
		p.sameMode(before)
		kill(t, c.sleeping("3000"), unix.SIGKILL)
	})
	if state := statusOf(c.command())["State"]; !strings.HasPrefix(state, "S") {
		t.Errorf("the first command is %q, want it untouched", state)
	}
}

func TestExecWithATerminalOnOneSide(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice))
	defer c.end()
	file := filepath.Join(newDir(t, h.alice), "errors")
	const which = `for fd in 0 1 2; do [ -t $fd ] && echo "$fd yes" || echo "$fd no"; done; echo bad >&2; [ -t 0 ] || cat`
	for _, test := range []struct {
		name, script, want, file string
		raw                      bool
	}{
		{"errors to a file", `"$@" 2>` + file, "0 yes\r\n1 yes\r\n2 no\r\n", "bad\n", false},
		{"input from a pipe", `echo text | "$@" 2>` + file, "0 no\r\n1 yes\r\n2 no\r\ntext\r\n", "bad\n", false},
		{"output to a pipe", `"$@" | sed 's/^/to a pipe: /'`, "to a pipe: 0 yes\nto a pipe: 1 no\nto a pipe: 2 yes\nbad\n", "", true},
		{"only errors", `echo text | "$@" | cat >/dev/null`, "bad\r\n", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := c.of(t)
			p := newPty(t, h.alice)
			before := p.mode()
			c.login(p, test.script, "sh", "-c", which)
			got := p.expect("<ended 0>")
			if test.raw { // other programs' lines are shown as they are, and between them its own
				got = strings.ReplaceAll(got, "\r", "")
				got = strings.Replace(strings.Replace(got, "bad\n", "", 1)+"bad\n", "\n\n", "\n", 1)
			}
			if got != test.want {
				t.Errorf("on the terminal is %q, want %q", got, test.want)
			}
			if test.file != "" {
				if text, err := os.ReadFile(file); err != nil || string(text) != test.file {
					t.Errorf("in the file is %q, %v; want %q", text, err, test.file)
				}
			}
			p.sameMode(before)
		})
	}
}

// ending is how unc exec or unc attach, which a shell with a terminal has started, comes to its end.
type ending struct {
	name string
	do   func(c *living, unc int)
	says string // the terminal then
	left bool   // the container is
}

// bySignals are the ends of unc by signals, which leave the container as it is.
func bySignals(signals ...unix.Signal) (list []ending) {
	for _, sig := range signals {
		list = append(list, ending{
			unix.SignalName(sig), func(c *living, unc int) { kill(c.t, unc, sig) }, fmt.Sprintf("<ended %d>", 128+int(sig)), true,
		})
	}
	return list
}

// Whatever ends unc exec, or its command: the terminal is as it was.
func TestExecRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range append(
		bySignals(unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGABRT, unix.SIGSEGV),
		ending{"the command killed", func(c *living, _ int) { kill(c.t, c.sleeping("2000"), unix.SIGKILL) }, "<ended 137>", true},
		ending{"the container killed", func(c *living, _ int) { c.kill() }, "<ended 137>", false},
		ending{"the supervisor killed", func(c *living, _ int) { kill(c.t, c.Supervisor, unix.SIGKILL) }, "the container has ended, and its supervisor with it\r\n<ended 125>", false},
	) {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			c := h.living(rootfs)
			p := newPty(t, h.alice)
			before := p.mode()
			login := c.login(p, plainly, "sleep", "2000")
			c.sleeping("2000")
			eventually(t, "the terminal raw", func() bool { return p.mode() != before })
			test.do(c, h.supervisor(login))
			p.expect(test.says)
			p.sameMode(before)
			if test.left {
				eventually(t, "the command ended", func() bool { return len(h.named("sleep")) == 1 })
				c.end()
			}
			h.unrecorded(h.alice)
		})
	}
	t.Run("what can't begin", func(t *testing.T) {
		h := h.with(t)
		c := h.living(rootfs)
		defer c.end()
		p := newPty(t, h.alice)
		before := p.mode()
		for _, test := range []struct {
			args []string
			says string
			code int
		}{
			{[]string{"box", "nowhere"}, "command not found", 127},
			{[]string{"-w", "/nowhere", "box", "true"}, "entering the working directory", 125},
			{[]string{"-u", "nobody-there", "box", "true"}, "hint:", 125},
			{[]string{"nothing", "true"}, "no container of yours", 125},
		} {
			h.login(p, plainly, append([]string{"exec"}, test.args...)...)
			p.expect(test.says)
			p.ended(test.code)
			p.sameMode(before)
		}
		// No terminal of the container's is kept by that.
		if got := c.sh("ls /dev/pts"); got != "ptmx\n" {
			t.Errorf("/dev/pts has %q", got)
		}
	})
}

// A terminal window that is closed hangs the command up, and nobody else.
func TestExecTerminalIsClosed(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	c := h.living(rootfs)
	defer c.end()
	p := newPty(t, h.alice)
	c.login(p, plainly, "sh", "-c", `trap 'echo hung up >/tmp/said; exit' HUP; echo ready; read x; echo "got $x"; while :; do sleep 0.1; done`)
	p.expect("ready")
	p.typed("text\r") // which passes when unc exec knows that the command runs
	p.expect("got text")
	must(t, p.tty.Close())
	must(t, p.master.Close())
	eventually(t, "the command hung up", func() bool {
		text, _ := os.ReadFile(filepath.Join(rootfs, "tmp/said"))
		return string(text) == "hung up\n"
	})
	eventually(t, "the container as it was", func() bool { return len(childrenOf(c.PID)) == 1 })
}

// Stopped and continued by a shell with job control, unc exec takes the terminal again.
func TestExecAsAJob(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	c := h.living(rootfs)
	defer c.end()
	t.Run("in the background", func(t *testing.T) {
		c := c.of(t)
		p := newPty(t, h.alice)
		before := p.mode()
		c.host.login(p, `unc=$1 PS1='% ' dash -i`)
		p.expect("% ")
		p.typed(`"$unc" exec box sh -c 'echo started; ` + untilTold + `echo told; read x; echo "got $x"; exit 7' &` + "\r")
		p.expect("started\r")
		p.sameMode(before)
		tell(t, rootfs)
		p.expect("told\r")
		p.typed("fg\r")
		eventually(t, "the terminal unc's", func() bool { return p.mode() != before })
		p.typed("keys\r")
		p.expect("got keys\r\n")
		p.expect("% ")
		p.typed("echo code=$?\r")
		p.expect("code=7\r\n")
		p.typed("exit\r")
		p.ended(0)
		p.sameMode(before)
	})
	t.Run("stopped with a terminal", func(t *testing.T) {
		c := c.of(t)
		p := newPty(t, h.alice)
		before := p.mode()
		login := c.login(p, plainly, "sh", "-c", `echo ready; read x; stty size; echo "got $x"`)
		p.expect("ready")
		raw, pid := p.mode(), h.supervisor(login)
		kill(t, pid, unix.SIGSTOP)
		eventually(t, "unc stopped", func() bool { return strings.HasPrefix(statusOf(pid)["State"], "T") })
		must(t, unix.IoctlSetTermios(int(p.tty.Fd()), unix.TCSETS, &before)) // as a shell does with a stopped job
		p.resize(20, 60)
		kill(t, pid, unix.SIGCONT)
		eventually(t, "the terminal raw again", func() bool { return p.mode() == raw })
		p.typed("text\r")
		p.expect("20 60\r\ngot text")
		p.ended(0)
		p.sameMode(before)
	})
	t.Run("stopped by Ctrl-Z, where no key is the command's", func(t *testing.T) {
		c := c.of(t)
		p := newPty(t, h.alice)
		before := p.mode()
		c.host.login(p, `unc=$1 PS1='% ' dash -i`)
		p.expect("% ")
		p.typed(`"$unc" exec box sh -c 'echo rea""dy; exec sleep 2000' </dev/null` + "\r")
		p.expect("ready\r\n")
		p.typed("\x1a")
		p.expect("% ")
		p.typed("jobs\r")
		p.expect("Stopped")
		p.typed("fg\r")
		eventually(t, "unc exec continued", func() bool {
			return !slices.ContainsFunc(c.named("unc"), func(pid int) bool { return strings.HasPrefix(statusOf(pid)["State"], "T") })
		})
		p.typed("\x03")
		p.expect("% ")
		p.typed("echo code=$?\r")
		p.expect("code=130\r\n")
		p.typed("exit\r")
		p.ended(0)
		p.sameMode(before)
	})
}

// What is written to a terminal arrives complete, and before unc exec says how it ended.
func TestExecLongOutputToATerminal(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice))
	defer c.end()
	p := newPty(t, h.alice)
	c.login(p, plainly, "sh", "-c", "seq 1 20000; echo end")
	if lines := strings.Count(p.expect("end\r\n<ended 0>"), "\r\n"); lines != 20000 {
		t.Errorf("%d lines on the terminal, want 20000", lines)
	}
	for range 30 { // the last words are not lost when the terminal goes with the command
		c.login(p, plainly, "echo", "short")
		p.expect("short\r\n<ended 0>")
	}
}
