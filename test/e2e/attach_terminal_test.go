package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// answers is a command on a terminal that tells what it reads, and its size when that changes.
const answers = `trap 'echo "size $(stty size)"' WINCH; stty -echo -ixon; echo begun; while :; do
		read x || continue
		[ "$x" = end ] && exit 6
		printf %s "got $x" | cat -v; echo
	done`

// visit runs unc attach from a shell that has p, and waits until the terminal is its own.
func (c *living) visit(p *pty, flags ...string) *exec.Cmd {
	c.t.Helper()
	before := p.mode()
	login := c.host.login(p, plainly, append(append([]string{"attach"}, flags...), c.name)...)
	eventually(c.t, "the terminal raw", func() bool { return p.mode() != before })
	return login
}

func TestAttachATerminal(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, flags := range []string{"-t", "-it"} {
		t.Run(flags, func(t *testing.T) {
			h := h.with(t)
			c := h.livingWith(rootfs, []string{"--network", "none", flags}, "sh", "-c", answers).begun()
			p := newPty(t, h.alice)
			before := p.mode()
			c.visit(p)
			p.expect("size 40 100\r\n")
			p.resize(33, 77)
			p.expect("size 33 77\r\n")
			p.typed("text\r")
			p.expect("got text\r\n")

			// What begins as the keys do and goes on otherwise, is typed.
			p.typed("a\x10b\x10\x10\x11")
			p.ended(0)
			p.sameMode(before)

			// It goes on, and what was typed is not lost. On another terminal, for the shell of
			// each visit reads on.
			for _, test := range []struct{ keys, typed string }{{"ctrl-a,d", "\x01d"}, {"x", "x"}, {"ctrl-]", "\x1d"}} {
				p := newPty(t, h.alice)
				c.visit(p, "--detach-keys", test.keys)
				p.typed(test.typed)
				p.ended(0)
				p.sameMode(before)
			}
			p = newPty(t, h.alice)
			c.visit(p, "--detach-keys", "")
			p.typed("\x11c\r")
			p.expect("got a^Pb^P^Qc\r\n")
			p.typed("end\r")
			p.ended(6)
			p.sameMode(before)
			h.run(h.unc(h.alice, "rm", c.name)).works(t)
			h.unrecorded(h.alice)
		})
	}
	t.Run("two at once, of one container", func(t *testing.T) {
		h := h.with(t)
		c := h.livingWith(rootfs, []string{"--network", "none", "-it"}, "sh", "-c", answers).begun()
		one, other := newPty(t, h.alice), newPty(t, h.alice)
		before := one.mode()
		first := c.visit(one)
		one.expect("size 40 100\r\n")
		h.follows(h.supervisor(first))
		other.resize(20, 60)
		second := c.visit(other)
		one.expect("size 20 60\r\n")
		h.follows(h.supervisor(second))
		one.typed("text\r")
		one.expect("got text\r\n")
		other.expect("got text\r\n")
		other.typed("end\r")
		for _, p := range []*pty{one, other} {
			p.ended(6)
			p.sameMode(before)
		}
		h.run(h.unc(h.alice, "rm", c.name)).works(t)
		h.unrecorded(h.alice)
	})
}

// However a visit ends, the terminal is as it was, and no other end than its own is the container's.
func TestAttachRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range append(
		bySignals(unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGUSR1, unix.SIGABRT),
		ending{"the container killed", func(c *living, _ int) { c.kill() }, "<ended 137>", false},
		ending{"the supervisor killed", func(c *living, _ int) { kill(c.t, c.Supervisor, unix.SIGKILL) }, "<ended 137>", false},
	) {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			c := h.livingWith(rootfs, []string{"--network", "none", "-it"}, "sh", "-c", answers).begun()
			p := newPty(t, h.alice)
			before := p.mode()
			login := c.visit(p)
			p.expect("size 40 100\r\n")
			test.do(c, h.supervisor(login))
			p.expect(test.says)
			p.sameMode(before)
			if test.left {
				p := newPty(t, h.alice)
				c.visit(p) // and is as it was
				p.typed("text\r")
				p.expect("got text\r\n")
				c.end()
				p.ended(137)
			}
			h.unrecorded(h.alice)
		})
	}
	t.Run("a window that is closed", func(t *testing.T) {
		h := h.with(t)
		c := h.livingWith(rootfs, []string{"--network", "none", "-it"}, "sh", "-c", answers).begun()
		defer c.end()
		p := newPty(t, h.alice)
		login := c.visit(p)
		p.expect("size 40 100\r\n")
		visitor := h.supervisor(login)
		must(t, p.tty.Close())
		must(t, p.master.Close())
		eventually(t, "the visit over", func() bool { return statusOf(visitor)["State"] == "" })
		if state := statusOf(c.command())["State"]; !strings.HasPrefix(state, "S") {
			t.Errorf("the command is %q, want it to wait", state)
		}
	})
}

// A container without a terminal has lines: keys are the terminal's outside, and a Ctrl-C the container's end.
func TestAttachFromATerminalToOneWithout(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.livingWith(busyboxRootfs(t, h.alice), []string{"--network", "none", "-i"}, "sh", "-c", repeating).begun()
	p := newPty(t, h.alice)
	before := p.mode()
	login := c.host.login(p, "trap : INT; "+plainly, "attach", c.name)
	eventually(t, "unc attach", func() bool { return len(h.named("unc")) == 2 })
	h.follows(h.supervisor(login))
	p.sameMode(before)
	p.typed("text\r")
	p.expect("got text\r\n")
	p.typed("\x03")
	p.ended(128 + 2)
	p.sameMode(before)
	h.unrecorded(h.alice)
}
