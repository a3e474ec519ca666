package cli

import (
	"fmt"
	"os"

	"unc/internal/hint"
	"unc/internal/netplumb"
	"unc/internal/record"
)

// rmCmd forgets containers that have failed.
type rmCmd struct {
	Force bool `short:"f"`

	namedFlags
}

// run prints the names of those that are forgotten.
func (r *rmCmd) run(*netplumb.Helper) (int, error) {
	suits := isKept
	if r.Force {
		suits = func(*record.Entry) bool { return true }
	}
	return r.each(suits, func(e *record.Entry) error {
		if err := r.remove(e); err != nil {
			return err
		}
		_, err := fmt.Fprintln(os.Stdout, e.Info.Name)
		return err
	})
}

func (r *rmCmd) remove(e *record.Entry) error {
	if !e.Alive {
		return e.Remove()
	}
	if !r.Force {
		return hint.With(fmt.Errorf("container %q is running", e.Info.Name), "unc stop "+e.Info.Name+"    # nothing of it is left then; or unc rm --force")
	}
	if err := kill(e); err != nil {
		return err
	}
	if now := lookAgain(e); now != nil && !now.Alive {
		return now.Remove() // it has failed just before
	}
	return nil
}
