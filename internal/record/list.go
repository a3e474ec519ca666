package record

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"unc/internal/name"
)

// List returns the containers that are alive or kept, by name. Records of dead ones are removed:
// sweep, which may be nil, is called with each before that, while its name can't be claimed. What
// in the store is no record is passed over.
func (s *Store) List(sweep func(*Info)) ([]*Entry, error) {
	unlock, err := s.lock(unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	list, dead, err := s.look()
	unlock()
	if err != nil {
		return nil, err
	}
	for _, called := range dead {
		if isHidden(called) {
			s.sweepHidden(called)
		} else {
			s.sweep(called, sweep)
		}
	}
	slices.SortFunc(list, func(a, b *Entry) int { return cmp.Compare(a.Info.Name, b.Info.Name) })
	return list, nil
}

// Find returns the container that is called so, alive or kept. The error is ErrNotThere
// when there is none.
func (s *Store) Find(called string) (*Entry, error) {
	if err := name.Check(called); err != nil {
		return nil, err
	}
	unlock, err := s.lock(unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	defer unlock()
	e, err := s.entry(called)
	if errors.Is(err, errGone) {
		err = &nameError{ErrNotThere, called}
	}
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, &nameError{ErrNotThere, called}
	}
	return e, nil
}

// look reads the store, which the caller has locked: who is alive or kept, and what is dead.
func (s *Store) look() (list []*Entry, dead []string, err error) {
	all, err := names(s.fd)
	if err != nil {
		return nil, nil, fmt.Errorf("listing %q: %w", s.path, err)
	}
	for _, called := range all {
		if isHidden(called) {
			dead = append(dead, called)
		}
		if name.Check(called) != nil {
			continue
		}
		switch e, err := s.entry(called); {
		case err != nil: // ended meanwhile, or no record
		case e == nil:
			dead = append(dead, called)
		default:
			list = append(list, e)
		}
	}
	return list, dead, nil
}

// entry looks at one record, and returns nil of a dead one.
func (s *Store) entry(called string) (*Entry, error) {
	dir, err := s.openRecord(called)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	e := &Entry{Alive: alive(dir), store: s}
	info, kept := keptInfo(dir, called)
	e.Info = info
	// Its supervisor removes it without the store's lock, and may have begun to.
	if !s.leadsTo(called, dir) {
		return nil, errGone
	}
	if !e.Alive && !kept {
		return nil, nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(dir, &st); err != nil {
		return nil, fmt.Errorf("looking at %q: %w", s.pathOf(called), err)
	}
	e.dev, e.ino = uint64(st.Dev), st.Ino
	return e, nil
}

// keptInfo reads a record, and tells whether it is of a container that has ended and is kept. What
// can't be read has nothing but its name.
func keptInfo(dir int, called string) (*Info, bool) {
	info, err := readInfo(dir, called)
	if err != nil {
		return &Info{Name: called}, false
	}
	return info, info.Ended != nil
}

// names lists a directory.
func names(dir int) (list []string, err error) {
	// Opened once more, because copies of a descriptor have one position in the list.
	fd, err := openBelow(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, 8<<10)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return list, err
		}
		_, _, list = unix.ParseDirent(buf[:n], -1, list)
	}
}
