package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

// alone makes one system call in a child of one thread, which is cloned with flags. A Go
// program has several threads, to which the kernel refuses things that it allows to others.
func alone(flags, nr, a, b uintptr) error {
	pid, errno := cloneAndCall(flags, nr, a, b)
	if errno != 0 {
		return errno
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(int(pid), &status, unix.WALL, nil); err != nil {
		return before("wait", err)
	}
	switch code := status.ExitStatus(); {
	case status.Signaled():
		return errors.New(unix.SignalName(status.Signal()))
	case code != 0:
		return unix.Errno(code)
	}
	return nil
}

// cloneAndCall returns in the parent only. The child has no Go runtime: as in
// syscall.forkAndExecInChild nothing in it may allocate, grow the stack or be preempted.
//
//go:nosplit
//go:norace
func cloneAndCall(flags, nr, a, b uintptr) (uintptr, unix.Errno) {
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	_, _, errno = unix.RawSyscall6(nr, a, b, 0, 0, 0, 0)
	for {
		unix.RawSyscall6(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0, 0, 0, 0)
	}
}
