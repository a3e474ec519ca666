package idmap

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// helpers are the paths of the two programs that may write a map of ids that are
// not the caller's.
type helpers struct{ newuidmap, newgidmap string }

// findHelpers looks for both below one of the directories, which must be root's, and
// for what would keep them from being of use.
func findHelpers(dirs []string) (h helpers, err error) {
	if h.newuidmap, err = findHelper(dirs, "newuidmap"); err != nil {
		return helpers{}, err
	}
	if h.newgidmap, err = findHelper(dirs, "newgidmap"); err != nil {
		return helpers{}, err
	}
	return h, canGain()
}

// helperDirs are where distributions put them; the last is NixOS's.
func helperDirs() []string {
	return []string{"/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"}
}

func findHelper(dirs []string, name string) (string, error) {
	missing := hint.With(fmt.Errorf("%s is not installed", name), "sudo apt-get install uidmap")
	for _, dir := range dirs {
		path := dir + "/" + name
		var st unix.Stat_t
		err := unix.Stat(path, &st)
		if err == nil {
			if err = checkHelper(path, &st); err == nil {
				return path, nil
			}
		}
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
			missing = fmt.Errorf("%q can't be used: %w", path, err)
		}
	}
	return "", missing
}

// checkHelper tells why executing path would give no privilege.
func checkHelper(path string, st *unix.Stat_t) error {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.New("it is not a regular file")
	}
	if st.Uid != 0 {
		return fmt.Errorf("it belongs to uid %d, not to root", st.Uid)
	}
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS); err != nil {
		return fmt.Errorf("executing it: %w", err)
	}
	// Debian makes it setuid, Fedora gives it a capability; which one is not looked at.
	if _, err := unix.Getxattr(path, "security.capability", nil); st.Mode&unix.S_ISUID == 0 && err != nil {
		return hint.With(errors.New("it is neither setuid nor has a file capability"), "sudo chmod u+s "+hint.Quote(path))
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err == nil && fs.Flags&unix.ST_NOSUID != 0 {
		return errors.New("it lies on a filesystem that is mounted nosuid")
	}
	return nil
}

// canGain tells why no program that this process executes gets the capabilities to
// set ids. Both happen in containers.
func canGain() error {
	if set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && set == 1 {
		return errors.New("no_new_privs is set, and newuidmap would get no privilege")
	}
	for _, c := range []uintptr{unix.CAP_SETUID, unix.CAP_SETGID} {
		if has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0); err == nil && has == 0 {
			return errors.New("the capabilities to set ids are not in the bounding set, and newuidmap would not get them")
		}
	}
	return nil
}
