package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long processes that have been killed may take to be gone.
const patience = 10 * time.Second

// Remove removes the group, whose processes have all ended.
func (g *Group) Remove() error {
	defer g.close()
	return g.site.removeTree(g.path, time.Now().Add(patience))
}

func (g *Group) close() {
	if g.leaf != nil {
		g.leaf.Close()
	}
	if g.lock >= 0 {
		unix.Close(g.lock)
	}
}

// removeTree removes a group and those below: the container's own, and what a
// container has made there that was given a way to.
func (s *site) removeTree(path string, deadline time.Time) error {
	below, err := groups(path)
	for _, name := range below {
		if err := s.removeTree(path+"/"+name, deadline); err != nil {
			return err
		}
	}
	if err == nil {
		for {
			if err = s.rmdir(path); !errors.Is(err, unix.EBUSY) {
				break
			}
			// Wait(2) tells of a process's end a moment before its group does.
			if err := awaitEmpty(path, deadline); err != nil {
				return fmt.Errorf("removing control group %q: %w", path, err)
			}
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing control group %q: %w", path, err)
	}
	return nil
}

// groups lists the groups in a group.
func groups(path string) ([]string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(fd), path) // and not os.Open, which would start the runtime's poller
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// awaitEmpty waits until there is no process in the group or below it. The kernel
// tells of each change of cgroup.events by POLLPRI (cgroups(7)).
func awaitEmpty(path string, deadline time.Time) error {
	fd, err := unix.Open(path+"/cgroup.events", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for {
		var buf [512]byte
		n, err := unix.Pread(fd, buf[:], 0)
		if err != nil {
			return err
		}
		if field(string(buf[:n]), "populated") == "0" {
			return nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return errors.New("there are still processes in it")
		}
		events := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
		if _, err := unix.Poll(events, int(left/time.Millisecond)+1); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// sweep removes what supervisors that were killed have left in parent. What can't be
// removed is somebody's, or the next start's to remove.
func (s *site) sweep(parent string) {
	names, _ := groups(parent)
	for _, name := range names {
		if isOurs(name) {
			s.sweepOne(parent + "/" + name)
		}
	}
}

// sweepOne removes a group unless its supervisor lives. One that has made it and not
// locked it yet may lose it here, and makes another.
func (s *site) sweepOne(path string) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) != nil {
		return
	}
	_ = s.removeTree(path, time.Time{})
}

// isOurs tells whether a group has a name such as newGroup gives.
func isOurs(name string) bool {
	rest, ok := strings.CutPrefix(name, "unc-")
	pid, random, dash := strings.Cut(rest, "-")
	if !ok || !dash || len(random) != 8 {
		return false
	}
	_, err1 := strconv.ParseUint(pid, 10, 31)
	_, err2 := strconv.ParseUint(random, 16, 32)
	return err1 == nil && err2 == nil
}
