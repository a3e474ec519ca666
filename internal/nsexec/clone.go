package nsexec

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// namespaces are what every container gets of its own; for the network see
// Network.cloneFlags.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID |
	unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP

// cloneArgs is struct clone_args of clone3(2).
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls uint64
	setTID, setTIDSize, cgroup                                           uint64
}

// cloneArgs says into what the container is born. A group of cgroup v2 is entered by
// the clone itself, so that no process of the container is ever counted elsewhere;
// its cgroup namespace then has to be made inside (writeSetup), for one that the
// clone makes begins at its parent's group (copy_process in kernel/fork.c).
func (s *Spec) cloneArgs() cloneArgs {
	args := cloneArgs{flags: s.Network.cloneFlags() | unix.CLONE_PIDFD, exitSignal: uint64(unix.SIGCHLD)}
	if s.Join != nil {
		// The joiner's sibling, with the joiner's exit signal, for it may have no other
		// (clone3_args_valid in kernel/fork.c).
		args.flags, args.exitSignal = args.flags|unix.CLONE_PARENT, 0
	}
	if s.Cgroup != nil {
		args.flags = args.flags&^unix.CLONE_NEWCGROUP | unix.CLONE_INTO_CGROUP
		args.cgroup = uint64(s.Cgroup.Fd())
	}
	return args
}

// cloneChild makes the child, on a thread that lives on: the container ends with
// the thread that made it, not with the process (PR_SET_PDEATHSIG(2const)). The
// main thread ends with the process; any other one the runtime might do away with
// some day, unless it is locked. Locking always would cost a thread more, and a
// switch at every wait.
func cloneChild(c *childState) (pid int, errno syscall.Errno) {
	pid, errno = rawClone(c, os.Getpid())
	if errno == errOtherThread {
		runtime.LockOSThread()
		pid, errno = rawClone(c, unix.Gettid())
	}
	return pid, errno
}

// errOtherThread is what rawClone returns when it is called on another thread
// than it was to; clone3(2) has no such error.
const errOtherThread = unix.EXDEV

// rawClone forks the calling thread, which is to be the given one, into new
// namespaces. Nothing can move the goroutine to another thread, or its stack to
// other addresses, from the first line on: signals, with which the runtime
// preempts, are blocked, and the function is nosplit. One that the runtime
// handled in the child would end badly, too.
//
//go:nosplit
//go:norace
func rawClone(c *childState, thread int) (int, syscall.Errno) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK,
		uintptr(unsafe.Pointer(&c.blocked)), uintptr(unsafe.Pointer(&c.mask)), sigsetSize, 0, 0)
	pid, errno := uintptr(0), errOtherThread
	if tid, _, _ := syscall.RawSyscall6(unix.SYS_GETTID, 0, 0, 0, 0, 0, 0); int(tid) == thread {
		c.clone.pidfd = uint64(uintptr(unsafe.Pointer(&c.pidfd)))
		pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&c.clone)), unsafe.Sizeof(c.clone), 0, 0, 0, 0)
		if errno == 0 && pid == 0 {
			if c.birth != nil {
				join(c) // from here: further down the stack would be too far
			}
			live(c)
		}
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&c.mask)), 0, sigsetSize, 0, 0)
	return int(pid), errno
}
