package cli

import (
	"errors"

	"unc/internal/name"
	"unc/internal/record"
)

// namedFlags are which containers a command is about.
type namedFlags struct {
	All  bool     `short:"a"`
	Name []string `arg:"" optional:""`
}

// Validate refuses none, and names that nothing can have.
func (f *namedFlags) Validate() error {
	switch {
	case f.All && len(f.Name) > 0:
		return errors.New("--all is all of them: there is nothing to name beside it")
	case !f.All && len(f.Name) == 0:
		return errors.New("which container? give its name, or --all")
	}
	for _, n := range f.Name {
		if err := name.Check(n); err != nil {
			return err
		}
	}
	return nil
}

// each calls do for all of the containers, for which suits says which --all means. What is
// wrong with one keeps it from none of the others: it is printed, and the exit code tells.
func (f *namedFlags) each(suits func(*record.Entry) bool, do func(*record.Entry) error) (int, error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	var entries []*record.Entry
	code := 0
	if f.All {
		all, err := list()
		if err != nil {
			return 0, err
		}
		for _, e := range all {
			if suits(e) {
				entries = append(entries, e)
			}
		}
	} else {
		entries, code = findAll(f.Name)
	}
	for _, e := range entries {
		if err := do(e); err != nil && !f.passesOver(e, err) {
			code = Fail(err)
		}
	}
	return code, nil
}

// passesOver tells whether nothing is wrong with that a container has ended meanwhile: it has
// been one of all, and nobody has named it.
func (f *namedFlags) passesOver(e *record.Entry, err error) bool { return f.All && hasEnded(e, err) }

func runs(e *record.Entry) bool { return e.Alive }

func isKept(e *record.Entry) bool { return !e.Alive }
