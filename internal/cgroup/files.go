package cgroup

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// site is the machine, as far as this package touches it; tests put their own in its place.
type site struct {
	proc, run string // /proc and /run
	uid       int
	buses     []string // D-Bus addresses of the user's systemd, the likeliest first

	// The files of a control group come and go with its directory, and root may do all.
	mkdir, rmdir, mayUse func(path string) error
	isCgroup2            func(path string) bool
}

func machine() *site {
	return &site{
		proc: "/proc", run: "/run", uid: os.Geteuid(), buses: busAddresses(os.Getenv, os.Geteuid()),
		mkdir: func(path string) error { return unix.Mkdir(path, 0o755) },
		rmdir: unix.Rmdir, mayUse: mayUse,
		isCgroup2: func(path string) bool {
			var fs unix.Statfs_t
			return unix.Statfs(path, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC
		},
	}
}

// words reads a file of names, as cgroup.controllers is.
func words(path string) ([]string, error) {
	text, err := rawio.ReadFile(path, 1<<16)
	return strings.Fields(string(text)), err
}

// write is one write(2): the kernel takes each for a command of its own.
func write(path, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_TRUNC|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening %q: %w", path, err)
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		return fmt.Errorf("writing %q to %q: %w", text, path, err)
	}
	return nil
}

// lackOf lists what of needed is not there.
func lackOf[T comparable](needed, there []T) []T {
	return slices.DeleteFunc(slices.Clone(needed), func(one T) bool { return slices.Contains(there, one) })
}

// controllers looks which controllers the groups in dir have, and which they need beside
// those. It is an error when dir has one of these not to give.
func controllers(dir string, needed []string) (enabled, missing []string, err error) {
	if enabled, err = words(dir + "/cgroup.subtree_control"); err != nil {
		return nil, nil, err
	}
	missing = lackOf(needed, enabled)
	if len(missing) == 0 {
		return enabled, nil, nil
	}
	available, err := words(dir + "/cgroup.controllers")
	if err != nil {
		return nil, nil, err
	}
	if lacking := lackOf(missing, available); len(lacking) > 0 {
		return nil, nil, &shortage{dir: dir, controllers: lacking}
	}
	return enabled, missing, nil
}

// enable gives the groups in dir the controllers that they need.
func enable(dir string, needed []string) error {
	_, missing, err := controllers(dir, needed)
	if err != nil || len(missing) == 0 {
		return err
	}
	return explainBusy(dir, write(dir+"/cgroup.subtree_control", "+"+strings.Join(missing, " +")))
}

// explainBusy makes a sentence of the "No Internal Process Constraint" (cgroup-v2.rst).
func explainBusy(dir string, err error) error {
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("the control group %q has processes of its own, and the kernel then limits no groups in it: %w", dir, err)
	}
	return err
}

// shortage is a group that has not the controllers to limit what is in it.
type shortage struct {
	dir         string
	controllers []string
}

func (s *shortage) Error() string {
	return fmt.Sprintf("the control group %q has no %s controller", s.dir, strings.Join(s.controllers, " and no "))
}

// isDenied tells whether a group is somebody else's.
func isDenied(err error) bool {
	return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EROFS)
}
