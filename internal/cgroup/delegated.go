package cgroup

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// errNotDelegated says that no group above this process's own is the user's.
var errNotDelegated = errors.New("no control group above this process's own is this user's")

// delegated returns the directory of the nearest group above in which one with these
// controllers can be made, going by what try says: enable, or couldEnable. The error tells
// about the nearest that is the user's.
func (s *site) delegated(h *hierarchy, controllers []string, try func(dir string, needed []string) error) (string, error) {
	var because error
	for _, group := range h.above() {
		dir := h.dir(group)
		err := s.mayUse(dir)
		if err == nil {
			err = try(dir, controllers)
		}
		if err == nil {
			return dir, nil
		}
		if because == nil && !isDenied(err) {
			because = err
		}
	}
	if because == nil {
		because = errNotDelegated
	}
	return "", because
}

// mayUse tells whether the user may make groups in dir, and start a process in
// there from a group below. The kernel asks for the right to write cgroup.procs of
// the group that both have in common (cgroup_procs_write_permission in
// kernel/cgroup/cgroup.c), which clone3 with CLONE_INTO_CGROUP does, too.
func mayUse(dir string) error {
	fd, err := unix.Open(dir+"/cgroup.procs", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening %q: %w", dir+"/cgroup.procs", err)
	}
	unix.Close(fd)
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return fmt.Errorf("making a group in %q: %w", dir, err)
	}
	return nil
}
