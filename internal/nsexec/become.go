package nsexec

import (
	"fmt"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// writeSetup writes the child's program up to the point where it has lost every
// privilege but those that it starts the command with. The order matters; each step
// says what it must come before.
func (p *program) writeSetup(spec *Spec, ends childEnds, sys *system) {
	sock := ends.conversation
	// First, so that a supervisor that dies from here on takes the child along.
	// One that died before is noticed as the end of the conversation.
	p.dieWithParent()
	p.closeAllBut(ends.list()...)
	if spec.Join != nil {
		// Before anything is told: the first word is the joiner's.
		p.await("waiting to be known", ends.conversation)
	}
	p.openNetwork(spec.Network)
	p.takesCapability(p.call("setting the hostname", unix.SYS_SETHOSTNAME, p.str(spec.Hostname), num(len(spec.Hostname))))
	p.newKeyring(spec)
	if spec.Cgroup != nil {
		// See Spec.cloneArgs. Before cgroup2 is mounted, which shows this namespace.
		p.call("making a cgroup namespace", unix.SYS_UNSHARE, num(unix.CLONE_NEWCGROUP))
	}
	// Before any file is made: without a map, it would have no owner. After all else,
	// because another map than one's own takes programs, which run meanwhile.
	if spec.Join == nil {
		p.mapIdentity(spec.IDs, sock)
	}
	p.call("setting the file mode mask", unix.SYS_UMASK, num(0))

	b := p.mountRoot(spec, sys)
	p.mountKernelFilesystems(b, spec)
	p.mountScratchDirs(b, spec)
	p.mountVolumes(b)
	p.mountEtcFiles(b, spec.Mounts)
	p.makeWorkdir(b, spec.Workdir)
	if spec.ReadOnly {
		p.freeze(b.root)
	}
	p.giveStreams(spec, [3]int{0, 1, 2})

	p.handOver(sock)
	// After the handover, so that the parent goes on meanwhile: changing the root looks at
	// every thread of the machine (chroot_fs_refs in fs/fs_struct.c), two milliseconds for
	// a thousand containers, and unmounting waits for all processors to have noticed.
	p.pivot(b.root)
	p.letGo()
	p.call("setting the file mode mask", unix.SYS_UMASK, num(0o022))
	// Before the wait: nothing below needs a privilege, and the network is set up
	// by the parent, through sockets that were opened while this process had all.
	p.confine(spec.Capabilities)
	if !spec.NoInit {
		p.listenForSignals()
	}
	p.await("waiting to be released", sock)
	p.setup = len(p.steps)
}

// newKeyring leaves the caller's session keyring, which may hold his keys. Not all kernels
// have any, and who is refused one may be kept from it by a filter that the container is
// under, too. A user's quota, though, anybody of his can use up, a container for one: then
// only what can't ask for keys may start.
func (p *program) newKeyring(spec *Spec) {
	forgiven := []syscall.Errno{unix.ENOSYS, unix.EPERM, unix.EACCES}
	if spec.KeysRefused {
		forgiven = append(forgiven, unix.EDQUOT)
	}
	p.call("making a session keyring", unix.SYS_KEYCTL, num(unix.KEYCTL_JOIN_SESSION_KEYRING), num(0)).
		forgive(forgiven...).because(explainKeyring)
}

func explainKeyring(err error, errno syscall.Errno) error {
	if errno != unix.EDQUOT {
		return err
	}
	return hint.With(fmt.Errorf("%w: your keyrings and keys are as many as may be, and without a filter the container would be left with the caller's", err),
		"cat /proc/keys    # those that you see", "sudo sysctl -w kernel.keys.maxkeys=2000")
}

func (p *program) dieWithParent() {
	p.call("asking to die with the supervisor", unix.SYS_PRCTL, num(unix.PR_SET_PDEATHSIG), num(unix.SIGKILL), num(0), num(0), num(0))
}

// childEnds are the descriptors of the child's ends of its sockets.
type childEnds struct {
	conversation int
	orders       int // none where there is no pid 1 to take any
}

func (e childEnds) list() []int {
	if e.orders == int(none) {
		return []int{e.conversation}
	}
	return []int{e.conversation, e.orders}
}

func (e childEnds) close() {
	for _, fd := range e.list() {
		unix.Close(fd)
	}
}

// closeAllBut closes every descriptor above 2 but the given ones: the parent's ends of the
// sockets too, whose end must be seen when the parent dies.
func (p *program) closeAllBut(spared ...int) {
	const doing = "closing descriptors"
	first := 3
	for _, fd := range slices.Sorted(slices.Values(spared)) {
		if fd > first {
			p.call(doing, unix.SYS_CLOSE_RANGE, num(first), num(fd-1), num(0))
		}
		first = fd + 1
	}
	p.call(doing, unix.SYS_CLOSE_RANGE, num(first), num(^uint32(0)), num(0))
}

// listenForSignals opens what tells pid 1 of its signals while it waits for orders, too
// (signalfd(2)). All of them are blocked from the clone on.
func (p *program) listenForSignals() {
	p.call("opening a descriptor for signals", unix.SYS_SIGNALFD4, num(-1), keep(p, ^uint64(0)), num(sigsetSize),
		num(unix.SFD_CLOEXEC|unix.SFD_NONBLOCK)).to(p.signals)
}

// handOver sends the parent the descriptors that only the child could open.
func (p *program) handOver(sock int) {
	msg := passing(&report{Step: reportReady}, &p.hand.header, int(p.handed))
	p.call("handing descriptors over", unix.SYS_SENDMSG, num(sock), keep(p, *msg), num(unix.MSG_NOSIGNAL))
	for s := range p.handed {
		if s != p.root { // which pivot takes
			p.call("closing what was handed over", unix.SYS_CLOSE, s.word())
		}
	}
}

// passing is a message that tells the parent something, and passes on the descriptors that
// lie behind a header.
func passing(told *report, header *unix.Cmsghdr, count int) *unix.Msghdr {
	header.Level, header.Type = unix.SOL_SOCKET, unix.SCM_RIGHTS
	header.SetLen(unix.CmsgLen(4 * count))
	text := &unix.Iovec{Base: (*byte)(unsafe.Pointer(told))}
	text.SetLen(int(reportSize))
	msg := &unix.Msghdr{Iov: text, Iovlen: 1, Control: (*byte)(unsafe.Pointer(header))}
	msg.SetControllen(unix.CmsgSpace(4 * count))
	return msg
}

// writeCommand writes what the command's own process does. Its last steps are
// the execve calls; see live for what happens when all of them fail.
func (p *program) writeCommand(spec *Spec, sock int, openFiles uint64) {
	p.call("starting a session", unix.SYS_SETSID)
	if spec.wantsTerminal() {
		for fd, terminal := range spec.Terminal {
			if terminal {
				p.call("making the terminal the command's", unix.SYS_DUP3, p.tty.word(), num(fd), num(0))
			}
		}
		p.call("making the terminal the controlling one", unix.SYS_IOCTL, p.tty.word(), num(unix.TIOCSCTTY), num(0))
	}
	// Before any path of the container's is followed: execve would close them too late for
	// a link in the rootfs to /proc/self/fd, where the scratch filesystem and, below a copy,
	// the rootfs itself are still open.
	p.closeAllBut(sock)
	p.limit(spec.Limits, openFiles)
	p.becomeUser(spec, sock)
	if spec.Workdir != "" {
		// As the user: a directory that he may not enter is no place to start him in.
		p.call(fmt.Sprintf("entering the working directory %q", spec.Workdir), unix.SYS_CHDIR, p.str(spec.Workdir))
	}
	p.unblockSignals()
	p.filter(spec.Filter)
	p.exec(candidates(spec.Args[0], spec.path()), spec.Args, spec.Env)
}

// await waits for a word of the parent's.
func (p *program) await(doing string, sock int) {
	p.call(doing, unix.SYS_READ, num(sock), keep(p, [8]byte{}), num(8)).quiet = true
}

func (p *program) unblockSignals() {
	p.call("unblocking signals", unix.SYS_RT_SIGPROCMASK, num(unix.SIG_SETMASK), keep(p, uint64(0)), num(0), num(sigsetSize))
}

// exec tries one path after the other.
func (p *program) exec(paths, args, env []string) {
	argv, envp := p.vector(args), p.vector(env)
	for _, path := range paths {
		p.call("running "+path, unix.SYS_EXECVE, p.str(path), argv, envp).
			forgive(unix.ENOENT, unix.ENOTDIR, unix.EACCES)
	}
}
