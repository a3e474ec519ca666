package doctor

import (
	"fmt"
	"strconv"

	"unc/internal/filecap"
	"unc/internal/userns"
)

func (m *machine) userNamespaces() []Finding {
	const name = "user-namespaces"
	if err := m.settings.Forbidden(); err != nil {
		return []Finding{found(name, Problem, err)}
	}
	limit := m.settings(userns.Limit("user"))
	if limit == "" {
		return []Finding{fine(name, "this kernel shows no limit of them")}
	}
	return []Finding{judged(name, m.settings.TurnedOff("user"), "this user may have "+limit)}
}

// namespaces looks at those that a user namespace is made for.
func (m *machine) namespaces() []Finding {
	const name = "namespaces"
	if err := m.settings.TurnedOff(userns.Kinds()...); err != nil {
		return []Finding{found(name, Problem, err)}
	}
	fewest, of := 0, ""
	for _, kind := range userns.Kinds()[1:] {
		if n, err := strconv.Atoi(m.settings(userns.Limit(kind))); err == nil && (of == "" || n < fewest) {
			fewest, of = n, kind
		}
	}
	if of == "" {
		return []Finding{fine(name, "this kernel shows no limits of them")}
	}
	return []Finding{fine(name, fmt.Sprintf("this user may have %d of kind %s, and no fewer of the others", fewest, of))}
}

// appArmor asks which profile this very process is under, which is the same as that of
// any unc of this path: the list of those that are loaded is root's to read.
func (m *machine) appArmor() []Finding {
	const name = "apparmor"
	if !m.settings.Restricts() {
		return []Finding{fine(name, "it does not restrict user namespaces here")}
	}
	label, err := userns.Label(m.root)
	if err != nil {
		return []Finding{found(name, Problem, fmt.Errorf("looking for unc's profile: %w", err))}
	}
	return []Finding{judged(name, m.settings.Restricted(filecap.Path(), label), "unc has the profile "+label)}
}
