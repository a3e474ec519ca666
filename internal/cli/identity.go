package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/idmap"
	"unc/internal/nsexec"
	"unc/internal/users"
)

// identityFlags say who the command is, and what it knows from its environment.
type identityFlags struct {
	User   string `short:"u" placeholder:"USER[:GROUP]"`
	Userns string `enum:"auto,single,keep-id" default:"auto" placeholder:"KIND"`

	environmentFlags
}

// The kinds of user namespace.
const (
	autoIDs  = "auto"
	singleID = "single"
	keepID   = "keep-id"
)

// Validate refuses what can be seen to be wrong without the rootfs.
func (f *identityFlags) Validate() error {
	return cmp.Or(checkUser(f.User), f.environmentFlags.Validate())
}

func checkUser(text string) error {
	if strings.HasPrefix(text, ":") {
		return about("--user", text, errors.New("there is no user before the colon"))
	}
	return nil
}

// ids decides which ids the container with that rootfs has, empty for this machine's
// own system, who the command is among them, and where that user is at home.
func (f *identityFlags) ids(rootfs string) (idmap.Map, nsexec.User, string, error) {
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	who, err := f.who(rootfs, uid, gid)
	if err != nil {
		return idmap.Map{}, nsexec.User{}, "", err
	}
	m, why := f.choose(who, uid, gid, idmap.Subordinate)
	user := userIn(m, who, f.User != "")
	return m, user, who.Home, f.admit(m, user, why)
}

// choose returns the map, and for one of one id why there are no others, where somebody may
// have wanted them.
//
// Subordinate ids are used where there are any. Where there are none, the container has
// one user and one group. That is whoever is asked for, as with bwrap's --uid: the
// command then has the caller's files and is called 1000, say.
func (f *identityFlags) choose(who users.User, uid, gid uint32, subordinate func(uid, gid, insideUID, insideGID uint32) (idmap.Map, error)) (m idmap.Map, why error) {
	alone := idmap.Single(uid, gid, who.UID, who.GID)
	insideUID, insideGID := uint32(0), uint32(0)
	switch f.Userns {
	case singleID:
		return alone, nil
	case keepID:
		insideUID, insideGID = uid, gid
	}
	m, why = subordinate(uid, gid, insideUID, insideGID)
	switch {
	case why == nil:
		return m, nil
	case f.Userns == keepID:
		return idmap.Single(uid, gid, uid, gid), why
	}
	return alone, nil
}

// userIn is a user of a container, who with named is somebody that was asked for. He keeps the
// caller's groups in a map of one id, where the kernel lets nobody change them (user_namespaces(7),
// on setgroups). So does, in any map, who nobody has asked to be another: his groups are what opens
// /dev/kvm to him.
func userIn(m idmap.Map, who users.User, named bool) nsexec.User {
	u := nsexec.User{UID: who.UID, GID: who.GID}
	if named && !m.IsSingle() {
		u.Groups = append([]uint32{}, who.Groups...) // none, rather than the caller's
	}
	return u
}

// lacks tells which of a user's ids a container does not have, a "user" or a "group" one.
func lacks(m idmap.Map, u nsexec.User) (kind string, id uint32, missing bool) {
	if _, ok := m.UID(u.UID); !ok {
		return "user", u.UID, true
	}
	for _, gid := range append([]uint32{u.GID}, u.Groups...) {
		if _, ok := m.GID(gid); !ok {
			return "group", gid, true
		}
	}
	return "", 0, false
}

// rootHome is root's home where nobody asked for a user: a rootfs with a shell and
// nothing else has no passwd(5), and is not read for one.
const rootHome = "/root"

// who looks the user up in the rootfs.
func (f *identityFlags) who(rootfs string, uid, gid uint32) (users.User, error) {
	spec := f.User
	if spec == "" {
		if f.Userns != keepID {
			return users.User{Home: rootHome}, nil
		}
		spec = fmt.Sprintf("%d:%d", uid, gid)
	}
	if rootfs == "" {
		rootfs = "/"
	}
	root, err := nsexec.OpenRootfs(rootfs)
	if err != nil {
		return users.User{}, err
	}
	defer unix.Close(root)
	return users.Lookup(root, spec, "unc run -u USER COMMAND")
}

// admit refuses a user, or a group of his, that the container does not have. why is
// the reason for a map of one id.
func (f *identityFlags) admit(m idmap.Map, u nsexec.User, why error) error {
	kind, id, missing := lacks(m, u)
	switch {
	case !missing:
		return nil
	case why != nil:
		return hint.With(about("--user", f.User, fmt.Errorf("with --userns=%s there is no %s id %d, but yours alone: %w", f.Userns, kind, id, why)),
			append(hint.Of(why), f.alone())...)
	}
	return hint.With(about("--user", f.User, fmt.Errorf("%s id %d is none of those that /etc/sub%s lets this container have", kind, id, kind[:1]+"id")), f.alone())
}

// alone is how any id at all can be had.
func (f *identityFlags) alone() string {
	return fmt.Sprintf("unc run --userns=%s -u %s COMMAND    # yourself, under that number", singleID, hint.Quote(f.User))
}
