package idmap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"unc/internal/rawio"
)

// Of is the map of the user namespace that a process is in, with the ids outside as
// this process knows them. The kernel shows it to everybody, also of a process that
// nobody may look into otherwise.
func Of(pid int) (m Map, err error) {
	for _, file := range []struct {
		name string
		into *[]Range
	}{{"uid_map", &m.UIDs}, {"gid_map", &m.GIDs}} {
		path := "/proc/" + strconv.Itoa(pid) + "/" + file.name
		text, err := rawio.ReadFile(path, maxShown)
		if err != nil {
			return Map{}, err
		}
		if *file.into, err = parseRanges(string(text)); err != nil {
			return Map{}, fmt.Errorf("reading %q: %w", path, err)
		}
	}
	return m, nil
}

// A map has UID_GID_MAP_MAX_EXTENTS lines at most, of three columns (uid_m_show in
// kernel/user_namespace.c); maxShown is in bytes.
const (
	maxLines = 340
	maxShown = maxLines * int64(len("4294967295 4294967295 4294967295\n"))
)

// parseRanges reads uid_map or gid_map. No map is not an empty one, but one that is
// not written yet.
func parseRanges(text string) ([]Range, error) {
	var list []Range
	for line := range strings.Lines(text) {
		r, ok := parseRange(strings.TrimSuffix(line, "\n"))
		if !ok {
			return nil, fmt.Errorf("%q is no range of ids", line)
		}
		list = append(list, r)
	}
	switch {
	case len(list) == 0:
		return nil, errors.New("it is empty")
	case len(list) > maxLines:
		return nil, fmt.Errorf("it has %d lines, and %d are the most", len(list), maxLines)
	}
	return list, nil
}

func parseRange(line string) (Range, bool) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return Range{}, false
	}
	var numbers [3]uint32
	for i, field := range fields {
		n, err := strconv.ParseUint(field, 10, 32)
		if err != nil {
			return Range{}, false
		}
		numbers[i] = uint32(n)
	}
	r := Range{Inside: numbers[0], Outside: numbers[1], Count: numbers[2]}
	// 4294967295 is nobody's: what the kernel shows for an id that its reader does not have.
	room := ^uint32(0) - max(r.Inside, r.Outside)
	return r, r.Count > 0 && r.Count <= room
}
