package doctor

import "fmt"

// records looks where the records of running containers go. It makes none.
func (m *machine) records() []Finding {
	where, err := m.where()
	return []Finding{judged("records", err, fmt.Sprintf("containers are recorded in %q", where))}
}
