package users

import (
	"fmt"
	"strconv"
	"strings"
)

// passwdEntry is what counts of a line of passwd(5).
type passwdEntry struct {
	name     string
	uid, gid uint32
	home     string
}

// parsePasswd reads name:password:UID:GID:GECOS:directory:shell. What comes after
// the numbers may be missing.
func parsePasswd(line string) (e passwdEntry, ok bool) {
	fields := splitEntry(line)
	if len(fields) < 4 {
		return passwdEntry{}, false
	}
	e.name = fields[0]
	if e.uid, ok = number(fields[2]); !ok {
		return passwdEntry{}, false
	}
	if e.gid, ok = number(fields[3]); !ok {
		return passwdEntry{}, false
	}
	if len(fields) > 5 {
		e.home = fields[5]
	}
	return e, true
}

// groupEntry is what counts of a line of group(5).
type groupEntry struct {
	name    string
	gid     uint32
	members string // separated by commas
}

// parseGroup reads group_name:password:GID:user_list. The list may be missing.
func parseGroup(line string) (e groupEntry, ok bool) {
	fields := splitEntry(line)
	if len(fields) < 3 {
		return groupEntry{}, false
	}
	e.name = fields[0]
	if e.gid, ok = number(fields[2]); !ok {
		return groupEntry{}, false
	}
	if len(fields) > 3 {
		e.members = fields[3]
	}
	return e, true
}

// has tells whether the user of that name is a member. A name with a comma is nobody's.
func (e groupEntry) has(name string) bool {
	for member := range strings.SplitSeq(e.members, ",") {
		if strings.TrimSpace(member) == name {
			return true
		}
	}
	return false
}

// splitEntry takes a line apart, which like glibc's may begin with white space, or be
// a comment. It returns nil for one that names nobody.
func splitEntry(line string) []string {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' || line[0] == ':' {
		return nil
	}
	return strings.Split(line, ":")
}

// maxID is the last number that a user or group can have (setresuid(2)).
const maxID = 1<<32 - 2

// number reads a number of passwd(5) or group(5).
func number(text string) (uint32, bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil && n <= maxID
}

// parseID tells a number from a name, and refuses numbers that nobody can have.
func parseID(text string) (id uint32, isNumber bool, err error) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false, nil
	}
	id, ok := number(text)
	if !ok {
		return 0, true, fmt.Errorf("%.64q is no number of a user or group: they end with %d", text, uint32(maxID))
	}
	return id, true, nil
}
