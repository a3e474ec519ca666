package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/idmap"
)

// checkSource refuses what can't be a volume. It is for the message only: what the
// kernel allows is decided when the container mounts it, with the rights of the caller.
func checkSource(source string, ids idmap.Map) error {
	var st unix.Stat_t
	switch err := unix.Stat(source, &st); {
	case errors.Is(err, unix.ENOENT):
		return missing(source)
	case errors.Is(err, unix.EACCES):
		return hint.With(fmt.Errorf("you may not reach %q", source), whoMay(source))
	case err != nil:
		return fmt.Errorf("looking at %q: %w", source, err)
	}
	doing, mode := "read", uint32(unix.R_OK)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		doing, mode = "enter", unix.X_OK // to list it is not what every program needs
	case unix.S_IFCHR, unix.S_IFBLK:
		return hint.With(fmt.Errorf("%q is a device, and a volume is always nodev", source),
			"unc run --device "+hint.Quote(source+":DST")+" ...")
	}
	if unix.Access(source, mode) == nil || isMapped(ids, &st) {
		return nil
	}
	return hint.With(fmt.Errorf("you may not %s %q", doing, source), whoMay(source))
}

// missing explains a source that is not there.
func missing(source string) error {
	if _, err := os.Lstat(source); err == nil {
		return hint.With(fmt.Errorf("%q is a link to something that does not exist", source), "ls -l -- "+hint.Quote(source))
	}
	if rest, found := strings.CutPrefix(source, "~/"); found {
		return hint.With(fmt.Errorf("%q does not exist: a shell replaces ~ only where a word begins", source),
			`realpath -- "$HOME"/`+hint.Quote(rest))
	}
	return hint.With(fmt.Errorf("%q does not exist", source), "mkdir -p -- "+hint.Quote(source))
}

// whoMay shows whose each directory on the way to a file is.
func whoMay(path string) string { return "namei -l " + hint.Quote(path) }

// isMapped tells whether a container with these ids has every right over a file, even
// one that the caller himself may not read: a database's directory, for example,
// that belongs to one of his subordinate ids. CAP_DAC_OVERRIDE is a right over what
// has both owner and group inside (privileged_wrt_inode_uidgid in kernel/capability.c).
func isMapped(ids idmap.Map, st *unix.Stat_t) bool {
	_, hasUID := ids.InsideUID(st.Uid)
	_, hasGID := ids.InsideGID(st.Gid)
	return hasUID && hasGID
}
