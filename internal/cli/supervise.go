package cli

import (
	"errors"
	"os"
	"os/signal"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/nsexec"
)

var (
	// forwarded are for the command.
	forwarded = []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH}

	// fatal end unc, which must not leave the terminal raw; caught only while it may be.
	fatal = []os.Signal{
		unix.SIGABRT, unix.SIGALRM, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGIO, unix.SIGPROF, unix.SIGPWR,
		unix.SIGSEGV, unix.SIGSTKFLT, unix.SIGSYS, unix.SIGTRAP, unix.SIGVTALRM, unix.SIGXCPU, unix.SIGXFSZ,
	}
)

// settled is how long a command runs before its supervisor makes itself small: a
// short one is over by then, and would only wait for it.
const settled = time.Second

// supervisor stays with a container to its end.
type supervisor struct {
	child   *nsexec.Child
	term    *terminal
	master  *os.File        // controlling side of the container's terminal, or nil
	shown   <-chan struct{} // closed when all that it wrote is on ours
	signals chan os.Signal
	caught  chan struct{} // closed when signals are caught
}

func newSupervisor(t *terminal) *supervisor {
	return &supervisor{term: t, signals: make(chan os.Signal, 64), caught: make(chan struct{})}
}

// catchSignals has to be done before the command starts: a signal that arrives
// from then on reaches it first thing. It is mostly waiting for the runtime to
// change one signal after the other, so it is done beside everything else.
func (s *supervisor) catchSignals() {
	defer close(s.caught)
	signal.Notify(s.signals, forwarded...)
	// A reader of our output that went away is the command's business, not the copying's.
	signal.Ignore(unix.SIGPIPE)
	if s.term.any() {
		signal.Notify(s.signals, append(slices.Clone(fatal), unix.SIGCONT)...)
	}
}

// joinTerminal connects the caller's terminal with the container's, if it has one.
func (s *supervisor) joinTerminal() (err error) {
	if s.master != nil {
		s.shown, err = s.term.join(s.master)
	}
	return err
}

// supervise passes signals on until the container ends.
func (s *supervisor) supervise() (int, error) {
	go func() {
		for sig := range s.signals {
			s.handle(sig.(unix.Signal))
		}
	}()
	failed := s.child.Started()
	if failed == nil {
		time.AfterFunc(settled, forgetProgram)
	}
	code, err := s.child.Wait()
	if s.shown != nil {
		<-s.shown
	}
	return code, errors.Join(failed, err)
}

func (s *supervisor) handle(sig unix.Signal) {
	switch {
	case slices.Contains(fatal, os.Signal(sig)):
		s.term.restore()
		_ = s.child.Signal(unix.SIGKILL)
		signal.Reset(sig)
		_ = unix.Kill(unix.Getpid(), sig)
	case s.master != nil && sig == unix.SIGWINCH:
		s.term.resize(s.master)
	case s.master != nil && sig == unix.SIGCONT:
		// Stopped and continued: the shell has had the terminal meanwhile.
		s.term.resize(s.master)
		if s.term.is[0] {
			_ = s.term.raw()
		}
	default:
		_ = s.child.Signal(sig)
	}
}
