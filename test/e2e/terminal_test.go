package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// "$@" is unc and its arguments.
const plainly = `"$@"`

func TestATerminalOfItsOwn(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, flags := range [][]string{{}, {"--no-init"}} {
		p := newPty(t, h.alice)
		before := p.mode()
		h.login(p, plainly, append(append([]string{"run", "--rootfs", rootfs}, flags...), "sh", "-c",
			`tty; stty size; echo "TERM is $TERM"; tty </dev/console; tty </dev/tty; ls /dev/pts; exit 9`)...)
		p.expect("/dev/pts/0\r\n40 100\r\nTERM is vt100\r\n/dev/console\r\n/dev/tty\r\n0")
		p.ended(9)
		if p.mode() != before {
			t.Errorf("%v: the terminal is not as it was", flags)
		}
	}
}

func TestWindowSizePasses(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	p := newPty(t, h.alice)
	login := h.login(p, plainly, "run", "--rootfs", busyboxRootfs(t, h.alice), "sh", "-c",
		`trap 'stty size' WINCH; echo ready; while read line; do :; done; while :; do read line && exit 0; done`)
	p.expect("ready")
	p.resize(33, 77)
	// The kernel tells who is in the foreground, as a terminal emulator has it do.
	p.expect("33 77")
	p.resize(50, 120)
	p.expect("50 120")
	kill(t, h.supervisor(login), unix.SIGTERM)
	p.ended(128 + 15)
}

func TestKeysGoToTheCommand(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)

	t.Run("Ctrl-C interrupts it", func(t *testing.T) {
		p := newPty(t, h.alice)
		h.with(t).login(p, plainly, "run", "--rootfs", rootfs, "sh", "-c",
			`trap 'echo interrupted' INT; echo ready; until read x && [ -n "$x" ]; do :; done; echo "got $x"; exit 4`)
		p.expect("ready")
		p.typed("\x03")
		p.expect("interrupted")
		p.typed("hello\r")
		p.expect("got hello")
		p.ended(4)
	})
	t.Run("Ctrl-C ends it", func(t *testing.T) {
		h := h.with(t)
		p := newPty(t, h.alice)
		h.login(p, plainly, "run", "--rootfs", rootfs, "sleep", "1000")
		eventually(t, "sleep running", func() bool { return len(h.named("sleep")) == 1 })
		p.typed("\x03")
		p.ended(128 + 2)
	})
	t.Run("Ctrl-backslash ends it", func(t *testing.T) {
		h := h.with(t)
		p := newPty(t, h.alice)
		h.login(p, plainly, "run", "--rootfs", rootfs, "sleep", "1000")
		eventually(t, "sleep running", func() bool { return len(h.named("sleep")) == 1 })
		p.typed("\x1c")
		p.ended(128 + 3)
	})
	t.Run("Ctrl-D ends its input", func(t *testing.T) {
		p := newPty(t, h.alice)
		h.with(t).login(p, plainly, "run", "--rootfs", rootfs, "sh", "-c", "echo ready; cat; exit 6")
		p.expect("ready")
		p.typed("text\r")
		p.expect("text\r\ntext\r\n")
		p.typed("\x04")
		p.ended(6)
	})
	t.Run("Ctrl-Z stops a job in it", func(t *testing.T) {
		h := h.with(t)
		p := newPty(t, h.alice)
		h.login(p, plainly, "run", "--rootfs", rootfs, "sh", "-i")
		p.expect("# ")
		p.typed("sleep 1000\r")
		eventually(t, "sleep running", func() bool { return len(h.named("sleep")) == 1 })
		p.typed("\x1a")
		p.expect("Stopped")
		p.typed("jobs\r")
		p.expect("[1]+  Stopped")
		p.typed("kill %1; fg\r")
		p.expect("# ")
		p.typed("exit 5\r")
		p.ended(5)
	})
}

