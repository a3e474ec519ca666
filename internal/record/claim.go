package record

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"unc/internal/name"
)

// attempts bounds how often what changed under the eyes is looked at again. What changes it is
// a supervisor that ends, of which there is one for a name at a time.
const attempts = 100

// Claim makes the record of a container, or takes over that of one that is dead. The
// error is ErrTaken when a living one is called so.
func (s *Store) Claim(called string) (*Held, error) {
	if err := name.Check(called); err != nil {
		return nil, err
	}
	unlock, err := s.lock(unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer unlock()
	stale := false
	for range attempts {
		made := unix.Mkdirat(s.fd, called, 0o700)
		if made != nil && !errors.Is(made, unix.EEXIST) {
			return nil, fmt.Errorf("making %q: %w", s.pathOf(called), made)
		}
		dir, err := s.hold(called)
		switch {
		case errors.Is(err, errGone):
			continue
		case err != nil:
			return nil, err
		case made == nil:
			return &Held{Stale: stale, store: s, name: called, dir: dir}, nil
		}
		// Nobody holds it: removed and made again, so that nothing of it is left.
		_, kept := keptInfo(dir, called)
		stale = stale || !kept
		err = s.remove(dir, called)
		unix.Close(dir)
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("claiming %q: it is made and removed all the time", s.pathOf(called))
}

// errGone is of a record that was removed, or replaced, after it was found.
var errGone = errors.New("it is there no more")

// hold opens and locks the record of a container that is dead or being made.
func (s *Store) hold(called string) (dir int, err error) {
	dir, err = s.openRecord(called)
	if err != nil {
		return -1, err
	}
	switch err := tryLock(dir, unix.LOCK_EX); {
	case errors.Is(err, unix.EWOULDBLOCK):
		unix.Close(dir)
		return -1, &nameError{ErrTaken, called}
	case err != nil:
		unix.Close(dir)
		return -1, fmt.Errorf("locking %q: %w", s.pathOf(called), err)
	}
	// Before there was the lock, its holder may have removed it.
	if !s.leadsTo(called, dir) {
		unix.Close(dir)
		return -1, errGone
	}
	return dir, nil
}

// openRecord opens the directory of a record. The error is errGone when there is none.
func (s *Store) openRecord(called string) (int, error) {
	dir, err := openOwn(s.fd, called, s.uid)
	switch {
	case errors.Is(err, unix.ENOENT):
		return -1, errGone
	case err != nil:
		return -1, explainOpen(s.pathOf(called), err)
	}
	return dir, nil
}

// leadsTo tells whether a name is still that of the directory that was opened by it.
func (s *Store) leadsTo(called string, dir int) bool {
	var there, here unix.Stat_t
	return unix.Fstatat(s.fd, called, &there, unix.AT_SYMLINK_NOFOLLOW) == nil && unix.Fstat(dir, &here) == nil &&
		there.Dev == here.Dev && there.Ino == here.Ino
}

func (s *Store) pathOf(called string) string { return s.path + "/" + called }
