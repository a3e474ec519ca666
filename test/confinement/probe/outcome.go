package main

import (
	"errors"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"

	"unc/test/confinement"
)

// A try is something that a confinement may forbid.
type try struct {
	group, verb, object string
	do                  func() error
}

// found is an outcome that is neither yes nor no: what a try has seen. It travels as
// an error, as every outcome does.
type found string

func (f found) Error() string { return string(f) }

// Things that are no without any system call having failed.
var (
	errEmpty   = errors.New("empty")
	errIgnored = errors.New("without effect")
	errMissing = errors.New("missing")
)

// stepError says which step on the way to the act has failed.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// before marks an error of something that had to be done before the act.
func before(step string, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{step, err}
}

// outcome is what a try is worth in the list.
func outcome(err error) string {
	var what found
	switch {
	case err == nil:
		return confinement.Yes
	case errors.As(err, &what):
		return string(what)
	}
	text := err.Error()
	var errno unix.Errno
	if errors.As(err, &errno) {
		text = unix.ErrnoName(errno)
	}
	var step *stepError
	if errors.As(err, &step) {
		text = step.step + ": " + text
	}
	return "no (" + text + ")"
}

// past is for a call that can't succeed: an errno that the kernel gives only after it
// has found the right to be there means that it is.
func past(err error, errnos ...unix.Errno) error {
	var errno unix.Errno
	if errors.As(err, &errno) && slices.Contains(errnos, errno) {
		return nil
	}
	return err
}

// call makes a system call, for its error.
func call(nr uintptr, args ...uintptr) error {
	_, err := callFor(nr, args...)
	return err
}

// callFor makes a system call, for its result.
func callFor(nr uintptr, args ...uintptr) (uintptr, error) {
	var a [6]uintptr
	copy(a[:], args)
	r, _, errno := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if errno != 0 {
		return 0, errno
	}
	return r, nil
}

// opens makes a system call that returns a descriptor, which is closed.
func opens(nr uintptr, args ...uintptr) error {
	fd, err := callFor(nr, args...)
	if err == nil {
		unix.Close(int(fd))
	}
	return err
}

// exists tells whether there is something of this name.
func exists(name string) error {
	var st unix.Stat_t
	return unix.Lstat(name, &st)
}

// isNotThere tells whether an error is that of a missing file.
func isNotThere(err error) bool { return errors.Is(err, fs.ErrNotExist) }
