package cli

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"unc/internal/netplumb"
	"unc/internal/record"
)

// killCmd sends containers' commands a signal.
type killCmd struct {
	Signal string `short:"s" default:"KILL" placeholder:"SIGNAL"`

	namedFlags
}

// Validate checks the signal.
func (k *killCmd) Validate() error {
	_, err := parseSignal(k.Signal)
	return errors.Join(err, k.namedFlags.Validate())
}

// run prints the names of those that have got it; they have ended when it was SIGKILL.
func (k *killCmd) run(*netplumb.Helper) (int, error) {
	number, err := parseSignal(k.Signal)
	if err != nil {
		return 0, err
	}
	send := func(e *record.Entry) error { return sendSignal(e, number, false) }
	if unix.Signal(number) == unix.SIGKILL {
		send = kill
	}
	return k.each(runs, func(e *record.Entry) error {
		if err := send(e); err != nil {
			return err
		}
		_, err := fmt.Fprintln(os.Stdout, e.Info.Name)
		return err
	})
}

// kill ends a container at once, and returns when it has ended.
func kill(e *record.Entry) error {
	one, err := signalAndWait(e, int(unix.SIGKILL))
	if err != nil {
		return err
	}
	return <-one.ended
}
