package idmap

import (
	"fmt"
	"os/user"
	"strconv"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// system is where the answers come from. Tests have their own.
type system struct {
	helpers        func() (helpers, error)
	subuid, subgid string // subuid(5), subgid(5)
	uidMap, gidMap string // of this process's own namespace
	user           func(uid string) (*user.User, error)
}

// maxFile is how much of any of the files is read, in bytes.
const maxFile = 16 << 20

// Subordinate has the caller, who is uid and gid outside and insideUID and
// insideGID inside, and all of his subordinate ids. The error tells why there is no
// such map here, and its hints how to get one; Single is always to be had.
func Subordinate(uid, gid, insideUID, insideGID uint32) (Map, error) {
	s := system{
		helpers: func() (helpers, error) { return findHelpers(helperDirs()) },
		subuid:  "/etc/subuid", subgid: "/etc/subgid",
		uidMap: "/proc/self/uid_map", gidMap: "/proc/self/gid_map",
		user: user.LookupId,
	}
	m, err := s.subordinate(uid, gid, insideUID, insideGID)
	if err != nil {
		return Map{}, fmt.Errorf("no subordinate ids: %w", err)
	}
	return m, nil
}

func (s *system) subordinate(uid, gid, insideUID, insideGID uint32) (m Map, err error) {
	// First, for where they are missing nothing else need be read.
	if _, err := s.helpers(); err != nil {
		return Map{}, err
	}
	var name string
	// Not user.Current, which still is who this process was at first. A user that only
	// a directory service knows is not found, and may have lines by number.
	if u, err := s.user(strconv.FormatUint(uint64(uid), 10)); err == nil {
		name = u.Username
		// newuidmap serves nobody else (main in shadow's src/newuidmap.c).
		if u.Gid != strconv.FormatUint(uint64(gid), 10) {
			return Map{}, fmt.Errorf("the group of this process is %d, and newuidmap wants that of /etc/passwd, %s", gid, u.Gid)
		}
	}
	uids, err := s.read(s.subuid, s.uidMap, name, uid, uid)
	if err != nil {
		return Map{}, err
	}
	gids, err := s.read(s.subgid, s.gidMap, name, uid, gid)
	if err != nil {
		return Map{}, err
	}
	return Map{UIDs: arrange(uid, insideUID, uids), GIDs: arrange(gid, insideGID, gids)}, nil
}

// read returns the subordinate ids of one file, all of which must exist in this
// process's own namespace, or newuidmap could not map them.
func (s *system) read(path, mapPath, name string, uid, own uint32) ([]span, error) {
	text, err := rawio.ReadFile(path, maxFile)
	if err != nil {
		return nil, &ungiven{err, s, name, uid}
	}
	list := subIDs(string(text), name, uid, own)
	if len(list) == 0 {
		who := fmt.Sprintf("uid %d", uid)
		if name != "" {
			who = fmt.Sprintf("user %q", name)
		}
		return nil, &ungiven{fmt.Errorf("%s gives none to %s", path, who), s, name, uid}
	}
	if text, err = rawio.ReadFile(mapPath, maxFile); err != nil {
		return nil, err
	}
	here := mapped(string(text))
	for _, sub := range list {
		if len(sub.without(here)) > 0 {
			return nil, fmt.Errorf("%s gives %d to %d, which are not all mapped in this user namespace (%s)", path, sub.first, sub.last, mapPath)
		}
	}
	return list, nil
}

// ungiven is the lack of ids for a user. Most of those who have none go without, and
// never ask for the hint, for which the files are read again.
type ungiven struct {
	error
	system *system
	name   string
	uid    uint32
}

func (u *ungiven) Unwrap() error   { return u.error }
func (u *ungiven) Hints() []string { return u.system.give(u.name, u.uid) }

// give is how root gives a user ids that nobody has.
func (s *system) give(name string, uid uint32) []string {
	// What can't be read has no lines.
	uids, _ := rawio.ReadFile(s.subuid, maxFile)
	gids, _ := rawio.ReadFile(s.subgid, maxFile)
	const count = 1 << 16
	first := free(string(uids), string(gids))
	if first+count-1 > maxID {
		return nil
	}
	if name == "" { // usermod(8) knows names alone, and not a directory service's
		return []string{fmt.Sprintf("echo %d:%d:%d | sudo tee -a %s %s", uid, first, count, s.subuid, s.subgid)}
	}
	return []string{fmt.Sprintf("sudo usermod --add-subuids %d-%[2]d --add-subgids %[1]d-%[2]d %[3]s", first, first+count-1, hint.Quote(name))}
}
