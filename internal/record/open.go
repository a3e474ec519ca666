package record

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// Store is the directory of a user's records, open until the process ends. It is safe for use by
// many goroutines.
type Store struct {
	mu   sync.Mutex // the lock of a descriptor does not keep this process's own goroutines apart
	fd   int
	path string // for people
	uid  int
}

// Close lets go of the store, for who does not end soon. What was claimed in it remains.
func (s *Store) Close() { unix.Close(s.fd) }

// Open opens the store of the effective user, and makes it when there is none. The package
// documentation tells where.
func Open() (*Store, error) { return here().open() }

func (s site) open() (*Store, error) {
	p, err := s.locate()
	if err != nil {
		return nil, err
	}
	defer unix.Close(p.base)
	if err := unix.Mkdirat(p.base, p.name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, p.explain(p.notMade(err))
	}
	fd, err := openOwn(p.base, p.name, s.uid)
	if err != nil {
		return nil, p.explain(explainOpen(p.path, err))
	}
	return &Store{fd: fd, path: p.path, uid: s.uid}, nil
}

// Why a directory is not used.
var (
	errForeign = errors.New("it belongs to another user")
	errExposed = errors.New("others have access to it")
)

// checkOwn refuses a directory that others can reach into. An access control list that lets
// somebody in shows in the bits of the group (acl(5), "CORRESPONDENCE BETWEEN ACL ENTRIES AND FILE
// PERMISSION BITS").
func checkOwn(fd, uid int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	switch {
	case int(st.Uid) != uid:
		return errForeign
	case st.Mode&0o077 != 0:
		return errExposed
	}
	return nil
}

// openOwn opens a directory that is in dir, and the user's alone.
func openOwn(dir int, name string, uid int) (int, error) {
	fd, err := openBelow(dir, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return -1, err
	}
	if err := checkOwn(fd, uid); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// openBelow is openat2(2) of what is in dir itself.
func openBelow(dir int, name string, flags, mode uint64) (int, error) {
	return rawio.Openat2(dir, name, &unix.OpenHow{
		Flags: flags | unix.O_CLOEXEC, Mode: mode, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
}

// explainOpen makes sentences of what is wrong with a directory.
func explainOpen(path string, err error) error {
	quoted := hint.Quote(path)
	switch {
	case errors.Is(err, unix.ELOOP):
		return hint.With(fmt.Errorf("opening %q: it is a symbolic link, which is not followed there", path), "rm "+quoted)
	case errors.Is(err, unix.ENOTDIR):
		return hint.With(fmt.Errorf("opening %q: it is not a directory", path), "rm "+quoted)
	case errors.Is(err, errExposed):
		return hint.With(fmt.Errorf("opening %q: %w", path, err), "chmod 700 "+quoted)
	}
	return fmt.Errorf("opening %q: %w", path, err)
}
