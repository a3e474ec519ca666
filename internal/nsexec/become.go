package nsexec

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// writeSetup writes the child's program up to the point where it has lost every
// privilege. The order matters; each step says what it must come before.
func (p *program) writeSetup(spec *Spec, sock int, sys *system, openFiles uint64) {
	// First, so that a supervisor that dies from here on takes the child along.
	// One that died before is noticed as the end of the conversation.
	p.call("asking to die with the supervisor", unix.SYS_PRCTL, num(unix.PR_SET_PDEATHSIG), num(unix.SIGKILL), num(0), num(0), num(0))
	p.closeAllBut(sock)
	// Before anything is made: without a map, files would have no owner.
	p.mapIdentity(os.Geteuid(), os.Getegid())
	p.call("setting the file mode mask", unix.SYS_UMASK, num(0))
	p.openNetwork(spec.Network)
	p.call("setting the hostname", unix.SYS_SETHOSTNAME, p.str(spec.Hostname), num(len(spec.Hostname)))
	// The caller's session keyring may hold his keys; not all kernels have any.
	p.call("making a session keyring", unix.SYS_KEYCTL, num(unix.KEYCTL_JOIN_SESSION_KEYRING), num(0)).
		forgive(unix.ENOSYS, unix.EDQUOT, unix.EPERM, unix.EACCES)

	b := p.mountRoot(spec.Rootfs, sys)
	p.mountKernelFilesystems(b, spec.Network)
	p.mountEtcFiles(b)
	p.pivot(b.root)

	p.handOver(sock)
	// After the handover, so that the parent goes on meanwhile: unmounting waits
	// for all processors to have noticed.
	p.letGo()
	p.limitFiles(openFiles)
	p.call("setting the file mode mask", unix.SYS_UMASK, num(0o022))
	// Before the wait: nothing below needs a privilege, and the network is set up
	// by the parent, through sockets that were opened while this process had all.
	p.confine()
	p.call("waiting to be released", unix.SYS_READ, num(sock), p.ptr(unsafe.Pointer(new([8]byte))), num(8)).quiet = true
}

// closeAllBut closes every descriptor above 2 but sock: the parent's end of the
// conversation too, whose end must be seen when the parent dies.
func (p *program) closeAllBut(sock int) {
	const doing = "closing descriptors"
	if sock > 3 {
		p.call(doing, unix.SYS_CLOSE_RANGE, num(3), num(sock-1), num(0))
	}
	p.call(doing, unix.SYS_CLOSE_RANGE, num(sock+1), num(^uint32(0)), num(0))
}

// mapIdentity makes the caller's uid and gid 0 inside (user_namespaces(7)).
// setgroups is denied first, or the gid map is refused.
func (p *program) mapIdentity(uid, gid int) {
	for _, file := range [][2]string{
		{"setgroups", "deny"},
		{"uid_map", fmt.Sprintf("0 %d 1", uid)},
		{"gid_map", fmt.Sprintf("0 %d 1", gid)},
	} {
		doing := "writing " + file[0]
		f := p.newSlot()
		p.call(doing, unix.SYS_OPENAT, here, p.str("/proc/self/"+file[0]), num(unix.O_WRONLY|unix.O_CLOEXEC)).to(f)
		p.call(doing, unix.SYS_WRITE, f.word(), p.str(file[1]), num(len(file[1])))
		p.freeSlot(f)
	}
}

// handOver sends the parent the descriptors that only the child could open.
func (p *program) handOver(sock int) {
	count := int(p.handed)
	p.hand.header.Level = unix.SOL_SOCKET
	p.hand.header.Type = unix.SCM_RIGHTS
	p.hand.header.SetLen(unix.CmsgLen(4 * count))

	ready := &report{Step: reportReady}
	iov := &unix.Iovec{Base: (*byte)(unsafe.Pointer(ready))}
	iov.SetLen(int(reportSize))
	msg := &unix.Msghdr{Iov: iov, Iovlen: 1, Control: (*byte)(unsafe.Pointer(p.hand))}
	msg.SetControllen(unix.CmsgSpace(4 * count))
	p.call("handing descriptors over", unix.SYS_SENDMSG, num(sock), p.ptr(unsafe.Pointer(msg)), num(unix.MSG_NOSIGNAL))
	for s := range p.handed {
		p.call("closing what was handed over", unix.SYS_CLOSE, s.word())
	}
}

// writeCommand writes what the command's own process does. Its last steps are
// the execve calls; see live for what happens when all of them fail.
func (p *program) writeCommand(spec *Spec) {
	p.call("starting a session", unix.SYS_SETSID)
	if spec.wantsTerminal() {
		for fd, terminal := range spec.Terminal {
			if terminal {
				p.call("making the terminal the command's", unix.SYS_DUP3, p.tty.word(), num(fd), num(0))
			}
		}
		p.call("making the terminal the controlling one", unix.SYS_IOCTL, p.tty.word(), num(unix.TIOCSCTTY), num(0))
	}
	p.call("unblocking signals", unix.SYS_RT_SIGPROCMASK, num(unix.SIG_SETMASK), p.ptr(unsafe.Pointer(new(uint64))), num(0), num(sigsetSize))
	args, env := p.vector(spec.Args), p.vector(spec.Env)
	for _, path := range candidates(spec.Args[0]) {
		p.call("running "+path, unix.SYS_EXECVE, p.str(path), args, env).
			forgive(unix.ENOENT, unix.ENOTDIR, unix.EACCES)
	}
}
