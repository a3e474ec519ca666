package netplumb

import (
	"unc/internal/name"
	"unc/internal/policy"
)

// work is what net-setup can be asked for. As long as a field is not set, everything is
// checked.
type work struct {
	do       func(*conn, *policy.Policy, Request) (Result, error)
	anybody  bool              // root and nobody may ask as well: no lease is put to their account
	noPolicy bool              // whatever the administrator says, and whether that can be read
	advice   func(error) error // adds to the reason why there is no capability; may be nil

	// despite takes the place of do and of all checks: it is told why there is no
	// capability, makes them itself, and goes on where they fail.
	despite func(held error) *Checkup
}

// The words for it. There are FromStdin as well, and flags with a process number.
const (
	reportWord  = "report"
	checkupWord = "checkup"
	reloadWord  = "reload"
	removeWord  = "remove"
	releaseWord = "release" // NAME
)

// parse is the whole grammar of net-setup's arguments.
func parse(args []string) (work, Request, error) {
	attaching := work{do: attach, advice: orGoWithout}
	switch {
	case len(args) == 1:
		switch args[0] {
		case FromStdin:
			return attaching, Request{}, nil
		case reportWord:
			return work{do: report, anybody: true}, Request{}, nil
		case checkupWord:
			return work{despite: checkup}, Request{}, nil
		case reloadWord:
			return work{do: reload, anybody: true}, Request{}, nil
		case removeWord:
			return work{do: removeAll, anybody: true}, Request{}, nil
		}
	case len(args) == 2 && args[0] == releaseWord:
		r := Request{Name: args[1]}
		return work{do: letGo, noPolicy: true}, r, name.Check(r.Name)
	}
	r, err := parseArgs(args)
	return attaching, r, err
}
