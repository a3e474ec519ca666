package nsexec

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file is pid 1 of a container from the command's start on. It is under the rules of
// child.go: nosplit, no allocation, no Go pointers written, raw system calls only.

// What pid 1 has open. Descriptors that come with an order follow, in the order in which
// they were sent, because nothing else is ever opened.
const (
	ordersFD       = 0
	signalsFD      = 1
	programFD      = 2
	conversationFD = 3
	streamsFD      = 4 // first of the new command's descriptors
)

// maxPassed is how many descriptors come with an order: the program, the conversation,
// and the command's streams with its terminal.
const maxPassed = 6

// initState is what pid 1 works with, at addresses that stay.
type initState struct {
	orders  int  // its end of the socket
	signals slot // see listenForSignals
	arena   *childState

	awaited uint64        // a bit for each descriptor that may have news
	news    uint64        // of those, which have
	now     unix.Timespec // no time at all
	signal  unix.SignalfdSiginfo
	status  uint32 // of who was waited for last
	order   order
	passed  passed
	buffer  iovec
	message message
	answer  answer

	started int // how many of the following are set
	pids    [maxProcesses]int32
}

// passed is a control message (cmsg(3)) with room for an order's descriptors.
type passed struct {
	header unix.Cmsghdr
	fds    [maxPassed]int32
}

// iovec and message are struct iovec and struct msghdr (recvmsg(2)), without pointers:
// those the garbage collector would have to hear of.
type iovec struct{ base, length uintptr }

type message struct {
	name          uintptr
	nameLength    uint32
	buffers       uintptr
	count         uintptr
	control       uintptr
	controlLength uintptr
	flags         uint32
}

// becomeInit has pid 1 hold no descriptor of the command's, so that a pipe ends when the
// command closes it, and nothing else but what it waits for.
//
//go:nosplit
//go:norace
func becomeInit(d *initState, signals int32) {
	syscall.RawSyscall6(unix.SYS_DUP3, uintptr(d.orders), ordersFD, unix.O_CLOEXEC, 0, 0, 0)
	syscall.RawSyscall6(unix.SYS_DUP3, uintptr(signals), signalsFD, unix.O_CLOEXEC, 0, 0, 0)
	closePassed()
	d.awaited = 1<<ordersFD | 1<<signalsFD
}

// reap is pid 1: it passes signals on to the command, takes in the dead, starts further
// commands when the supervisor says so, and ends, and the whole container with it, when
// the command does. It returns in the process of a further command.
//
//go:nosplit
//go:norace
func reap(d *initState, command uintptr) {
	for {
		// At every turn, and not only when there is a SIGCHLD to be read: signals with lower
		// numbers come before it (next_signal in kernel/signal.c), and somebody inside may
		// send those without end.
		more := takeDead(d, command)
		if !await(d, more) {
			exit(125)
		}
		// One of each: whoever sends many signals keeps no order waiting.
		if d.news&(1<<signalsFD) != 0 {
			switch sig := nextSignal(d); sig {
			case 0, uintptr(unix.SIGCHLD):
			default:
				pass(command, sig)
			}
		}
		if d.news&(1<<ordersFD) != 0 && takeOrder(d) {
			return
		}
	}
}

// await waits for news, or only looks for them. It tells whether there was nothing to keep it
// from that. Not by poll(2), which asks for room for its descriptors within RLIMIT_NOFILE:
// root inside may set pid 1's (prlimit(2)). select(2) goes by those that are open
// (core_sys_select in fs/select.c).
//
//go:nosplit
//go:norace
func await(d *initState, onlyLook bool) bool {
	timeout := uintptr(0)
	if onlyLook {
		timeout = uintptr(unsafe.Pointer(&d.now)) // of which the kernel leaves as much
	}
	for {
		d.news = d.awaited
		_, _, errno := syscall.RawSyscall6(unix.SYS_PSELECT6, signalsFD+1, uintptr(unsafe.Pointer(&d.news)), 0, 0, timeout, 0)
		if errno != unix.EINTR { // which it is when pid 1 was stopped and continued
			return errno == 0
		}
	}
}

// closePassed closes all that pid 1 was handed.
//
//go:nosplit
//go:norace
func closePassed() {
	syscall.RawSyscall6(unix.SYS_CLOSE_RANGE, programFD, ^uintptr(0)>>32, 0, 0, 0, 0)
}

// nextSignal is 0 where there is none any more: its opposite has taken it away, as SIGCONT
// does with SIGTSTP (signal(7)).
//
//go:nosplit
//go:norace
func nextSignal(d *initState) uintptr {
	_, _, errno := syscall.RawSyscall6(unix.SYS_READ, signalsFD, uintptr(unsafe.Pointer(&d.signal)), unsafe.Sizeof(d.signal), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return uintptr(d.signal.Signo)
}

// pass sends a signal on to a command.
//
//go:nosplit
//go:norace
func pass(command, sig uintptr) {
	if sig == uintptr(unix.SIGINT) || sig == uintptr(unix.SIGQUIT) || sig == uintptr(unix.SIGHUP) {
		// What a terminal sends, it sends to the whole group, which there is
		// only when the command has got as far as setsid.
		if _, _, errno := syscall.RawSyscall6(unix.SYS_KILL, -command, sig, 0, 0, 0, 0); errno == 0 {
			return
		}
	}
	syscall.RawSyscall6(unix.SYS_KILL, command, sig, 0, 0, 0, 0)
}

const anyone = ^uintptr(0)

// maxDead is how many of the dead are taken in before anything else is looked at: somebody
// inside may have more of them all the time.
const maxDead = 64

// takeDead waits for those that have ended, and tells whether there may be more. The end of
// the first command is the container's.
//
//go:nosplit
//go:norace
func takeDead(d *initState, command uintptr) (more bool) {
	for range maxDead {
		pid := wait(d, anyone)
		if pid == 0 {
			return false
		}
		if pid == command {
			code := exitCode(d.status)
			takeLast(d)
			exit(code)
		}
		for i := 0; d.started > 0 && i < len(d.pids); i++ {
			if uintptr(d.pids[i]) == pid {
				tellEnd(d, i)
				break
			}
		}
	}
	return true
}

// takeLast tells of the later commands that have ended when the first one has.
//
//go:nosplit
//go:norace
func takeLast(d *initState) {
	for i := 0; d.started > 0 && i < len(d.pids); i++ {
		if d.pids[i] != 0 && wait(d, uintptr(d.pids[i])) != 0 {
			tellEnd(d, i)
		}
	}
}

// tellEnd answers that the command in a slot has ended, and frees the slot.
//
//go:nosplit
//go:norace
func tellEnd(d *initState, at int) {
	d.pids[at] = 0
	d.started--
	tell(d, answerEnded, int32(at), int32(d.status))
}

// wait takes in one that has ended, if there is any.
//
//go:nosplit
//go:norace
func wait(d *initState, which uintptr) uintptr {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_WAIT4, which, uintptr(unsafe.Pointer(&d.status)), unix.WNOHANG, 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return pid
}

// exitCode turns a wait status into what a shell would call it: the exit code,
// or 128 and the signal.
//
//go:nosplit
//go:norace
func exitCode(status uint32) uintptr {
	if sig := status & 0x7f; sig != 0 {
		return uintptr(128 + sig)
	}
	return uintptr(status >> 8 & 0xff)
}
