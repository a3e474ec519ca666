package confinement

import (
	"fmt"
	"strings"
)

// Difference is a try that came out otherwise than it was recorded.
type Difference struct {
	Result        // with no outcome where it was not tried
	Was    string // the recorded outcome; empty where there is none
}

func (d Difference) String() string {
	what := fmt.Sprintf("%s: %s %s: ", d.Group, d.Verb, d.Object)
	switch {
	case d.Was == "":
		return what + "got " + d.Outcome + ", which is not recorded"
	case d.Outcome == "":
		return what + "not tried, but recorded as " + d.Was
	}
	return what + "got " + d.Outcome + ", want " + d.Was
}

// Run is a confinement's list beside that of root on the same kernel.
type Run struct{ Confined, Root *List }

// Compare tells where a run came out otherwise than another, which may have been on
// another machine. A try of which root hears something else, or that even root can't
// do, is about the machine and not compared. Nor are the reasons for a no, of which a
// kernel may give one or the other. The number is of those that were compared.
func Compare(measured, recorded Run) (different []Difference, compared int) {
	was, rootWas := recorded.Confined.Outcomes(), recorded.Root.Outcomes()
	rootIs := measured.Root.Outcomes()
	is := measured.Confined.Outcomes()
	for _, r := range recorded.Confined.Results {
		if _, there := is[r.Key()]; !there {
			missing := r
			missing.Outcome = ""
			different = append(different, Difference{missing, r.Outcome})
		}
	}
	for _, r := range measured.Confined.Results {
		key := r.Key()
		if _, there := was[key]; !there {
			different = append(different, Difference{r, ""})
			continue
		}
		if !tells(rootIs[key]) || !same(rootIs[key], rootWas[key]) {
			continue
		}
		compared++
		if !same(r.Outcome, was[key]) {
			different = append(different, Difference{r, was[key]})
		}
	}
	return different, compared
}

// tells is whether it means anything that a confinement's outcome is another.
func tells(root string) bool { return root != "" && !isNo(root) }

// isNo: "no" alone is an answer, with a reason it is an error.
func isNo(outcome string) bool { return strings.HasPrefix(outcome, "no (") }

func same(a, b string) bool { return a == b || isNo(a) && isNo(b) }
