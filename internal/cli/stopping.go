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

// signalAndWait sends it, and has begun to wait for the end before. One that has
// ended meanwhile is none that could not be stopped.
func signalAndWait(e *record.Entry, number int) (*stopping, error) {
	s := &stopping{e, make(chan error, 1)}
	conn, _, files, err := ask(e, &control.Request{Verb: control.Wait})
	control.CloseFiles(files)
	if hasEnded(e, err) {
		s.ended <- nil
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	go func() {
		defer conn.Close()
		_, err := killed(conn.HearCode())
		s.ended <- err
	}()
	err = sendSignal(e, number, true)
	if errors.Is(err, record.ErrNotThere) || errors.Is(err, control.ErrGone) {
		err = nil // it could be asked, and so had started
	}
	return s, err
}
