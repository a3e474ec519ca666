package idmap

// Map is how the user and group ids inside a user namespace correspond to those
// outside (user_namespaces(7)).
type Map struct{ UIDs, GIDs []Range }

// Range is a line of uid_map or gid_map: Count ids from Inside on are those from
// Outside on in the parent namespace.
type Range struct{ Inside, Outside, Count uint32 }

// Single has the caller alone, who is uid and gid outside.
func Single(uid, gid, insideUID, insideGID uint32) Map {
	return Map{UIDs: []Range{{insideUID, uid, 1}}, GIDs: []Range{{insideGID, gid, 1}}}
}

// IsSingle tells whether the mapped process may write the map itself. That takes a
// setgroups(2) that is denied before.
func (m Map) IsSingle() bool { return isOne(m.UIDs) && isOne(m.GIDs) }

func isOne(list []Range) bool { return len(list) == 1 && list[0].Count == 1 }

// UID is the user id outside of one inside, if it is mapped.
func (m Map) UID(inside uint32) (outside uint32, ok bool) { return find(m.UIDs, inside) }

// GID is the group id outside of one inside, if it is mapped.
func (m Map) GID(inside uint32) (outside uint32, ok bool) { return find(m.GIDs, inside) }

func find(list []Range, inside uint32) (outside uint32, ok bool) {
	for _, r := range list {
		if inside >= r.Inside && inside-r.Inside < r.Count {
			return r.Outside + (inside - r.Inside), true
		}
	}
	return 0, false
}

// InsideUID is the user id inside of one outside, if it is mapped.
func (m Map) InsideUID(outside uint32) (inside uint32, ok bool) { return findOutside(m.UIDs, outside) }

// InsideGID is the group id inside of one outside, if it is mapped.
func (m Map) InsideGID(outside uint32) (inside uint32, ok bool) { return findOutside(m.GIDs, outside) }

func findOutside(list []Range, outside uint32) (inside uint32, ok bool) {
	for _, r := range list {
		if outside >= r.Outside && outside-r.Outside < r.Count {
			return r.Inside + (outside - r.Outside), true
		}
	}
	return 0, false
}

// UsableGIDs is a span of group ids inside that begins and ends with one that is mapped.
func (m Map) UsableGIDs() (first, last uint32) {
	if len(m.GIDs) == 0 {
		return 0, 0
	}
	first = m.GIDs[0].Inside
	for _, r := range m.GIDs {
		first, last = min(first, r.Inside), max(last, r.Inside+r.Count-1)
	}
	return first, last
}
