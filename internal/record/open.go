package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// Store is the directory of a user's records. It is safe for use by many goroutines.
type Store struct {
	mu   sync.Mutex // the lock of a descriptor does not keep this process's own goroutines apart
	fd   int
	path string // for people
	uid  int
}

// site is where a store may be; tests put their own places in.
type site struct {
	runtime  string // XDG_RUNTIME_DIR
	run, tmp string // /run/user and /tmp
	uid      int
}

// Open opens the store of the effective user, and makes it when there is none. The package
// documentation tells where.
func Open() (*Store, error) {
	return site{os.Getenv("XDG_RUNTIME_DIR"), "/run/user", "/tmp", os.Geteuid()}.open()
}

func (s site) open() (*Store, error) { return s.find(site.openIn) }

// Where tells where Open opens the store, which it makes if it is not there; Where does
// not, and that is no error.
func Where() (string, error) {
	s, err := site{os.Getenv("XDG_RUNTIME_DIR"), "/run/user", "/tmp", os.Geteuid()}.find(site.lookIn)
	if err != nil {
		return "", err
	}
	return s.path, nil
}

// find opens the store with in, openIn or lookIn.
func (s site) find(in func(s site, base int, parent, name string) (*Store, error)) (*Store, error) {
	uid := strconv.Itoa(s.uid)
	for _, runtime := range []string{s.runtime, s.run + "/" + uid} {
		if !filepath.IsAbs(runtime) {
			continue
		}
		base, err := unix.Open(runtime, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		if checkOwn(base, s.uid) != nil {
			unix.Close(base)
			continue
		}
		return in(s, base, runtime, "unc")
	}
	base, err := unix.Open(s.tmp, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", s.tmp, err)
	}
	store, err := in(s, base, s.tmp, "unc-"+uid)
	if err != nil && !errors.Is(err, errExposed) {
		// Anybody may have put something there first, and nobody else can take it away.
		err = hint.With(err, "mkdir -p -m 700 ~/.cache/unc && export XDG_RUNTIME_DIR=~/.cache/unc")
	}
	return store, err
}

// openIn opens the store called name in a directory, which it closes.
func (s site) openIn(base int, parent, name string) (*Store, error) {
	defer unix.Close(base)
	path := parent + "/" + name
	if err := unix.Mkdirat(base, name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making %q for the records of containers: %w", path, err)
	}
	fd, err := openOwn(base, name, s.uid)
	if err != nil {
		return nil, explainOpen(path, err)
	}
	return &Store{fd: fd, path: path, uid: s.uid}, nil
}

// lookIn is openIn of a store that is there, or could be made; it is closed again.
func (s site) lookIn(base int, parent, name string) (*Store, error) {
	defer unix.Close(base)
	path := parent + "/" + name
	fd, err := openOwn(base, name, s.uid)
	switch {
	case err == nil:
		unix.Close(fd)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, explainOpen(path, err)
	default:
		if err := unix.Faccessat(base, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
			return nil, fmt.Errorf("making %q for the records of containers: %w", path, err)
		}
	}
	return &Store{fd: -1, path: path, uid: s.uid}, nil
}

// Close lets go of the store. What was claimed in it remains.
func (s *Store) Close() error { return unix.Close(s.fd) }

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
