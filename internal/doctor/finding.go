package doctor

import (
	"slices"

	"unc/internal/hint"
)

// State is how grave a finding is.
type State string

// The states, in the words that are printed.
const (
	OK      State = "ok"
	Note    State = "note"
	Problem State = "problem"
)

// Finding is what one check has found.
type Finding struct {
	Name  string   `json:"name"`  // the check's, lower case with dashes
	State State    `json:"state"` // ok, note or problem
	Text  string   `json:"text"`  // a sentence
	Fix   []string `json:"fix"`   // commands to paste, one after the other or one of them; empty when there is nothing to do
}

func fine(name, text string) Finding { return Finding{name, OK, text, []string{}} }

// found is a finding of an error, which has its commands as hints.
func found(name string, state State, err error) Finding {
	return Finding{name, state, err.Error(), append([]string{}, hint.Of(err)...)}
}

// judged is a problem where there is an error, and else well.
func judged(name string, err error, well string) Finding {
	if err != nil {
		return found(name, Problem, err)
	}
	return fine(name, well)
}

// Failing tells whether there is a problem among the findings.
func Failing(list []Finding) bool {
	return slices.ContainsFunc(list, func(f Finding) bool { return f.State == Problem })
}

// refer has those that repeat an earlier one only name it: there is one thing to do.
func refer(list []Finding) {
	for i := range list {
		if list[i].State == OK {
			continue
		}
		first := slices.IndexFunc(list[:i], func(f Finding) bool {
			return f.State != OK && f.Text == list[i].Text && slices.Equal(f.Fix, list[i].Fix)
		})
		if first >= 0 {
			list[i].Text = "for the same reason as " + list[first].Name
			list[i].Fix = []string{}
		}
	}
}
