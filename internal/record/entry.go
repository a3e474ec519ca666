package record

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// Entry is a container of the user's, as it was when it was looked at.
type Entry struct {
	Info  *Info // nothing but the name, and 0 for Supervisor, while it starts or when it can't be read
	Alive bool  // otherwise it is kept, and Info tells how it ended

	store    *Store
	dev, ino uint64 // the directory's, since somebody else may have the name soon
}

// open opens the record again, if it is still the same one's.
func (e *Entry) open() (int, error) {
	dir, err := e.store.openRecord(e.Info.Name)
	if err != nil && !errors.Is(err, errGone) {
		return -1, err
	}
	if err == nil && e.isAt(dir) {
		return dir, nil
	}
	if err == nil {
		unix.Close(dir)
	}
	return -1, &nameError{ErrNotThere, e.Info.Name}
}

// isAt tells whether that is the record's directory.
func (e *Entry) isAt(dir int) bool {
	var st unix.Stat_t
	return unix.Fstat(dir, &st) == nil && uint64(st.Dev) == e.dev && st.Ino == e.ino
}

// IsSame tells whether an entry looked at later is still the same container's.
func (e *Entry) IsSame(earlier *Entry) bool {
	return e.Info.Name == earlier.Info.Name && e.dev == earlier.dev && e.ino == earlier.ino
}

// Dir opens the record's directory, to read the log in it. The error is ErrNotThere when
// the container has ended meanwhile.
func (e *Entry) Dir() (*os.File, error) {
	dir, err := e.open()
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(dir), e.store.pathOf(e.Info.Name)), nil
}

// Remove removes the record of a container that is kept.
func (e *Entry) Remove() error {
	unlock, err := e.store.lock(unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	dir, err := e.store.hold(e.Info.Name)
	switch {
	case errors.Is(err, ErrTaken):
		return hint.With(fmt.Errorf("removing container %q: it is running", e.Info.Name), "unc stop "+e.Info.Name)
	case errors.Is(err, errGone):
		return &nameError{ErrNotThere, e.Info.Name}
	case err != nil:
		return err
	}
	defer unix.Close(dir)
	if !e.isAt(dir) {
		return &nameError{ErrNotThere, e.Info.Name}
	}
	return e.store.remove(dir, e.Info.Name)
}
