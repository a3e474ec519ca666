package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// pidfile is a file that has the number of the container's first process in it while
// that runs.
type pidfile struct {
	file *os.File
	ours bool // made or written by us
}

// openPidfile leaves a file that is there as it is: it may be that of a running container,
// whose name is asked for once more. A FIFO that nobody reads is an error, for who waits
// for a reader here can't be told of it.
func openPidfile(path string) (p *pidfile, err error) {
	// The directory is another one when it is removed.
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	const flags = os.O_WRONLY | unix.O_NONBLOCK | unix.O_NOCTTY
	p = &pidfile{ours: true}
	if p.file, err = os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o644); err == nil {
		return p, nil
	}
	p.ours = false
	if p.file, err = os.OpenFile(path, flags|os.O_CREATE, 0o644); err != nil { // it may be a link to nothing
		return nil, err
	}
	return p, nil
}

// write puts the number in the place of what was there.
func (p *pidfile) write(pid int) error {
	p.ours = true
	if p.isRegular() {
		if err := p.file.Truncate(0); err != nil {
			return err
		}
	}
	_, err := p.file.WriteString(strconv.Itoa(pid) + "\n")
	return err
}

// withoutPath is what is wrong with a file that who prints it names already.
func withoutPath(err error) error {
	var where *fs.PathError
	if errors.As(err, &where) {
		return where.Err
	}
	return err
}

func (p *pidfile) isRegular() bool {
	info, err := p.file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// remove removes the file if it is ours, and there yet: the number will be another process's.
func (p *pidfile) remove() {
	defer p.file.Close()
	if !p.ours || !p.isRegular() {
		return
	}
	here, err1 := p.file.Stat()
	there, err2 := os.Lstat(p.file.Name())
	if err1 == nil && err2 == nil && os.SameFile(here, there) {
		_ = os.Remove(p.file.Name())
	}
}
