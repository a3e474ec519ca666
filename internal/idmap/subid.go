package idmap

import (
	"strconv"
	"strings"
)

// subIDs takes those lines of subuid(5) or subgid(5) that are for the user of that
// name or number, in their order. Lines that are none are passed over, as shadow's
// own programs do.
//
// An id counts once, though a user may well have the same line by name and by number;
// and own is not subordinate, wherever it is listed: the kernel refuses a map in which
// two lines overlap (mappings_overlap in kernel/user_namespace.c).
func subIDs(text, name string, uid, own uint32) []span {
	number := strconv.FormatUint(uint64(uid), 10)
	taken := []span{{own, own}}
	for line := range strings.Lines(text) {
		owner, rest, _ := strings.Cut(line, ":")
		if owner != number && (name == "" || owner != name) {
			continue
		}
		if s, ok := parseSpan(strings.TrimSuffix(rest, "\n")); ok {
			taken = append(taken, s.without(taken)...)
		}
		if len(taken) > maxText/len("0 0 1\n") { // more than a map has room for
			break
		}
	}
	return taken[1:]
}

// parseSpan reads what follows the name: the first id and how many there are.
func parseSpan(text string) (span, bool) {
	start, length, _ := strings.Cut(text, ":")
	first, err := strconv.ParseUint(start, 10, 32)
	if err != nil {
		return span{}, false
	}
	count, err := strconv.ParseUint(length, 10, 32)
	if err != nil || count == 0 || first+count-1 > maxID {
		return span{}, false
	}
	return span{uint32(first), uint32(first + count - 1)}, true
}

// mapped reads uid_map or gid_map: the ids that the namespace of this process has.
// The kernel pads its columns with spaces.
func mapped(text string) []span {
	var list []span
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		// "0 0 4294967295", of the initial namespace, ends with maxID.
		if s, ok := parseSpan(fields[0] + ":" + fields[2]); ok {
			list = append(list, s)
		}
	}
	return list
}

// free is where 65536 ids begin that neither file gives to anybody, at or after those
// that useradd(8) begins with (SUB_UID_MIN in login.defs(5)).
func free(texts ...string) uint64 {
	first := uint64(100000)
	for _, text := range texts {
		for line := range strings.Lines(text) {
			_, rest, _ := strings.Cut(line, ":")
			if s, ok := parseSpan(strings.TrimSuffix(rest, "\n")); ok {
				first = max(first, uint64(s.last)+1)
			}
		}
	}
	return first
}
