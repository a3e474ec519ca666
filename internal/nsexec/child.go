package nsexec

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// This file runs in the child of a raw clone: a copy of the parent's memory with
// one thread, in which the Go runtime's other threads and so its scheduler and
// garbage collector are missing. As in syscall.forkAndExecInChild, every
// function here is nosplit (growing the stack needs the runtime), allocates
// nothing, writes no Go pointers, and makes only raw system calls. All signals
// are blocked, so no handler of the Go runtime runs either.

// report is what the child tells its parent, the length of one message.
type report struct {
	Step  int32 // that has failed, as an index into the program; or one of these
	Errno int32
}

const (
	reportReady   = -1 - iota // the container is furnished, and what is handed over comes along
	reportBorn                // pid 1 is there: its number is in Errno, and its pidfd comes along
	reportFork                // there is no process for the command
	reportMapping             // a later command's process has no program
)

const reportSize = unsafe.Sizeof(report{})

// childState is everything the child needs, at addresses that stay.
type childState struct {
	table
	hand   *handover
	noInit bool
	birth  *birth // of pid 1, where somebody else begets it: see join.go

	clone cloneArgs
	pidfd int32
	mask  uint64 // the calling thread's own, meanwhile

	init initState // of pid 1, when it isn't the command

	sock    uintptr  // the child's end of the conversation
	argv    []string // where the kernel put this process's arguments
	comm    *byte    // its name
	told    report
	blocked uint64 // every signal; blocked ones are kept for pid 1, not dropped (signal(7))
	deflt   sigaction
	denied  bool // some pardoned step met EACCES
}

// sigaction is the kernel's own structure, not libc's (rt_sigaction(2)).
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

const sigsetSize = 8

// live is the child's whole life. It does not return. The stack is short (nosplit functions
// share some 800 bytes of it, less in builds for tests): what is called from here goes no
// deeper than it has to.
//
//go:nosplit
//go:norace
func live(c *childState) {
	if pid := settle(c); pid != 0 {
		reap(&c.init, pid)
		c = nextState(c)
	}
	c.denied = false
	run(c, c.setup, len(c.steps))
	// The last steps were one execve for each directory of PATH; as execvp(3)
	// has it, a file that may not be executed counts more than one that is missing.
	errno := unix.ENOENT
	if c.denied {
		errno = unix.EACCES
	}
	fail(c, int32(len(c.steps)-1), errno)
}

// settle returns the number of the command's process in pid 1, and 0 in that process.
//
//go:nosplit
//go:norace
func settle(c *childState) uintptr {
	run(c, c.joined, c.setup)
	resetSignals(c)
	if c.noInit {
		return 0
	}
	// Between here and the command's execve pid 1 is a copy of the supervisor,
	// environment included: nobody inside may read its memory.
	syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0, 0, 0, 0, 0)
	wipe(c.argv)
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		fail(c, reportFork, errno)
	}
	if pid != 0 {
		syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(c.comm)), 0, 0, 0, 0)
		becomeInit(&c.init, c.hand.slot[c.init.signals])
	}
	return pid
}

// wipe clears the memory of the arguments, which /proc/1/cmdline shows: they name
// paths of the host. It is the kernel's, at the top of the stack, not Go's, whose
// strings are not written to.
//
//go:nosplit
//go:norace
func wipe(argv []string) {
	for i := 0; i < len(argv); i++ {
		start := unsafe.Pointer(unsafe.StringData(argv[i]))
		for k := 0; k < len(argv[i]); k++ {
			*(*byte)(unsafe.Add(start, k)) = 0
		}
	}
}

// run works off the table from one step to before another. It returns after the last of them,
// or not at all.
//
//go:nosplit
//go:norace
func run(c *childState, from, to int) {
	for i := from; i < to; i++ {
		s := &c.steps[i]
		a := s.args // a copy: what is written to the parent's pages has to be copied whole
		for k := 0; k < len(a); k++ {
			if s.slots&(1<<k) != 0 {
				a[k] = uintptr(c.hand.slot[a[k]])
			}
		}
		r, _, errno := syscall.RawSyscall6(s.nr, a[0], a[1], a[2], a[3], a[4], a[5])
		for tries := 1; errno == unix.EAGAIN && s.nr == unix.SYS_OPENAT2 && tries < rawio.MaxTries; tries++ {
			r, _, errno = syscall.RawSyscall6(s.nr, a[0], a[1], a[2], a[3], a[4], a[5])
		}
		if errno != 0 {
			if !pardoned(s, errno) {
				fail(c, int32(i), errno)
			}
			c.denied = c.denied || errno == unix.EACCES
			i += int(s.onError)
			continue
		}
		if s.quiet && r == 0 {
			exit(0)
		}
		if s.into >= 0 {
			c.hand.slot[s.into] = int32(r)
		}
		i += int(s.onOK)
	}
}

//go:nosplit
//go:norace
func pardoned(s *step, errno syscall.Errno) bool {
	for k := 0; k < len(s.pardon); k++ {
		if s.pardon[k] == errno {
			return true
		}
	}
	return false
}

// fail tells the parent what has failed, and ends the child.
//
//go:nosplit
//go:norace
func fail(c *childState, step int32, errno syscall.Errno) {
	c.told.Step, c.told.Errno = step, int32(errno)
	syscall.RawSyscall6(unix.SYS_WRITE, c.sock, uintptr(unsafe.Pointer(&c.told)), reportSize, 0, 0, 0)
	exit(125)
}

//go:nosplit
//go:norace
func exit(code uintptr) {
	for {
		syscall.RawSyscall6(unix.SYS_EXIT_GROUP, code, 0, 0, 0, 0, 0)
	}
}

// resetSignals puts every signal back to its default action: until execve they
// point into the Go runtime, and what the caller ignored is not the command's
// business.
//
//go:nosplit
//go:norace
func resetSignals(c *childState) {
	for sig := uintptr(1); sig <= 64; sig++ {
		syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&c.deflt)), 0, sigsetSize, 0, 0)
	}
}
