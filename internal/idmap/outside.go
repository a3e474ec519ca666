package idmap

// InsideUID is what the user id of the parent namespace is inside; ok is false for one
// that is not mapped.
func (m Map) InsideUID(outside uint32) (inside uint32, ok bool) { return findOutside(m.UIDs, outside) }

// InsideGID is InsideUID for groups.
func (m Map) InsideGID(outside uint32) (inside uint32, ok bool) { return findOutside(m.GIDs, outside) }

func findOutside(list []Range, outside uint32) (inside uint32, ok bool) {
	for _, r := range list {
		if outside >= r.Outside && outside-r.Outside < r.Count {
			return r.Inside + (outside - r.Outside), true
		}
	}
	return 0, false
}
