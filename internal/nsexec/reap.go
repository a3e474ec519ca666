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

// duty is what pid 1 works with, at addresses that stay.
type duty struct {
	orders  int  // its end of the socket
	signals slot // see listenForSignals
	arena   *life

	polled  [2]unix.PollFd
	signal  unix.SignalfdSiginfo
	order   order
	passed  passed
	buffer  iovec
	message message
	answer  answer
	told    report

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

// reap is pid 1: it passes signals on to the command, takes in the dead, starts further
// commands when the supervisor says so, and ends, and the whole container with it, when
// the command does. It holds no descriptor of the command's, so a pipe ends when the
// command closes it. It returns in the process of a further command.
//
//go:nosplit
//go:norace
func reap(l *life, command uintptr) {
	d := &l.duty
	syscall.RawSyscall6(unix.SYS_DUP3, uintptr(d.orders), ordersFD, unix.O_CLOEXEC, 0, 0, 0)
	syscall.RawSyscall6(unix.SYS_DUP3, uintptr(l.hand.slot[d.signals]), signalsFD, unix.O_CLOEXEC, 0, 0, 0)
	closePassed()
	syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(l.comm)), 0, 0, 0, 0)
	d.polled[ordersFD].Fd, d.polled[ordersFD].Events = ordersFD, unix.POLLIN
	d.polled[signalsFD].Fd, d.polled[signalsFD].Events = signalsFD, unix.POLLIN
	for {
		_, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&d.polled)), uintptr(len(d.polled)), 0, 0, 0, 0)
		if errno != 0 { // EINTR: stopped and continued
			continue
		}
		// One of each: whoever sends many signals keeps no order waiting.
		if d.polled[signalsFD].Revents != 0 {
			takeSignal(l, command)
		}
		if d.polled[ordersFD].Revents != 0 && takeOrder(d) {
			return
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

//go:nosplit
//go:norace
func takeSignal(l *life, command uintptr) {
	d := &l.duty
	_, _, errno := syscall.RawSyscall6(unix.SYS_READ, signalsFD, uintptr(unsafe.Pointer(&d.signal)), unsafe.Sizeof(d.signal), 0, 0, 0)
	switch {
	case errno != 0: // EAGAIN: its opposite has taken it away, as SIGCONT does with SIGTSTP (signal(7))
	case d.signal.Signo == uint32(unix.SIGCHLD):
		takeDead(l, command)
	default:
		pass(command, uintptr(d.signal.Signo))
	}
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

// takeDead waits for all that have ended; one SIGCHLD may stand for several.
//
//go:nosplit
//go:norace
func takeDead(l *life, command uintptr) {
	d := &l.duty
	for {
		pid, _, errno := syscall.RawSyscall6(unix.SYS_WAIT4, ^uintptr(0),
			uintptr(unsafe.Pointer(&l.status)), unix.WNOHANG, 0, 0, 0)
		if errno != 0 || pid == 0 {
			return
		}
		if pid == command {
			code := exitCode(l.status)
			takeLast(l)
			exit(code)
		}
		for i := 0; d.started > 0 && i < len(d.pids); i++ {
			if uintptr(d.pids[i]) == pid {
				tellEnd(d, i, l.status)
				break
			}
		}
	}
}

// takeLast tells how those commands ended that have done so when the first one has: the
// end of all others is the container's.
//
//go:nosplit
//go:norace
func takeLast(l *life) {
	d := &l.duty
	for i := 0; d.started > 0 && i < len(d.pids); i++ {
		if d.pids[i] == 0 {
			continue
		}
		pid, _, errno := syscall.RawSyscall6(unix.SYS_WAIT4, uintptr(d.pids[i]),
			uintptr(unsafe.Pointer(&l.status)), unix.WNOHANG, 0, 0, 0)
		if errno == 0 && pid != 0 {
			tellEnd(d, i, l.status)
		}
	}
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
