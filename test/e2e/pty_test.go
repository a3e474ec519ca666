package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pty is a terminal as an emulator or sshd makes one.
type pty struct {
	t      *testing.T
	master *os.File // what a person sees and types
	tty    *os.File // what programs have
	seen   bytes.Buffer
}

func newPty(t *testing.T, u user) *pty {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	must(t, err)
	p := &pty{t: t, master: os.NewFile(uintptr(fd), "ptmx")}
	t.Cleanup(func() { p.master.Close() })
	must(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	must(t, err)
	p.tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { p.tty.Close() })
	must(t, p.tty.Chown(u.uid, u.gid))
	p.resize(40, 100)
	// Something to restore: not what a new terminal has.
	mode := p.mode()
	mode.Cc[unix.VERASE] = 'H' & 0x1f
	mode.Lflag &^= unix.ECHOCTL
	must(t, unix.IoctlSetTermios(int(p.tty.Fd()), unix.TCSETS, &mode))
	return p
}

func (p *pty) mode() unix.Termios {
	p.t.Helper()
	mode, err := unix.IoctlGetTermios(int(p.tty.Fd()), unix.TCGETS)
	must(p.t, err)
	return *mode
}

func (p *pty) resize(rows, columns uint16) {
	p.t.Helper()
	size := &unix.Winsize{Row: rows, Col: columns}
	must(p.t, ioctl(p.master, func(fd int) error { return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size) }))
}

// sameMode fails the test unless the terminal is as it was.
func (p *pty) sameMode(before unix.Termios) {
	p.t.Helper()
	if p.mode() != before {
		p.t.Error("the terminal is not as it was")
	}
}

// ioctl does not make a file blocking, as Fd would.
func ioctl(f *os.File, do func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = do(int(fd)) })
	return errors.Join(err, failed)
}

// typed sends keys.
func (p *pty) typed(keys string) {
	p.t.Helper()
	_, err := p.master.WriteString(keys)
	must(p.t, err)
}

// expect reads until text is on the screen, and forgets all up to there.
func (p *pty) expect(text string) string {
	p.t.Helper()
	must(p.t, p.master.SetReadDeadline(time.Now().Add(deadline)))
	for {
		if before, _, found := strings.Cut(p.seen.String(), text); found {
			p.seen.Next(len(before) + len(text))
			return before
		}
		buf := make([]byte, 1<<12)
		n, err := p.master.Read(buf)
		p.seen.Write(buf[:n])
		if err != nil {
			p.t.Fatalf("on the terminal is %q, want %q: %v", p.seen.String(), text, err)
		}
	}
}

// login starts a shell of alice's that has p as its controlling terminal, as a
// login does. It runs a script that calls unc as "$@", says how that ended, and
// stays: the end of a session would hang the terminal up and so reset it.
func (h *host) login(p *pty, script string, args ...string) *exec.Cmd {
	h.t.Helper()
	cmd := h.as(h.alice, append([]string{"sh", "-c", script + `
		echo "<ended $?>"; read stay`, "sh", unc}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.tty, p.tty, p.tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	h.start(cmd)
	return cmd
}

// ended waits for the script's end and its exit code.
func (p *pty) ended(code int) {
	p.t.Helper()
	p.expect(fmt.Sprintf("<ended %d>", code))
}

// supervisor finds unc among the processes of a login.
func (h *host) supervisor(login *exec.Cmd) int {
	h.t.Helper()
	for _, pid := range processesOf(h.alice) {
		if status := statusOf(pid); status["PPid"] == strconv.Itoa(login.Process.Pid) && status["Name"] == "unc" {
			return pid
		}
	}
	h.t.Fatal("there is no supervisor")
	return 0
}
