package cli

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/record"
)

// rmCmd forgets containers that have failed.
type rmCmd struct {
	Force bool `short:"f"`

	namedFlags
}

// run prints the names of those that are forgotten.
func (r *rmCmd) run() (int, error) {
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
		return hint.With(fmt.Errorf("container %q is running", e.Info.Name), "unc stop "+e.Info.Name+"    # nothing of it is left then", "unc rm --force "+e.Info.Name)
	}
	one, err := begin(e, int(unix.SIGKILL), true)
	if err != nil {
		return err
	}
	return <-one.ended
}
