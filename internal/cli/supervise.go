package cli

import (
	"errors"
	"os"
	"os/signal"
	"slices"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var (
	// ending are for the command, and end a program that does not expect them.
	ending = []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2}

	// forwarded are all that are for the command.
	forwarded = append(slices.Clone(ending), unix.SIGWINCH)

	// fatal end unc, which must not leave the terminal raw; caught only while it may be. SIGXFSZ
	// is none: of a limit on files, what can't be written tells (EFBIG).
	fatal = []os.Signal{
		unix.SIGABRT, unix.SIGALRM, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGIO, unix.SIGPROF, unix.SIGPWR,
		unix.SIGSEGV, unix.SIGSTKFLT, unix.SIGSYS, unix.SIGTRAP, unix.SIGVTALRM, unix.SIGXCPU,
	}
)

// settled is how long a command runs before its supervisor makes itself small: a
// short one is over by then, and would only wait for it.
const settled = time.Second

// supervised is what a supervisor stays with: a container, or one command of one that
// another supervisor has.
type supervised interface {
	Signal(sig unix.Signal) error // is for the command
	Wait() (int, error)           // to its end, for its exit code
}

// console is where the command's streams lead that are not simply passed on.
type console interface {
	raw() bool                 // whether it may have to be restored
	listen()                   // when the command runs
	letGo()                    // of what only the command reads and writes
	heed(sig unix.Signal) bool // takes a signal that is for the console, not for the command
	finish()                   // when the command has ended: all that it wrote has arrived
	restore()                  // as it was found
}

// containerConsole is that of a container which this process makes.
type containerConsole interface {
	console
	streams() [3]bool           // which of 0, 1 and 2 become a terminal of the container's
	kind() string               // its TERM
	join(master *os.File) error // before the command runs
}

// supervisor stays with a container to its end.
type supervisor struct {
	child   supervised
	console console
	signals chan os.Signal
	caught  chan struct{} // closed when signals are caught
	began   func() error  // starts what a running container needs of its supervisor, or nil
	ended   func()        // does what is to be done for one that has ended, or nil

	// grace is how long a signal that comes before the command runs is kept for it, instead of
	// ending unc.
	grace time.Duration

	mu       sync.Mutex
	released bool
	kept     unix.Signal // 0: none
}

func newSupervisor(child supervised, c console) *supervisor {
	return &supervisor{child: child, console: c, signals: make(chan os.Signal, 64), caught: make(chan struct{})}
}

// catchSignals has to be done before the terminal is made raw, which a signal that
// ends unc would leave so, and before the command starts: a signal that arrives
// from then on reaches it first thing. It is mostly waiting for the runtime to
// change one signal after the other, so it is done beside everything else. An
// interrupt or hangup that the caller ignores, as nohup(1) and a shell's & do,
// stays ignored; of other signals the runtime does not tell.
func (s *supervisor) catchSignals() {
	wanted := slices.DeleteFunc(slices.Clone(forwarded), signal.Ignored)
	if s.console.raw() {
		wanted = append(append(wanted, fatal...), unix.SIGCONT)
	}
	signal.Notify(s.signals, wanted...)
	// A reader of our output that went away is the command's business, not the copying's.
	signal.Ignore(unix.SIGPIPE)
	close(s.caught)
	for sig := range s.signals {
		s.handle(sig.(unix.Signal))
	}
}

// release lets the command start, or is told that it has. Until then signals end unc, and the kernel
// a container with it; from then on they are the command's.
func (s *supervisor) release(start func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released = true
	err := start()
	if err == nil && s.kept != 0 {
		_ = s.child.Signal(s.kept)
	}
	return err
}

// supervise waits until the container has ended and all that it wrote is shown. Its command runs
// when nothing has failed so far.
func (s *supervisor) supervise(failed error) (int, error) {
	if failed == nil {
		s.console.listen()
		s.console.letGo()
		time.AfterFunc(settled, forgetProgram)
		if s.began != nil {
			// Beside the command, which may not ask for any of it; what it asks before
			// waits in the sockets, which are there from the start.
			go func() {
				if err := s.began(); err != nil {
					warn(err.Error())
				}
			}()
		}
	}
	code, err := s.child.Wait()
	if s.ended != nil {
		s.ended()
	}
	s.console.finish()
	return code, errors.Join(failed, err)
}

func (s *supervisor) handle(sig unix.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case slices.Contains(fatal, os.Signal(sig)):
		s.die(sig)
	case !s.released && slices.Contains(ending, os.Signal(sig)):
		s.end(sig)
	case !s.released, s.console.heed(sig): // what else is only of a terminal's size is looked at later
	default:
		_ = s.child.Signal(sig)
	}
}

// end is for a signal that comes before the command runs. Who sends another one, or has waited for
// long enough, wants unc to end.
func (s *supervisor) end(sig unix.Signal) {
	if s.grace == 0 || s.kept != 0 {
		s.die(sig)
	}
	s.kept = sig
	time.AfterFunc(s.grace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.released {
			s.die(sig)
		}
	})
}

func (s *supervisor) die(sig unix.Signal) {
	s.console.restore()
	dieOf(sig)
}

// dieOf ends this process as sig does by default. The runtime's own default for
// some of them is to print all goroutines.
func dieOf(sig unix.Signal) {
	var deflt struct{ handler, flags, restorer, mask uintptr } // the kernel's struct sigaction; 0 is SIG_DFL
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&deflt)), 0, 8, 0, 0)
	_ = unix.Kill(unix.Getpid(), sig)
	select {} // it is on its way
}
