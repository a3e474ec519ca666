package nsexec

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file is pid 1's side of orders.go, and under the rules of child.go.

// takeOrder receives one order and carries it out. Who gives orders is pid 1's own
// supervisor; when that has no more to give, pid 1 does its other duties. The result is
// true in the process of a further command.
//
//go:nosplit
//go:norace
func takeOrder(d *initState) (further bool) {
	d.buffer.base, d.buffer.length = uintptr(unsafe.Pointer(&d.order)), orderSize
	d.message.buffers, d.message.count = uintptr(unsafe.Pointer(&d.buffer)), 1
	d.message.control, d.message.controlLength = uintptr(unsafe.Pointer(&d.passed)), unsafe.Sizeof(d.passed)
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMSG, ordersFD, uintptr(unsafe.Pointer(&d.message)),
		unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT, 0, 0, 0)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
	case errno != 0 || n != orderSize || d.order.slot < 0 || d.order.slot >= maxProcesses:
		d.awaited &^= 1 << ordersFD // or its end would be news for ever
		closePassed()
	case d.order.kind == orderStart:
		if startProcess(d) {
			return true
		}
		closePassed()
	case d.order.kind == orderSignal && d.pids[d.order.slot] != 0:
		pass(uintptr(d.pids[d.order.slot]), uintptr(d.order.value))
	}
	return false
}

// startProcess makes the process of a further command, and returns true in it.
//
//go:nosplit
//go:norace
func startProcess(d *initState) bool {
	pid, errno := uintptr(0), unix.EMFILE
	if d.message.flags&unix.MSG_CTRUNC == 0 { // or some descriptors found no room
		pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno == 0 && pid == 0 {
			return true
		}
	}
	if errno == 0 {
		d.pids[d.order.slot] = int32(pid)
		d.started++
	}
	tell(d, answerBegun, d.order.slot, int32(errno))
	return false
}

// nextState is the state of that process, which the supervisor has laid down in the arena.
//
//go:nosplit
//go:norace
func nextState(c *childState) *childState {
	d := &c.init
	_, _, errno := syscall.RawSyscall6(unix.SYS_MMAP, uintptr(unsafe.Pointer(d.arena)), uintptr(d.order.value),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED, programFD, 0)
	if errno != 0 {
		c.sock = conversationFD // which is its own, unlike all else in pid 1's state
		fail(c, reportMapping, errno)
	}
	return d.arena
}

// tell waits where a supervisor that is stopped has left many answers unread: there are
// no more of them than it gave orders.
//
//go:nosplit
//go:norace
func tell(d *initState, kind, at, value int32) {
	d.answer.kind, d.answer.slot, d.answer.value = kind, at, value
	for {
		_, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, ordersFD, uintptr(unsafe.Pointer(&d.answer)), answerSize, unix.MSG_NOSIGNAL, 0, 0)
		if errno != unix.EINTR {
			return
		}
	}
}
