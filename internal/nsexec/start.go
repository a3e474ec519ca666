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

	processes *processTable  // of what pid 1 has started; nil where the command is pid 1
	reserved  unsafe.Pointer // see arena.go
	openFiles uint64         // hard limit
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
	c := &Child{spec: spec, prog: newProgram(spec), openFiles: limit.Max}
	ends, err := c.connect()
	if err != nil {
		return nil, err
	}
	p, args := c.prog, spec.cloneArgs()
	if spec.Join != nil {
		args = p.writeJoiner(spec, args)
	}
	p.writeSetup(spec, ends, sys)
	p.writeCommand(spec, ends.conversation, limit.Max)
	if err := c.begin(ends, args); err != nil {
		c.disconnect()
		return nil, err
	}
	return c, nil
}

// connect makes what the parent and the child have to do with each other.
func (c *Child) connect() (childEnds, error) {
	conversation, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return childEnds{}, fmt.Errorf("making a socket pair: %w", err)
	}
	c.sock = os.NewFile(uintptr(conversation[0]), "child")
	ends := childEnds{conversation[1], int(none)}
	if c.spec.NoInit {
		return ends, nil
	}
	orders, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.sock.Close()
		unix.Close(ends.conversation)
		return childEnds{}, fmt.Errorf("making a socket pair: %w", err)
	}
	c.processes, ends.orders = newProcessTable(orders[0]), orders[1]
	if c.reserved, err = reserveAddresses(); err != nil {
		c.disconnect()
		ends.close()
		return childEnds{}, err
	}
	return ends, nil
}

// disconnect is for when the child is no more.
func (c *Child) disconnect() {
	c.sock.Close()
	if c.processes != nil {
		c.processes.close()
	}
}

// begin makes the child, which works off the program.
func (c *Child) begin(ends childEnds, args cloneArgs) error {
	p := c.prog
	state := &childState{
		table: p.table, hand: p.hand, noInit: c.spec.NoInit, birth: p.birth,
		init: initState{orders: ends.orders, signals: p.signals, arena: (*childState)(c.reserved)},
		sock: uintptr(ends.conversation), argv: os.Args, comm: &[]byte("unc-init\x00")[0], blocked: ^uint64(0), clone: args,
	}
	pid, errno := cloneChild(state)
	runtime.KeepAlive(p)
	ends.close() // before anything is heard, or there would never be an end of it
	if errno != 0 {
		return c.spec.explainClone(errno)
	}
	if c.spec.Join != nil {
		return c.meet(pid)
	}
	c.PID, c.pidfd = pid, int(state.pidfd)
	return nil
}

// identify gives the child its ids, if it does not do that itself, and tells it so. The
// programs that it takes are only started here, for who called Start has somebody else
// to tell of the child first.
func (c *Child) identify() error {
	if c.spec.IDs.IsSingle() || c.spec.Join != nil {
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
	fd, err := OpenRootfs(spec.Rootfs)
	if err != nil {
		return nil, err
	}
	return nil, unix.Close(fd)
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
	info, err := waitFor(c.PID)
	if err != nil {
		return 0, fmt.Errorf("waiting for the container: %w", err)
	}
	c.disconnect() // but not pidfd: a signal may be on its way through Signal
	if info.Signaled() {
		return 128 + int(info.Signal()), nil
	}
	return info.ExitStatus(), nil
}

func waitFor(pid int) (info unix.WaitStatus, err error) {
	for {
		_, err := unix.Wait4(pid, &info, 0, nil)
		if !errors.Is(err, unix.EINTR) {
			return info, err
		}
	}
}
