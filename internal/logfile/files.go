package logfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// files are a log's at one moment; -1 stands for what is missing. Between the two steps of a
// rotation there is no log.
type files struct{ older, current int }

func (f files) close() {
	for _, fd := range []int{f.older, f.current} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// Rest is what there is of a log that nothing more is written to. Its files are open, and may
// be removed.
type Rest struct{ files files }

// Has tells whether there is a log in a directory.
func Has(dir *os.File) bool {
	return !namesFile(int(dir.Fd()), current, -1) || !namesFile(int(dir.Fd()), older, -1)
}

// OpenRest opens it.
func OpenRest(dir *os.File) (*Rest, error) {
	f, err := openFiles(int(dir.Fd()))
	if err != nil {
		return nil, fmt.Errorf("reading the log in %q: %w", dir.Name(), err)
	}
	return &Rest{f}, nil
}

// duplicate has the same files for somebody else to close.
func (f files) duplicate() (files, error) {
	d := files{-1, -1}
	var err1, err2 error
	if f.older >= 0 {
		d.older, err1 = unix.FcntlInt(uintptr(f.older), unix.F_DUPFD_CLOEXEC, 3)
	}
	if f.current >= 0 {
		d.current, err2 = unix.FcntlInt(uintptr(f.current), unix.F_DUPFD_CLOEXEC, 3)
	}
	err := errors.Join(err1, err2)
	if err != nil {
		d.close()
	}
	return d, err
}

// attempts bounds how often a rotation is waited out: it takes microseconds, and there is
// one in megabytes.
const attempts = 100

// openFiles opens both. When log is the same after log.1 was opened as before, then
// log.1 was what precedes it.
func openFiles(dir int) (files, error) {
	for range attempts {
		f := files{-1, -1}
		var err error
		if f.current, err = openLog(dir, current); err == nil {
			f.older, err = openLog(dir, older)
		}
		if err == nil && namesFile(dir, current, f.current) {
			return f, nil
		}
		f.close()
		if err != nil {
			return files{-1, -1}, err
		}
	}
	return files{-1, -1}, fmt.Errorf("opening %q: it is renamed all the time", current)
}

// openLog opens one of the files, if there is one.
func openLog(dir int, path string) (int, error) {
	for {
		fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOENT):
			return -1, nil
		case err == nil:
			if err = checkRegular(fd); err == nil {
				return fd, nil
			}
			unix.Close(fd)
		}
		return -1, fmt.Errorf("opening %q: %w", path, err)
	}
}

// namesFile tells whether a name is still that of an open file, or of none with -1.
func namesFile(dir int, path string, fd int) bool {
	var there, here unix.Stat_t
	err := unix.Fstatat(dir, path, &there, unix.AT_SYMLINK_NOFOLLOW)
	if fd < 0 {
		return errors.Is(err, unix.ENOENT)
	}
	return err == nil && unix.Fstat(fd, &here) == nil && there.Dev == here.Dev && there.Ino == here.Ino
}

func sameFile(a, b int) bool {
	var one, other unix.Stat_t
	return unix.Fstat(a, &one) == nil && unix.Fstat(b, &other) == nil && one.Dev == other.Dev && one.Ino == other.Ino
}
