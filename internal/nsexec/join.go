package nsexec

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"unc/internal/idmap"
)

// A container that joins another one's network is made in two births, told in doc.go
// under "Joining". This file is the first: the joiner, which enters the other's
// namespaces and begets pid 1 there.

// birth is what the joiner needs to beget pid 1 and to tell of it, at addresses that stay.
type birth struct {
	clone cloneArgs
	told  report
	msg   *unix.Msghdr
	hand  struct {
		header unix.Cmsghdr
		pidfd  int32 // where the kernel puts it is what is sent
		_      int32
	}
}

// writeJoiner writes what the joiner does, which makes pid 1 with the given arguments, and
// returns what it is made with itself: no namespaces, for all that pid 1 gets of its own has to
// belong to the other container's user namespace. It is written before anything else.
func (p *program) writeJoiner(spec *Spec, pid1 cloneArgs) cloneArgs {
	p.dieWithParent()
	// Before it is anybody in there: to look into it would take what only the host's root
	// has, for the memory is the supervisor's (__ptrace_may_access in kernel/ptrace.c). pid 1
	// is born so, too, and stays so until its execve.
	p.keepOthersOut()
	// The user namespace first: in it, its owner has every right, and over the network
	// that belongs to it. With other namespaces than these it takes no descriptor along.
	p.call("entering the other container's user namespace", unix.SYS_SETNS, num(spec.Join.userns.Fd()), num(unix.CLONE_NEWUSER))
	p.call("entering the other container's network", unix.SYS_SETNS, num(spec.Join.netns.Fd()), num(unix.CLONE_NEWNET))

	b := &birth{clone: pid1, told: report{Step: reportBorn}}
	b.clone.pidfd = uint64(uintptr(unsafe.Pointer(&b.hand.pidfd)))
	b.msg = passing(&b.told, &b.hand.header, 1)
	// Not run with the others, but by join: what follows is done by another process.
	p.call("making namespaces", unix.SYS_CLONE3, keep(p, b.clone), num(unsafe.Sizeof(b.clone))).
		because(func(_ error, errno syscall.Errno) error { return spec.explainClone(errno) })
	p.birth, p.joined = b, len(p.steps)
	return cloneArgs{exitSignal: uint64(unix.SIGCHLD)}
}

// join is the joiner's whole life, and returns in pid 1.
//
//go:nosplit
//go:norace
func join(c *childState) {
	last := c.joined - 1
	run(c, 0, last)
	s, b := &c.steps[last], c.birth
	pid, _, errno := syscall.RawSyscall6(s.nr, s.args[0], s.args[1], 0, 0, 0, 0)
	if errno != 0 {
		fail(c, int32(last), errno)
	}
	if pid == 0 {
		return
	}
	b.told.Errno = int32(pid)
	_, _, errno = syscall.RawSyscall6(unix.SYS_SENDMSG, c.sock, uintptr(unsafe.Pointer(b.msg)), unix.MSG_NOSIGNAL, 0, 0, 0)
	if errno != 0 {
		// Nobody knows of it then, and nobody else would end it.
		syscall.RawSyscall6(unix.SYS_KILL, pid, uintptr(unix.SIGKILL), 0, 0, 0, 0)
		fail(c, int32(last), errno)
	}
	exit(0)
}

// meet hears from the joiner who pid 1 is, and lets that go on.
func (c *Child) meet(joiner int) error {
	told, fds, err := c.hear()
	if _, waitErr := waitFor(joiner); err == nil {
		err = waitErr
	}
	switch {
	case err == nil && told == nil:
		err = errors.New("the process that was to make the container has ended")
	case err == nil && told.Step != reportBorn:
		err = c.explain(*told)
	case err == nil && len(fds) != 1:
		err = fmt.Errorf("the container handed over %d descriptors, want 1", len(fds))
	}
	if err != nil {
		closeAll(fds)
		return err
	}
	c.PID, c.pidfd = int(told.Errno), fds[0]
	if err = c.checkIDs(); err == nil {
		err = c.Release()
	}
	if err != nil {
		_ = c.Abort()
	}
	return err
}

// checkIDs compares the ids that pid 1 has with those that all of its program was
// written for. OpenTarget read them of a process, and it is the namespaces that were
// entered.
func (c *Child) checkIDs() error {
	ids, err := idmap.Of(c.PID)
	if err != nil {
		return err
	}
	if !sameIDs(ids, c.spec.IDs) {
		return fmt.Errorf("%w: its ids are no longer the same", ErrEnded)
	}
	return nil
}

func sameIDs(a, b idmap.Map) bool {
	return slices.Equal(a.UIDs, b.UIDs) && slices.Equal(a.GIDs, b.GIDs)
}

// checkJoin refuses what would break the other container, or this one.
func (s *Spec) checkJoin() error {
	switch {
	case (s.Network == JoinedNetwork) != (s.Join != nil):
		return errors.New("a container that joins a network needs one to join")
	case s.Join == nil:
		return nil
	case s.Capabilities&(1<<unix.CAP_SYS_ADMIN) != 0:
		return errors.New("a container that joins another has no CAP_SYS_ADMIN: they share a user namespace, and it reaches into the mounts of all containers there")
	case !sameIDs(s.IDs, s.Join.IDs):
		return errors.New("a container that joins another has the same ids")
	}
	return nil
}
