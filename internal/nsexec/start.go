package nsexec

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// namespaces are all that a container gets of its own.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP

// Child is a container, seen from its parent.
type Child struct {
	// PID is the host's number of the container's first process. It stays that
	// process's until Wait has returned.
	PID int

	pidfd int
	sock  *os.File
	prog  *program
	base  int // of the command's steps
	spec  *Spec
}

// Handles are the descriptors that the child has opened for its parent.
type Handles struct {
	Route    *os.File // a route netlink socket in the container's network namespace
	Hosts    *os.File // what is mounted over /etc/hosts, /etc/resolv.conf and
	Resolv   *os.File // /etc/hostname, empty and open for writing
	Hostname *os.File
	Terminal *os.File // the controlling side of the pseudo-terminal, or nil
}

// Start makes the container's first process, which furnishes its namespaces and
// then waits for Release. The container ends when the process does, and when the
// calling goroutine does.
func Start(spec *Spec) (*Child, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	sys, err := whatToMount(spec)
	if err != nil {
		return nil, err
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil, fmt.Errorf("reading the limit of open files: %w", err)
	}
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a socket pair: %w", err)
	}
	defer unix.Close(ends[1])
	sock := os.NewFile(uintptr(ends[0]), "child")

	p := &program{hand: new(handover), used: slotFree, steps: make([]step, 0, 320)} // a little more than it takes
	p.writeSetup(spec, ends[1], sys, limit.Max)
	setup := len(p.steps)
	p.writeCommand(spec)

	l := &life{
		setup: p.steps[:setup], command: p.steps[setup:], hand: p.hand, noInit: spec.NoInit,
		sock: uintptr(ends[1]), cmdline: argumentArea(), comm: &[]byte("unc-init\x00")[0], blocked: ^uint64(0),
	}
	keepThread()
	pid, pidfd, err := cloneChild(l)
	runtime.KeepAlive(p)
	if err != nil {
		sock.Close()
		return nil, explainClone(err)
	}
	return &Child{PID: pid, pidfd: pidfd, sock: sock, prog: p, base: setup, spec: spec}, nil
}

// keepThread makes sure that the calling thread lives on: the container ends with
// the thread that made it, not with the process (PR_SET_PDEATHSIG(2const)). The
// main thread ends with the process. Any other one the runtime might do away
// with some day; locked, it lives as long as its goroutine. Locking always would
// cost a helper thread and a switch at every wait.
func keepThread() {
	if unix.Gettid() != unix.Getpid() {
		runtime.LockOSThread()
	}
}

// whatToMount checks the rootfs, or reads the host's system where there is none.
func whatToMount(spec *Spec) (*system, error) {
	if spec.Rootfs == "" {
		return readSystem()
	}
	fd, err := openRootfs(spec.Rootfs)
	if err != nil {
		return nil, err
	}
	return nil, unix.Close(fd)
}

// cloneChild forks the calling thread into new namespaces. Signals are blocked
// around it: one that the Go runtime handled in the child would end badly there.
func cloneChild(l *life) (pid, pidfd int, err error) {
	fd := new(int32)
	args := &cloneArgs{flags: namespaces | unix.CLONE_PIDFD, pidfd: uint64(uintptr(unsafe.Pointer(fd))), exitSignal: uint64(unix.SIGCHLD)}
	n, errno := rawClone(l, args, new(uint64))
	if errno != 0 {
		return 0, -1, errno
	}
	return int(n), int(*fd), nil
}

// cloneArgs is struct clone_args of clone3(2), its first version.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls uint64
}

//go:norace
func rawClone(l *life, args *cloneArgs, mask *uint64) (uintptr, syscall.Errno) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&l.blocked)), uintptr(unsafe.Pointer(mask)), sigsetSize, 0, 0)
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE3, uintptr(unsafe.Pointer(args)), unsafe.Sizeof(*args), 0, 0, 0, 0)
	if errno == 0 && pid == 0 {
		live(l)
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(mask)), 0, sigsetSize, 0, 0)
	return pid, errno
}

