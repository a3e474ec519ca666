package nsexec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"unc/internal/filecap"
	"unc/internal/hint"
	"unc/internal/userns"
)

// ErrNotFound and ErrNotExecutable are why a command was not run; a shell calls
// them 127 and 126.
var (
	ErrNotFound      = errors.New("command not found")
	ErrNotExecutable = errors.New("command not executable")
)

// explainClone makes sentences of what clone(2) answers in one word. EPERM and
// ENOSPC each have several causes, told apart by the settings behind them.
func explainClone(errno error) error {
	label, _ := userns.Label("")
	return explainCloneWith(errno, userns.Read, label)
}

// explainClone knows, too, of the errors of a child that is to be born in a control group
// (CLONE_INTO_CGROUP in clone(2)).
func (s *Spec) explainClone(errno syscall.Errno) error {
	if s.Cgroup != nil {
		switch errno {
		case unix.EACCES, unix.EBUSY, unix.EOPNOTSUPP, unix.ENODEV:
			return fmt.Errorf("starting the container in the control group %q: %w", s.Cgroup.Name(), errno)
		}
	}
	return explainClone(errno)
}

func explainCloneWith(errno error, settings userns.Settings, label string) error {
	if err := settings.Forbidden(); err != nil {
		return err
	}
	switch {
	case errors.Is(errno, unix.ENOSPC), errors.Is(errno, unix.EUSERS):
		if err := settings.TurnedOff(userns.Kinds()...); err != nil {
			return err
		}
		return hint.With(errors.New("no more namespaces: this user has as many as one of user.max_*_namespaces allows, or user namespaces are nested 32 deep"),
			"sysctl -a --pattern 'user.max_.*_namespaces'")
	case errors.Is(errno, unix.EAGAIN):
		return hint.With(errors.New("no more processes: a limit on this user's processes or on this control group's is reached"),
			"ulimit -u    # the limit on this user's processes")
	case errors.Is(errno, unix.ENOSYS):
		return errors.New("this kernel has no clone3: unc needs Linux 5.12 or newer, and no filter that hides its system calls")
	case errors.Is(errno, unix.EINVAL):
		return errors.New("this kernel was built without one of the user, mount, pid, net, uts, ipc and cgroup namespaces")
	case errors.Is(errno, unix.EPERM), errors.Is(errno, unix.EACCES):
		if restricted := settings.Restricted(ownFile(), label); restricted != nil {
			return restricted
		}
		return hint.With(errors.New("making a user namespace is not permitted here: this process is in a chroot, a container, or under a security policy that forbids it"),
			"unshare -Ur true    # fails in the same way; try outside of the container or chroot")
	}
	return fmt.Errorf("making namespaces: %w", errno)
}

// ownFile is the path that a profile of AppArmor's has to name.
func ownFile() string { return filecap.Path() }

// explain makes an error of what the child reports.
func (c *Child) explain(r report) error {
	errno := syscall.Errno(r.Errno)
	switch {
	case r.Step == reportFork && errno == unix.EAGAIN:
		return fmt.Errorf("starting the command's process: %w: a limit on processes leaves no room for it beside the container's process 1", errno)
	case r.Step == reportFork:
		return fmt.Errorf("starting the command's process: %w", errno)
	case r.Step < 0 || int(r.Step) >= len(c.prog.steps):
		return fmt.Errorf("the container's first process reported step %d", r.Step)
	}
	step := &c.prog.steps[r.Step]
	if step.nr == unix.SYS_EXECVE && c.tried != nil {
		return c.explainBareExec(errno)
	}
	if step.nr == unix.SYS_EXECVE {
		return c.spec.explainExec(errno)
	}
	return step.failure(errno)
}

// explainBareExec says why a command of Unshare's did not run. EACCES is also what a
// directory of PATH answers that may not be searched.
func (c *Child) explainBareExec(errno syscall.Errno) error {
	name := c.spec.Args[0]
	isThere := func(path string) bool { return unix.Access(path, unix.F_OK) == nil }
	if errno == unix.ENOENT || errno == unix.EACCES && !slices.ContainsFunc(c.tried, isThere) {
		return fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	return fmt.Errorf("%w: %q: %w", ErrNotExecutable, name, errno)
}

// explainExec says why the command did not run.
func (s *Spec) explainExec(errno syscall.Errno) error {
	name, where := s.Args[0], fmt.Sprintf("the rootfs %q", s.Rootfs)
	way := "unc run --rootfs DIR ...    # a directory that holds a root file system with it"
	root := s.Rootfs
	if root == "" {
		root, where = "/", "the throw-away copy of this system"
	}
	switch errno {
	case unix.ENOENT:
		if fd, err := OpenRootfs(root); err == nil {
			defer unix.Close(fd)
			if found := findCommand(fd, name, s.path()); found != "" && s.Rootfs != "" {
				return hint.With(fmt.Errorf("%w: %q is in %s, but the interpreter or loader that it names is not", ErrNotFound, found, where),
					"file "+hint.Quote(s.Rootfs+"/"+strings.TrimPrefix(found, "/")))
			}
		}
		return hint.With(fmt.Errorf("%w: %q is not in %s", ErrNotFound, name, where), way)
	}
	return notExecutable(name, where, errno)
}

// notExecutable is for a command that is there.
func notExecutable(name, where string, errno syscall.Errno) error {
	switch errno {
	case unix.EACCES:
		return fmt.Errorf("%w: %q in %s may not be executed: permission denied", ErrNotExecutable, name, where)
	case unix.ENOEXEC:
		return fmt.Errorf("%w: %q in %s is neither a program for this machine nor a script with a #! line", ErrNotExecutable, name, where)
	}
	return fmt.Errorf("%w: running %q in %s: %w", ErrNotExecutable, name, where, errno)
}
