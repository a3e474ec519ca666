package cli

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"unc/internal/record"
)

// killCmd sends containers' commands a signal.
type killCmd struct {
	Signal signalNumber `short:"s" default:"KILL" placeholder:"SIGNAL"`

	namedFlags
}

// run prints the names of those that have got it; they have ended when it was SIGKILL.
func (k *killCmd) run() (int, error) {
	send := func(e *record.Entry) error { return sendSignal(e, int(k.Signal), false) }
	if unix.Signal(k.Signal) == unix.SIGKILL {
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