// argumentArea is the memory in which the kernel put this process's arguments,
// which is what /proc/PID/cmdline shows.
func argumentArea() []byte {
	if len(os.Args) == 0 || os.Args[0] == "" {
		return nil
	}
	first, last := os.Args[0], os.Args[len(os.Args)-1]
	start := uintptr(unsafe.Pointer(unsafe.StringData(first)))
	end := uintptr(unsafe.Pointer(unsafe.StringData(last))) + uintptr(len(last))
	if last == "" || end < start || end-start > 1<<22 {
		return unsafe.Slice(unsafe.StringData(first), len(first))
	}
	return unsafe.Slice(unsafe.StringData(first), end-start)
}

// Ready waits until the container is furnished and takes what it hands over.
func (c *Child) Ready() (*Handles, error) {
	var fds []int
	told, err := c.hear(&fds)
	switch {
	case err != nil:
		return nil, err
	case told == nil:
		return nil, errors.New("the container's first process ended before it was ready")
	case told.Step != reportReady:
		return nil, c.explain(*told)
	}
	want := int(slotTerminal)
	if c.spec.wantsTerminal() {
		want++
	}
	if len(fds) != want {
		return nil, fmt.Errorf("the container handed over %d descriptors, want %d", len(fds), want)
	}
	file := func(s slot, name string) *os.File {
		if int(s) >= len(fds) {
			return nil
		}
		return os.NewFile(uintptr(fds[s]), name)
	}
	return &Handles{
		Route:    file(slotRoute, "route"),
		Hosts:    file(slotHosts, "hosts"),
		Resolv:   file(slotResolv, "resolv.conf"),
		Hostname: file(slotHostname, "hostname"),
		Terminal: file(slotTerminal, "terminal"),
	}, nil
}

// hear receives one report; nil is the end of the conversation.
func (c *Child) hear(fds *[]int) (*report, error) {
	var told report
	text := unsafe.Slice((*byte)(unsafe.Pointer(&told)), reportSize)
	control := make([]byte, unix.CmsgSpace(4*int(slotCount)))
	n, nc, _, _, err := unix.Recvmsg(int(c.sock.Fd()), text, control, unix.MSG_CMSG_CLOEXEC)
	switch {
	case err != nil:
		return nil, fmt.Errorf("hearing from the container: %w", err)
	case n == 0:
		return nil, nil
	case n != int(reportSize):
		return nil, fmt.Errorf("the container sent %d bytes, want %d", n, reportSize)
	}
	messages, err := unix.ParseSocketControlMessage(control[:nc])
	if err != nil {
		return nil, fmt.Errorf("hearing from the container: %w", err)
	}
	for _, m := range messages {
		got, err := unix.ParseUnixRights(&m)
		if err != nil {
			return nil, fmt.Errorf("hearing from the container: %w", err)
		}
		*fds = append(*fds, got...)
	}
	return &told, nil
}

// Release lets the container give up its privileges and run the command.
func (c *Child) Release() error {
	if _, err := unix.Write(int(c.sock.Fd()), []byte{1}); err != nil {
		return fmt.Errorf("releasing the container: %w", err)
	}
	return nil
}

// Started waits until the command runs, and returns why not when it does not.
func (c *Child) Started() error {
	var none []int
	told, err := c.hear(&none)
	if err != nil || told == nil {
		return err
	}
	return c.explain(*told)
}

// Signal sends sig to pid 1, which passes it on to the command.
func (c *Child) Signal(sig unix.Signal) error {
	err := unix.PidfdSendSignal(c.pidfd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// Wait waits for the end of the container and returns the command's exit code,
// or 128+n when a signal n ended it. All its processes have ended then.
func (c *Child) Wait() (int, error) {
	var info unix.WaitStatus
	for {
		_, err := unix.Wait4(c.PID, &info, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("waiting for the container: %w", err)
		}
		unix.Close(c.pidfd)
		c.sock.Close()
		if info.Signaled() {
			return 128 + int(info.Signal()), nil
		}
		return info.ExitStatus(), nil
	}
}

// Abort ends the container at once and waits for its end. It returns what the
// container itself had to complain about, if anything.
func (c *Child) Abort() error {
	_ = c.Signal(unix.SIGKILL)
	var fds []int
	told, err := c.hear(&fds)
	for _, fd := range fds {
		unix.Close(fd)
	}
	if _, waitErr := c.Wait(); waitErr != nil {
		return waitErr
	}
	if err != nil || told == nil || told.Step == reportReady {
		return nil
	}
	return c.explain(*told)
}