// The caller's terminal is not to be had inside: whoever has it could type into
// it (TIOCSTI), read what is typed, or turn it into something else.
func TestTheCallersTerminalStaysOutside(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for name, script := range map[string]string{
		"all three":       plainly,
		"standard input":  `"$@" 2>&1 | cat`,
		"standard output": `true | "$@" 2>/dev/null`,
		"standard error":  `true | "$@" | cat`,
	} {
		t.Run(name, func(t *testing.T) {
			h := h.with(t)
			p := newPty(t, h.alice)
			h.login(p, script, "run", "--rootfs", rootfs, "sh", "-c", "exec sleep 1000")
			eventually(t, "sleep running", func() bool { return len(h.named("sleep")) == 1 })
			var caller unix.Stat_t
			must(t, unix.Fstat(int(p.tty.Fd()), &caller))
			terminals := 0
			command := h.named("sleep")[0]
			fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", command))
			must(t, err)
			for _, fd := range fds {
				var st unix.Stat_t
				must(t, unix.Stat(fd, &st))
				if st.Dev == caller.Dev && st.Ino == caller.Ino {
					t.Errorf("%s is the caller's terminal", fd)
				}
				if target, _ := os.Readlink(fd); strings.HasPrefix(target, "/dev/pts/") || strings.HasSuffix(target, "/0") {
					terminals++
				}
			}
			if terminals == 0 {
				t.Error("the command has no terminal at all")
			}
			stat := h.readProc(command, "stat")
			controlling := strings.Fields(stat[strings.LastIndex(stat, ")"):])[5]
			if controlling == "0" {
				t.Error("the command has no controlling terminal")
			}
			kill(t, command, unix.SIGKILL)
			p.expect("<ended ")
		})
	}
}

func TestATerminalOnOneSideOnly(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	const which = `for fd in 0 1 2; do [ -t $fd ] && echo "$fd yes" || echo "$fd no"; done`
	for _, test := range []struct {
		name, script, want string
		raw                bool
	}{
		{"input from a pipe", `echo text | "$@"`, "0 no\r\n1 yes\r\n2 yes\r\ntext\r\n", false},
		{"output to a pipe", `"$@" | sed 's/^/to a pipe: /'`, "to a pipe: 0 yes\nto a pipe: 1 no\nto a pipe: 2 yes\n", true},
		{"errors to a pipe", `"$@" 2>/dev/null`, "0 yes\r\n1 yes\r\n2 no\r\n", false},
		{"only errors", `echo text | "$@" | sed 's/^/to a pipe: /'`, "to a pipe: 0 no\r\nto a pipe: 1 no\r\nto a pipe: 2 yes\r\nto a pipe: text\r\n", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			p := newPty(t, h.alice)
			before := p.mode()
			command := which + "; [ -t 0 ] || cat"
			h.login(p, test.script, "run", "--rootfs", rootfs, "sh", "-c", command)
			got := p.expect("<ended 0>")
			if test.raw { // a terminal that unc has made raw shows other programs' lines as they are
				got = strings.ReplaceAll(got, "\r", "")
			}
			if got != test.want {
				t.Errorf("on the terminal is %q, want %q", got, test.want)
			}
			p.sameMode(before)
		})
	}
}

// The terminal is what it will be before the command begins: its first look at
// the size, and its first line of output, are as good as later ones.
func TestTheTerminalIsReadyForTheFirstLine(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for range 25 {
		p := newPty(t, h.alice)
		h.login(p, `true | "$@"`, "run", "--rootfs", rootfs, "--no-init", "sh", "-c", "stty size <&1")
		if got, want := p.expect("<ended 0>"), "40 100\r\n"; got != want {
			t.Fatalf("on the terminal is %q, want %q", got, want)
		}
	}
}

// A terminal passes what is written to it complete, however much it is.
func TestLongOutputToATerminal(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	p := newPty(t, h.alice)
	h.login(p, plainly, "run", "--rootfs", busyboxRootfs(t, h.alice), "sh", "-c", "seq 1 20000; echo end")
	got := p.expect("end\r\n<ended 0>")
	if lines := strings.Count(got, "\r\n"); lines != 20000 {
		t.Errorf("%d lines on the terminal, want 20000", lines)
	}
}
