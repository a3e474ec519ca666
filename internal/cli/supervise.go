package cli

import (
	"os"
	"os/signal"
	"slices"

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

// catchSignals begins early: a signal that arrives while the container is made is
// kept and reaches the command first thing.
func catchSignals(t *terminal) <-chan os.Signal {
	c := make(chan os.Signal, 64)
	signal.Notify(c, forwarded...)
	// A reader of our output that went away is the command's business, not the copying's.
	signal.Ignore(unix.SIGPIPE)
	if t.any() {
		signal.Notify(c, append(slices.Clone(fatal), unix.SIGCONT)...)
	}
	return c
}

// outcome is how a container ended.
type outcome struct {
	code int
	err  error
}

// supervise passes signals and the terminal on until the container ends.
func supervise(child *nsexec.Child, signals <-chan os.Signal, t *terminal, master *os.File) (int, error) {
	var shown <-chan struct{}
	if master != nil {
		defer t.restore()
		var err error
		if shown, err = t.join(master); err != nil {
			child.Abort()
			return 0, err
		}
	}
	ended := make(chan outcome, 1)
	go func() {
		// Before Wait, which ends the conversation.
		err := child.Started()
		code, waitErr := child.Wait()
		if err == nil {
			err = waitErr
		}
		ended <- outcome{code, err}
	}()
	for {
		select {
		case o := <-ended:
			if shown != nil {
				<-shown
			}
			return o.code, o.err
		case sig := <-signals:
			handle(child, sig.(unix.Signal), t, master)
		}
	}
}

func handle(child *nsexec.Child, sig unix.Signal, t *terminal, master *os.File) {
	switch {
	case slices.Contains(fatal, os.Signal(sig)):
		t.restore()
		_ = child.Signal(unix.SIGKILL)
		signal.Reset(sig)
		_ = unix.Kill(unix.Getpid(), sig)
	case master != nil && sig == unix.SIGWINCH:
		t.resize(master)
	case master != nil && sig == unix.SIGCONT:
		// Stopped and continued: the shell has had the terminal meanwhile.
		if t.is[0] {
			_ = t.raw()
		}
		t.resize(master)
	default:
		_ = child.Signal(sig)
	}
}
