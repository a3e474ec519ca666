package e2e

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Whatever ends unc, if it can be caught: the terminal is as it was. Some signals
// the command gets; of the others the Go runtime makes an exit code of its own.
func TestTheTerminalIsRestored(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range []struct {
		sig  unix.Signal
		code string
	}{
		{unix.SIGTERM, "143>"},
		{unix.SIGHUP, "129>"},
		{unix.SIGINT, "130>"},
		{unix.SIGABRT, ""},
		{unix.SIGALRM, ""},
		{unix.SIGBUS, ""},
		{unix.SIGFPE, ""},
		{unix.SIGILL, ""},
		{unix.SIGIO, ""},
		{unix.SIGSEGV, ""},
		{unix.SIGSYS, ""},
		{unix.SIGTRAP, ""},
		{unix.SIGXCPU, ""},
	} {
		t.Run(unix.SignalName(test.sig), func(t *testing.T) {
			h := h.with(t)
			p := newPty(t, h.alice)
			before := p.mode()
			login := h.login(p, plainly, "run", "--rootfs", rootfs, "sleep", "1000")
			eventually(t, "sleep running", func() bool { return len(h.named("sleep")) == 1 && p.mode() != before })
			kill(t, h.supervisor(login), test.sig)
			p.expect("<ended " + test.code)
			p.sameMode(before)
		})
	}
	t.Run("a command that is not found", func(t *testing.T) {
		p := newPty(t, h.alice)
		before := p.mode()
		h.with(t).login(p, plainly, "run", "--rootfs", rootfs, "nowhere")
		p.expect("command not found")
		p.ended(127)
		p.sameMode(before)
	})
}

// A job of a shell's: stopped and continued, unc makes the terminal raw again.
func TestStoppedAndContinued(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	p := newPty(t, h.alice)
	before := p.mode()
	login := h.login(p, plainly, "run", "--rootfs", busyboxRootfs(t, h.alice), "sh", "-c", `echo ready; read x; stty size; echo "got $x"`)
	p.expect("ready")
	raw, supervisor := p.mode(), h.supervisor(login)
	kill(t, supervisor, unix.SIGSTOP)
	eventually(t, "unc stopped", func() bool { return strings.HasPrefix(statusOf(supervisor)["State"], "T") })
	must(t, unix.IoctlSetTermios(int(p.tty.Fd()), unix.TCSETS, &before)) // as a shell does with a stopped job
	p.resize(20, 60)
	kill(t, supervisor, unix.SIGCONT)
	eventually(t, "the terminal raw again", func() bool { return p.mode() == raw })
	p.typed("text\r")
	p.expect("20 60\r\ngot text")
	p.ended(0)
	p.sameMode(before)
}
