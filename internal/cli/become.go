package cli

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"

	"unc/internal/caps"
	"unc/internal/hint"
)

// systemUser is who root becomes when nobody called it through sudo; install.sh creates it.
const systemUser = "unc"

// leaveRoot makes root somebody else before anything is done: unc never runs
// anything as the host's root. It says so.
func leaveRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	name, err := becomeUser()
	if err != nil {
		return err
	}
	tell(fmt.Sprintf("running as user %q (uid %d), not as root", name, os.Geteuid()))
	return nil
}

// becomeUser makes root who called sudo, or else the system user.
func becomeUser() (name string, err error) {
	uid, gid, name, err := sudoUser()
	if err != nil {
		return "", err
	}
	if uid == 0 {
		if uid, gid, err = lookup(systemUser); err != nil {
			return "", err
		}
		name = systemUser
	}
	return name, caps.Become(uid, gid)
}

// sudoUser is who called sudo, uid 0 when nobody did or root itself (sudo(8), "ENVIRONMENT").
func sudoUser() (uid, gid int, name string, err error) {
	u, g := os.Getenv("SUDO_UID"), os.Getenv("SUDO_GID")
	if u == "" || u == "0" {
		return 0, 0, "", nil
	}
	uid, err = parseID(u)
	if err == nil {
		gid, err = parseID(g)
	}
	if err != nil {
		return 0, 0, "", fmt.Errorf("SUDO_UID=%q and SUDO_GID=%q don't name a user to become", u, g)
	}
	name = u
	if known, err := user.LookupId(u); err == nil {
		name = known.Username
	}
	return uid, gid, name, nil
}

// parseID accepts a uid or gid that is neither root's nor "nobody changed" (-1, setresuid(2)).
func parseID(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, err
	}
	if n == 0 || n == 1<<32-1 {
		return 0, strconv.ErrRange
	}
	return int(n), nil
}

func lookup(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	var unknown user.UnknownUserError
	if errors.As(err, &unknown) {
		return 0, 0, hint.With(fmt.Errorf("unc runs nothing as root, and there is no system user %q to become", name),
			"./install.sh    # creates it; or run unc as an ordinary user")
	}
	if err != nil {
		return 0, 0, fmt.Errorf("looking up user %q: %w", name, err)
	}
	if uid, err = parseID(u.Uid); err == nil {
		gid, err = parseID(u.Gid)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("user %q has uid %s and gid %s, which can't be used", name, u.Uid, u.Gid)
	}
	return uid, gid, nil
}
