package doctor

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// records looks where the records of running containers go: into the user's runtime
// directory, and where he has none of his own into one in /tmp, which anybody may have
// made first. It makes none.
func (m *machine) records() []Finding {
	const name = "records"
	uid := strconv.Itoa(m.uid)
	for _, runtime := range []string{m.getenv("XDG_RUNTIME_DIR"), "/run/user/" + uid} {
		if filepath.IsAbs(runtime) && m.isOwn(runtime) == nil {
			return []Finding{m.keep(name, runtime+"/unc")}
		}
	}
	return []Finding{m.keep(name, "/tmp/unc-"+uid)}
}

func (m *machine) keep(name, dir string) Finding {
	err := m.isOwn(dir)
	switch {
	case errors.Is(err, errExposed):
		err = hint.With(err, "chmod 700 "+hint.Quote(dir))
	case errors.Is(err, unix.ENOENT):
		return fine(name, fmt.Sprintf("containers are recorded in %q, which the first one makes", dir))
	case err != nil:
		err = hint.With(err, "mkdir -p -m 700 ~/.cache/unc && export XDG_RUNTIME_DIR=~/.cache/unc")
	}
	return judged(name, err, fmt.Sprintf("containers are recorded in %q", dir))
}

var errExposed = errors.New("others have access to it")

// isOwn tells why a directory is not the user's alone.
func (m *machine) isOwn(dir string) error {
	var st unix.Stat_t
	err := unix.Lstat(m.root+dir, &st)
	switch {
	case err != nil:
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		err = errors.New("it is not a directory")
	case int(st.Uid) != m.uid:
		err = errors.New("it belongs to another user")
	case st.Mode&0o077 != 0:
		err = errExposed
	}
	if err != nil {
		return fmt.Errorf("looking at %q for the records of containers: %w", dir, err)
	}
	return nil
}
