package users

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"unc/internal/hint"
)

// User is who a command runs as, in ids inside the container.
type User struct {
	UID, GID uint32
	Groups   []uint32 // supplementary groups, each once, without order
	Home     string   // an absolute path
}

// Lookup returns the user whom spec names, in the tree below the directory root. See
// the package's documentation for what spec may be. line is the command line that spec is in,
// with USER in its place: a hint tells how to do without a name that is not there.
func Lookup(root int, spec, line string) (User, error) {
	u, err := lookup(spec, func(path string) (*file, error) { return read(root, path) })
	var nobody *unknown
	if errors.As(err, &nobody) {
		err = hint.With(err, strings.Replace(line, "USER", nobody.numbers, 1)+"    # numbers need no entry")
	}
	return u, err
}

func lookup(spec string, read func(path string) (*file, error)) (User, error) {
	name, group, grouped := strings.Cut(spec, ":")
	if name == "" || grouped && group == "" || strings.Contains(group, ":") {
		return User{}, fmt.Errorf("the user %q is neither UID[:GID] nor NAME[:GROUP]", spec)
	}
	passwd, err := read("etc/passwd")
	if err != nil {
		return User{}, err
	}
	u := User{Home: "/"}
	entry, err := passwd.user(name)
	if err != nil {
		return User{}, err
	}
	u.UID, u.GID = entry.uid, entry.gid
	if strings.HasPrefix(entry.home, "/") {
		u.Home = entry.home
	}
	if !grouped && entry.name == "" {
		return u, nil // nobody lists who has no name
	}
	groups, err := read("etc/group")
	if err != nil {
		return User{}, err
	}
	if grouped {
		u.GID, err = groups.group(group)
	} else {
		u.Groups, err = groups.of(entry.name)
	}
	return u, err
}

// user finds a user by name or number. Of several the first counts, as for getpwnam(3).
func (f *file) user(who string) (passwdEntry, error) {
	uid, isNumber, err := parseID(who)
	if err != nil {
		return passwdEntry{}, err
	}
	for line := range strings.Lines(f.text) {
		entry, ok := parsePasswd(line)
		if ok && (isNumber && entry.uid == uid || !isNumber && entry.name == who) {
			return entry, nil
		}
	}
	if !isNumber {
		return passwdEntry{}, &unknown{f, "user", who, "1000:1000"}
	}
	return passwdEntry{uid: uid}, nil
}

// group finds the number of a group.
func (f *file) group(which string) (uint32, error) {
	gid, isNumber, err := parseID(which)
	if err != nil || isNumber {
		return gid, err
	}
	for line := range strings.Lines(f.text) {
		if entry, ok := parseGroup(line); ok && entry.name == which {
			return entry.gid, nil
		}
	}
	return 0, &unknown{f, "group", which, "UID:GID"}
}

// maxGroups is how many a process can have (NGROUPS_MAX in linux/limits.h).
const maxGroups = 65536

// of lists the groups that the user of that name is a member of.
func (f *file) of(name string) ([]uint32, error) {
	var list []uint32
	for line := range strings.Lines(f.text) {
		entry, ok := parseGroup(line)
		if !ok || !entry.has(name) {
			continue
		}
		if list = append(list, entry.gid); len(list) > maxGroups {
			return nil, fmt.Errorf("%s lists user %q in more than %d groups", f, name, maxGroups)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// unknown is the error for a name that is not in a file. Numbers are always to be had.
type unknown struct {
	file       *file
	kind, name string
	numbers    string // to give instead
}

func (u *unknown) Error() string {
	if u.file.missing {
		return fmt.Sprintf("the container has no /%s to find %s %q in", u.file.path, u.kind, u.name)
	}
	return fmt.Sprintf("there is no %s %q in %s", u.kind, u.name, u.file)
}
