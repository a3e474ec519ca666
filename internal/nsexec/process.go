package nsexec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Process is a command that Exec has made a process for.
type Process struct {
	processes *processTable
	spec      *Spec
	prog      *program

	conversation *os.File
	started      func() error // hear, once

	slot    int32
	running bool          // begun, and not ended
	begun   chan error    // gets one value
	ended   chan struct{} // closed when code is set
	code    int
}

// begin asks for the process.
func (p *Process) begin(c *Child, fds []int) (err error) {
	a := newArena(c.reserved)
	if p.prog, err = a.writeExec(p.spec, fds, c.openFiles); err != nil {
		return err
	}
	program, err := a.file()
	if err != nil {
		return err
	}
	defer unix.Close(program)
	// It does not block, so that who waits for many takes no thread for each.
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("making a socket pair: %w", err)
	}
	defer unix.Close(ends[1])
	p.conversation = os.NewFile(uintptr(ends[0]), "process")
	p.started = sync.OnceValue(p.hear)
	if err := p.processes.start(p, len(a.data), append([]int{program, ends[1]}, fds...)); err != nil {
		p.conversation.Close()
		return err
	}
	return nil
}

// Started waits until the command runs, and returns why not when it does not. It is to be
// called once at least.
func (p *Process) Started() error { return p.started() }

// hear takes in what the process has to say, which is nothing when it is the command by
// now. In a hostile container that may be anything.
func (p *Process) hear() error {
	defer p.conversation.Close()
	var told report
	n, err := p.conversation.Read(bytesOf(&told))
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("hearing from the command's process: %w", err)
	case n != int(reportSize):
		return fmt.Errorf("the command's process sent %d bytes, want %d", n, reportSize)
	}
	return p.explain(told)
}

// explain makes an error of what the process reports.
func (p *Process) explain(r report) error {
	errno := syscall.Errno(r.Errno)
	switch {
	case r.Step == reportMapping:
		return fmt.Errorf("mapping the command's program: %w", errno)
	case r.Step < 0 || int(r.Step) >= len(p.prog.steps):
		return fmt.Errorf("the command's process reported step %d", r.Step)
	}
	step := &p.prog.steps[r.Step]
	if step.nr != unix.SYS_EXECVE {
		return fmt.Errorf("%s: %w", step.doing, errno)
	}
	name := p.spec.Args[0]
	if errno == unix.ENOENT {
		// Which of the two is not looked up: the way there is the container's to make.
		return fmt.Errorf("%w: %q is not in the container, or the interpreter or loader that it names is not", ErrNotFound, name)
	}
	return notExecutable(name, "the container", errno)
}

// Wait waits for the end of the command, and returns its exit code, or 128+n when a signal
// n ended it: SIGKILL, when the container has ended first.
func (p *Process) Wait() int {
	<-p.ended
	return p.code
}

// end has it be over. What the process has said can still be heard, and nothing else will be:
// somebody in a hostile container may have kept its end of the conversation.
func (p *Process) end(code int) {
	p.running, p.code = false, code
	if raw, err := p.conversation.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) }) // or it is closed
	}
	close(p.ended)
}

// Signal has pid 1 send sig to the command, as Child.Signal does for the container's own.
func (p *Process) Signal(sig unix.Signal) error {
	if sig < 1 || sig > 64 {
		return fmt.Errorf("there is no signal %d", int(sig))
	}
	return p.processes.signal(p, sig)
}
