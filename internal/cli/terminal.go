package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal is the caller's. A container never gets it: where descriptor 0, 1 or
// 2 is one, the container gets a pseudo-terminal of its own there, and the two
// are joined by copying. A shared one could be typed into (TIOCSTI) or read.
type terminal struct {
	is     [3]bool
	out    *os.File // where to show what the container writes
	master *os.File // controlling side of the container's terminal, once joined
	copier *copier  // of what is shown

	mu    sync.Mutex  // a signal may come at any time
	saved *term.State // of standard input, while it is raw
	over  bool        // it has been restored
}

func findTerminal() *terminal {
	t := &terminal{}
	std := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	for _, fd := range []int{1, 2, 0} {
		if t.is[fd] = term.IsTerminal(fd); t.is[fd] && t.out == nil {
			t.out = std[fd]
		}
	}
	if t.out == os.Stdin {
		// It may be open for reading only.
		if both, err := os.OpenFile("/proc/self/fd/0", os.O_WRONLY|unix.O_NOCTTY, 0); err == nil {
			t.out = both
		}
	}
	return t
}

// terminalOf is the terminal of a command that has to have one, or may have none.
func terminalOf(tty bool) (*terminal, error) {
	t := findTerminal()
	if tty && !t.is[0] {
		return nil, errors.New("--tty: standard input is no terminal")
	}
	return t, nil
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func (t *terminal) streams() [3]bool { return t.is }

func (t *terminal) raw() bool { return t.out != nil }

// kind is the TERM that fits: the caller's, if it is the name of one.
func (t *terminal) kind() string {
	switch name := os.Getenv("TERM"); {
	case !t.raw():
		return "dumb"
	case isTermName(name):
		return name
	default:
		return "xterm"
	}
}

// isTermName tells whether name can be that of a terminfo entry: it goes into
// programs that make a path of it.
func isTermName(name string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-"
	return name != "" && len(name) <= 64 && name[0] != '.' && strings.Trim(name, allowed) == ""
}

// join connects the terminal with the container's, whose controlling side master
// is: the container finds it as it will stay. It has to be followed by listen when
// the command runs, and by finish.
func (t *terminal) join(master *os.File) error {
	t.master = master
	t.resize()
	if err := setProcessing(master, false); err != nil {
		return err
	}
	if err := t.take(); err != nil {
		return err
	}
	var err error
	t.copier, err = startCopier(t.out, master)
	return err
}

// listen begins to pass on what is typed. Before the command runs nobody would get
// the signal that a Ctrl-C becomes there. In the background it waits until the
// terminal is ours: to read it then would stop unc (SIGTTIN). News of the size that came
// between join and the command's start went to nobody.
func (t *terminal) listen() {
	if t.master != nil {
		t.resize()
	}
	if !t.is[0] {
		return
	}
	go func() {
		if t.awaitForeground() == nil && t.take() == nil {
			_, _ = io.Copy(t.master, os.Stdin)
		}
	}()
}

// letGo closes what only the command reads and writes now, so that the other end
// of a pipe sees the end when the command closes it. Standard error stays, for
// unc's own last words.
func (t *terminal) letGo() {
	for _, fd := range []int{0, 1} {
		if !t.is[fd] {
			empty(fd)
		}
	}
}

// empty puts nothing in the place of what these descriptors of this process lead to.
func empty(fds ...int) {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return // they stay open; nobody is worse off than with most programs
	}
	defer unix.Close(null)
	for _, fd := range fds {
		_ = unix.Dup3(null, fd, 0)
	}
}

// heed follows changes of the terminal once it is joined.
func (t *terminal) heed(sig unix.Signal) bool {
	switch {
	case t.master == nil:
		return false
	case sig == unix.SIGWINCH:
		t.resize()
	case sig == unix.SIGCONT:
		// Stopped and continued: the shell has had the terminal meanwhile.
		t.resize()
		_ = t.take()
	default:
		return false
	}
	return true
}

// finish waits until all that the container has written is shown, and restores
// the terminal. No process of the container is left then.
func (t *terminal) finish() {
	if t.copier != nil {
		t.copier.finish()
	}
	t.restore()
}

// resize gives the container's terminal the size of ours; the kernel tells the
// programs in it (SIGWINCH).
func (t *terminal) resize() {
	if size, err := unix.IoctlGetWinsize(int(t.out.Fd()), unix.TIOCGWINSZ); err == nil {
		_ = unix.IoctlSetWinsize(int(t.master.Fd()), unix.TIOCSWINSZ, size)
	}
}

// setProcessing says whether the container's terminal makes of a line feed what a
// terminal needs, or leaves that to ours, which does while it is not raw.
func setProcessing(master *os.File, on bool) error {
	mode, err := unix.IoctlGetTermios(int(master.Fd()), unix.TCGETS)
	if err == nil {
		mode.Oflag &^= unix.OPOST
		if on {
			mode.Oflag |= unix.OPOST
		}
		err = unix.IoctlSetTermios(int(master.Fd()), unix.TCSETS, mode)
	}
	if err != nil {
		return fmt.Errorf("setting up the container's terminal: %w", err)
	}
	return nil
}
