package cli

import (
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
	if strings.HasPrefix(f.User, ":") {
		return about("--user", f.User, errors.New("there is no user before the colon"))
	}
	return f.environmentFlags.Validate()
}

// ids decides which ids the container with that rootfs has, empty for this machine's
// own system, who the command is among them, and where that user is at home.
func (f *identityFlags) ids(rootfs string) (idmap.Map, nsexec.User, string, error) {
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	who, err := f.who(rootfs, uid, gid)
	if err != nil {
		return idmap.Map{}, nsexec.User{}, "", err
	}
	m, groups, err := f.choose(who, uid, gid, idmap.Subordinate)
	return m, nsexec.User{UID: who.UID, GID: who.GID, Groups: groups}, who.Home, err
}

// choose returns the map, and the supplementary groups that the command can have in it.
//
// Subordinate ids are used where there are any. Where there are none, the container has
// one user and one group. That is whoever is asked for, as with bwrap's --uid: the
// command then has the caller's files and is called 1000, say. It keeps the caller's
// groups, which the kernel lets nobody change in such a map. So does, in either map, who
// nobody has asked to be another: his groups are what opens /dev/kvm to him.
func (f *identityFlags) choose(who users.User, uid, gid uint32, subordinate func(uid, gid, insideUID, insideGID uint32) (idmap.Map, error)) (m idmap.Map, groups []uint32, err error) {
	alone := idmap.Single(uid, gid, who.UID, who.GID)
	insideUID, insideGID := uint32(0), uint32(0)
	switch f.Userns {
	case singleID:
		return alone, nil, nil
	case keepID:
		insideUID, insideGID = uid, gid
	}
	m, why := subordinate(uid, gid, insideUID, insideGID)
	switch {
	case why == nil:
		if f.User != "" {
			groups = append([]uint32{}, who.Groups...) // none, rather than the caller's
		}
	case f.Userns != keepID:
		return alone, nil, nil
	default:
		m = idmap.Single(uid, gid, uid, gid)
	}
	return m, groups, f.admit(m, who, groups, why)
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
	return users.Lookup(root, spec)
}

// admit refuses a user, or a group of his, that the container does not have. why is
// the reason for a map of one id.
func (f *identityFlags) admit(m idmap.Map, who users.User, groups []uint32, why error) error {
	kind, id := "user", who.UID
	_, ok := m.UID(id)
	for _, gid := range append([]uint32{who.GID}, groups...) {
		if !ok {
			break
		}
		kind, id = "group", gid
		_, ok = m.GID(gid)
	}
	switch {
	case ok:
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
