package nsexec

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Child is a container, seen from its parent.
type Child struct {
	// PID is the host's number of the container's first process. It stays that
	// process's until Wait has returned.
	PID int

	pidfd int
	sock  *os.File
	prog  *program
	spec  *Spec
	tried []string // where Unshare looks for the command
}

// Handles are the descriptors that the child has opened for its parent. Those of
// the network are nil unless that is OwnNetwork. A network namespace stays, with
// what leads into it, as long as any socket in it is open: they are to be closed
// with the container, if not before.
type Handles struct {
	Route     *os.File // a route netlink socket in the container's network namespace
	DNSPacket *os.File // UDP, bound to DNSAddress in there
	DNSStream *os.File // TCP, listening on DNSAddress in there; both non-blocking

	OrphanRetries *os.File // for LetGo

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
	sock := os.NewFile(uintptr(ends[0]), "child")

	p := newProgram(spec)
	p.writeSetup(spec, ends[1], sys)
	setup := len(p.steps)
	p.writeCommand(spec, ends[1], limit.Max)
	c := &Child{sock: sock, prog: p, spec: spec}
	if err := c.begin(setup, ends[1], spec.cloneArgs()); err != nil {
		sock.Close()
		return nil, err
	}
	return c, nil
}

// begin makes the child, which works off the program.
func (c *Child) begin(setup, sock int, args cloneArgs) error {
	p := c.prog
	l := &life{
		setup: p.steps[:setup], command: p.steps[setup:], hand: p.hand, noInit: c.spec.NoInit,
		sock: uintptr(sock), argv: os.Args, comm: &[]byte("unc-init\x00")[0], blocked: ^uint64(0), clone: args,
	}
	pid, errno := cloneChild(l)
	runtime.KeepAlive(p)
	unix.Close(sock) // before anything is heard, or there would never be an end of the conversation
	if errno != 0 {
		return explainClone(errno)
	}
	c.PID, c.pidfd = pid, int(l.pidfd)
	return nil
}

// identify gives the child its ids, if it does not do that itself, and tells it so. The
// programs that it takes are only started here, for who called Start has somebody else
// to tell of the child first.
func (c *Child) identify() error {
	if c.spec.IDs.IsSingle() {
		return nil
	}
	writing, err := c.spec.IDs.Begin(c.PID)
	if err != nil {
		return err
	}
	if err := writing.Wait(); err != nil {
		return err
	}
	return c.Release()
}

// whatToMount checks the rootfs, or reads the host's system where there is none.
func whatToMount(spec *Spec) (*system, error) {
	if spec.Rootfs == "" {
		return readSystem(spec.ReadOnly)
	}
	fd, err := openRootfs(spec.Rootfs)
	if err != nil {
		return nil, err
	}
	return nil, unix.Close(fd)
}

// Ready waits until the container is furnished and takes what it hands over.
func (c *Child) Ready() (*Handles, error) {
	if err := c.identify(); err != nil {
		return nil, err
	}
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
	if want := int(c.prog.handed); len(fds) != want {
		return nil, fmt.Errorf("the container handed over %d descriptors, want %d", len(fds), want)
	}
	file := func(s slot, name string) *os.File {
		if s == none {
			return nil
		}
		return os.NewFile(uintptr(fds[s]), name)
	}
	p := c.prog
	return &Handles{
		Route:     file(p.route, "route"),
		DNSPacket: file(p.dnsPacket, "DNS packets"),
		DNSStream: file(p.dnsStream, "DNS connections"),

		OrphanRetries: file(p.orphanRetries, "tcp_orphan_retries"),
		Hosts:         file(p.hosts, "hosts"),
		Resolv:        file(p.resolv, "resolv.conf"),
		Hostname:      file(p.hostname, "hostname"),
		Terminal:      file(p.terminal, "terminal"),
	}, nil
}

// hear receives one report; nil is the end of the conversation.
func (c *Child) hear(fds *[]int) (*report, error) {
	var told report
	text := unsafe.Slice((*byte)(unsafe.Pointer(&told)), reportSize)
	control := make([]byte, unix.CmsgSpace(4*int(c.prog.handed)))
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

// Release lets the container run the command.
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
		c.sock.Close() // but not pidfd: a signal may be on its way through Signal
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
