package record

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// maxKept is how many records of containers that have ended are kept.
const maxKept = 16

// remove removes a record that the caller has locked. It loses its name first, so that nobody
// finds half of it, for one that no container can have and no other record has.
func (s *Store) remove(dir int, called string) error {
	var st unix.Stat_t
	if err := unix.Fstat(dir, &st); err != nil {
		return fmt.Errorf("looking at %q: %w", s.pathOf(called), err)
	}
	now := hidden + strconv.FormatUint(st.Ino, 10)
	switch err := unix.Renameat(s.fd, called, s.fd, now); {
	case errors.Is(err, unix.ENOENT):
		return nil // somebody has removed all of it
	case err != nil:
		now = called // what could not be removed of another one is in the way
	}
	return s.clear(dir, now)
}

// hidden precedes the number that is the name of a record which is being removed.
const hidden = "."

// clear removes a directory with the files in it.
func (s *Store) clear(dir int, path string) error {
	files, err := names(dir)
	for _, file := range files {
		if e := unix.Unlinkat(dir, file, 0); e != nil && !errors.Is(e, unix.ENOENT) {
			err = e
		}
	}
	if err == nil {
		err = unix.Unlinkat(s.fd, path, unix.AT_REMOVEDIR)
	}
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return hint.With(fmt.Errorf("removing %q: %w", s.pathOf(path), err), "rm -r "+hint.Quote(s.pathOf(path)))
	}
	return nil
}

// sweep removes a dead record, and calls release with what it says while nobody can claim the name.
func (s *Store) sweep(called string, release func(*Info)) {
	unlock, err := s.lock(unix.LOCK_EX)
	if err != nil {
		return
	}
	defer unlock()
	dir, err := s.hold(called)
	if err != nil {
		return // claimed meanwhile, or gone
	}
	defer unix.Close(dir)
	info, kept := keptInfo(dir, called)
	if kept {
		return // it was in its last moments
	}
	if release != nil {
		release(info)
	}
	_ = s.remove(dir, called) // what can't be removed isn't there for anybody: the next sweep tries again
}

// sweepHidden removes what is left of records whose removal was interrupted.
func (s *Store) sweepHidden(path string) {
	unlock, err := s.lock(unix.LOCK_EX)
	if err != nil {
		return
	}
	defer unlock()
	if dir, err := s.hold(path); err == nil {
		_ = s.clear(dir, path)
		unix.Close(dir)
	}
}

// isHidden tells whether a directory is what is left of a record.
func isHidden(path string) bool {
	number, found := strings.CutPrefix(path, hidden)
	_, err := strconv.ParseUint(number, 10, 64)
	return found && err == nil
}

// trim removes the oldest of the kept records when there are too many, but never that of
// the caller, which is locked still and counts as one.
func (s *Store) trim(own string) error {
	unlock, err := s.lock(unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	list, _, err := s.look()
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(e *Entry) bool { return e.Alive || e.Info.Name == own })
	slices.SortFunc(list, func(a, b *Entry) int { return b.Info.Ended.Time.Compare(a.Info.Ended.Time) })
	for _, e := range list[min(len(list), maxKept-1):] {
		if dir, err := s.hold(e.Info.Name); err == nil {
			_ = s.remove(dir, e.Info.Name)
			unix.Close(dir)
		}
	}
	return nil
}
