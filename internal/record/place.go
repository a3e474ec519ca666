package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// site is where a store may be; tests put their own places in.
type site struct {
	runtime  string // XDG_RUNTIME_DIR
	run, tmp string // /run/user and /tmp
	uid      int
}

func here() site {
	return site{os.Getenv("XDG_RUNTIME_DIR"), "/run/user", "/tmp", os.Geteuid()}
}

// Where tells where Open opens the store, which it makes if it is not there; Where does
// not, and that is no error.
func Where() (string, error) { return here().where() }

func (s site) where() (string, error) {
	p, err := s.locate()
	if err != nil {
		return "", err
	}
	defer unix.Close(p.base)
	fd, err := openOwn(p.base, p.name, s.uid)
	switch {
	case err == nil:
		unix.Close(fd)
	case !errors.Is(err, fs.ErrNotExist):
		return "", p.explain(explainOpen(p.path, err))
	default:
		if err := unix.Faccessat(p.base, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
			return "", p.explain(p.notMade(err))
		}
	}
	return p.path, nil
}

// place is where the store is, or is to be.
type place struct {
	base   int    // the directory that it is in
	name   string // what it is called there
	path   string // of both
	shared bool   // anybody can make something there
}

// locate finds the place, whose directory is the caller's to close.
func (s site) locate() (place, error) {
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
		return place{base: base, name: "unc", path: runtime + "/unc"}, nil
	}
	base, err := unix.Open(s.tmp, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return place{}, fmt.Errorf("opening %q: %w", s.tmp, err)
	}
	name := "unc-" + uid
	return place{base: base, name: name, path: s.tmp + "/" + name, shared: true}, nil
}

func (p place) notMade(err error) error {
	return fmt.Errorf("making %q for the records of containers: %w", p.path, err)
}

// explain tells of another place where anybody may have put something first, which nobody else
// can take away.
func (p place) explain(err error) error {
	if p.shared && !errors.Is(err, errExposed) {
		return hint.With(err, "mkdir -p -m 700 ~/.cache/unc && export XDG_RUNTIME_DIR=~/.cache/unc")
	}
	return err
}
