package doctor

import (
	"fmt"
	"strings"

	"unc/internal/cgroup"
	"unc/internal/hint"
	"unc/internal/idmap"
)

// subordinateIDs are what package managers and servers that change their user take.
func (m *machine) subordinateIDs() []Finding {
	const name = "subordinate-ids"
	ids, err := m.ids()
	if err != nil {
		return []Finding{found(name, Note, err)}
	}
	return []Finding{fine(name, fmt.Sprintf("containers have %d user ids and %d group ids", count(ids.UIDs), count(ids.GIDs)))}
}

func count(list []idmap.Range) (n uint64) {
	for _, r := range list {
		n += uint64(r.Count)
	}
	return n
}

func (m *machine) limits() []Finding {
	const name = "limits"
	way, err := cgroup.Survey()
	if err == nil {
		return []Finding{fine(name, "memory, processor time, processors and processes can be limited: "+way)}
	}
	what := "memory, processor time, processors and processes"
	if lacking := cgroup.Lacking(err); lacking != nil {
		what = strings.Join(lacking, " and ")
	}
	return []Finding{found(name, Note, hint.With(fmt.Errorf("no limits of %s: %w", what, err), hint.Of(err)...))}
}
