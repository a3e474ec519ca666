package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// Group is a container's control group.
type Group struct {
	site *site
	path string   // of the group with the limits
	lock int      // its directory, locked for as long as this process lives
	leaf *os.File // the group below, in which the container is
}

// maxDepth is how many groups deep there may be one in another, the container's included.
const maxDepth = "8"

// container is the name of the group below the limits.
const container = "container"

// New makes a group with these limits. It may move this process into another group
// of the user's (the package comment tells when).
func New(limits Limits) (*Group, error) {
	if err := limits.check(); err != nil {
		return nil, err
	}
	s := machine()
	g, err := s.make(&limits)
	if err != nil {
		return nil, fmt.Errorf("limiting the container's %s: %w", limits.what(), err)
	}
	return g, nil
}

func (s *site) make(limits *Limits) (*Group, error) {
	needed := limits.controllers()
	h, err := s.find()
	if err != nil {
		return nil, s.explainNone(err)
	}
	if err := s.offers(h, needed); err != nil {
		return nil, err
	}
	parent, refused := s.delegated(h, needed, enable)
	if refused == nil {
		s.sweep(parent)
	} else if parent, err = s.scope(needed); err != nil {
		return nil, s.explain(h, needed, refused, err)
	}
	g, err := s.newGroup(parent, needed)
	if err != nil {
		return nil, err
	}
	if err := g.limit(parent, limits); err != nil {
		return nil, errors.Join(err, g.Remove())
	}
	return g, nil
}

// errLocked is a new group that somebody else has locked first.
var errLocked = errors.New("somebody has locked it")

// newGroup makes the two groups, and takes the lock that says that they are in use.
func (s *site) newGroup(parent string, needed []string) (*Group, error) {
	const tries = 16
	for range tries {
		g := &Group{site: s, lock: -1}
		g.path = fmt.Sprintf("%s/unc-%d-%08x", parent, os.Getpid(), rand.Uint32())
		err := s.mkdir(g.path)
		if err == nil {
			err = g.furnish(needed)
		}
		switch {
		case err == nil:
			return g, nil
		case errors.Is(err, fs.ErrExist), errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV):
			// The name is taken; or another start swept the group away before it was locked.
			g.close()
			continue
		case errors.Is(err, errLocked):
			g.close()
			_ = s.rmdir(g.path) // it is there still unless somebody sweeps
			continue
		}
		err = fmt.Errorf("making control group %q: %w", g.path, explainMkdir(err))
		return nil, errors.Join(err, g.Remove())
	}
	return nil, fmt.Errorf("making a control group in %q: each one was taken or gone at once, %d times", parent, tries)
}

// furnish locks the new group before it makes the one below, which keeps it from being removed.
func (g *Group) furnish(needed []string) (err error) {
	// Nobody else may enter, and lock it: a group that was left behind would stay.
	if err = os.Chmod(g.path, 0o700); err != nil {
		return err
	}
	if g.lock, err = unix.Open(g.path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	// Without waiting: who has the lock is about to remove the group, or anybody at all, for
	// it takes no more than the right to read, and may never let go.
	switch err := unix.Flock(g.lock, unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return errLocked
	case err != nil:
		return err
	}
	if err := enable(g.path, needed); err != nil {
		return err
	}
	// What a container with CAP_SYS_ADMIN makes below has to be short enough to be removed.
	if err := write(g.path+"/cgroup.max.depth", maxDepth); err != nil {
		return err
	}
	leaf := g.path + "/" + container
	if err := g.site.mkdir(leaf); err != nil {
		return err
	}
	fd, err := unix.Open(leaf, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		g.leaf = os.NewFile(uintptr(fd), leaf)
	}
	return err
}

// limit sets the limits, and once more on the group below: there the container sees
// them, and programs size themselves by what they see.
func (g *Group) limit(parent string, limits *Limits) error {
	if limits.CPUSet != "" {
		if err := g.checkCPUs(parent, limits.CPUSet); err != nil {
			return err
		}
	}
	if err := set(g.path, limits); err != nil {
		return err
	}
	return set(g.path+"/"+container, limits)
}

// set writes the limits of one group, and makes sure that the kernel has understood them.
func set(dir string, limits *Limits) error {
	for _, s := range limits.settings() {
		file := dir + "/" + s.file
		err := write(file, s.value)
		if errors.Is(err, fs.ErrNotExist) && s.file == "memory.swap.max" {
			if s.optional {
				continue
			}
			return errors.New("this kernel does not count swap space: leave the limit of memory and swap space together out")
		}
		if err != nil {
			return err
		}
		got, err := rawio.ReadFile(file, 1<<16)
		if err != nil {
			return err
		}
		if text := strings.TrimSpace(string(got)); !s.holds(text) {
			return fmt.Errorf("writing %q to %q: the kernel makes %q of it", s.value, file, text)
		}
	}
	return nil
}

// checkCPUs refuses processors that can't be had: the kernel leaves out those, and
// where none is left gives all that the group above has.
func (g *Group) checkCPUs(parent, list string) error {
	text, err := rawio.ReadFile(parent+"/cpuset.cpus.effective", 1<<16)
	if err != nil {
		return err
	}
	available := strings.TrimSpace(string(text))
	allowed, err := ParseCPUs(available)
	if err != nil {
		return err
	}
	wanted, err := ParseCPUs(list)
	if err != nil {
		return err
	}
	if missing := lackOf(wanted, allowed); len(missing) > 0 {
		return fmt.Errorf("processor %d is not among those of the control group %q: %s", missing[0], parent, available)
	}
	return nil
}

// Dir is the directory that the container's first process is to be born in
// (CLONE_INTO_CGROUP in clone(2)). It is the group's to close.
func (g *Group) Dir() *os.File { return g.leaf }

// OOMKills counts the processes of the container that the kernel has killed because
// memory was short, within the limit or on the whole machine.
func (g *Group) OOMKills() (int, error) {
	file := g.path + "/memory.events"
	text, err := rawio.ReadFile(file, 1<<16)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // memory is not among the limits
	}
	if err != nil {
		return 0, err
	}
	count, err := strconv.Atoi(field(string(text), "oom_kill"))
	if err != nil {
		return 0, fmt.Errorf("reading %q: %w", file, err)
	}
	return count, nil
}

// field finds a value in a "flat keyed" file of lines "key value".
func field(text, key string) string {
	for line := range strings.Lines(text) {
		if name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); name == key {
			return value
		}
	}
	return ""
}
