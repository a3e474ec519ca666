package cli

import (
	"errors"

	"unc/internal/control"
	"unc/internal/record"
)

// sendSignal has a supervisor send its container's command a signal, which with stop is to
// end it, whichever it is.
func sendSignal(e *record.Entry, number int, stop bool) error {
	conn, _, files, err := ask(e, &control.Request{Verb: control.Signal, Signal: number, Stop: stop})
	if err != nil {
		return err
	}
	control.CloseFiles(files)
	return conn.Close()
}

// stopping is a container that has been sent a signal that is to end it.
type stopping struct {
	entry *record.Entry
	ended chan error // gets one value when it has
}

// signalAndWait sends it, and has begun to wait for the end before. One that has ended meanwhile is
// none that could not be stopped. Nothing is waited for but that the signal is sent: a supervisor
// that somebody has stopped does what it is asked when it goes on.
func signalAndWait(e *record.Entry, number int) (*stopping, error) {
	w, err := beginWait(e)
	if err != nil {
		return nil, err
	}
	s := &stopping{e, make(chan error, 1)}
	go func() {
		_, err := w.code()
		if w.gone != nil || errors.Is(err, control.ErrGone) {
			err = nil // it has ended, and its code is not what was wanted
		}
		s.ended <- err
	}()
	if err = sendSignal(e, number, true); hasEnded(e, err) {
		err = nil
	}
	return s, err
}
