package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/record"
)

// parseSignal reads a number, or a name with or without SIG.
func parseSignal(text string) (int, error) {
	if number, err := strconv.Atoi(text); err == nil {
		return number, checkSignal(number)
	}
	upper := strings.ToUpper(text)
	if !strings.HasPrefix(upper, "SIG") {
		upper = "SIG" + upper
	}
	if sig := unix.SignalNum(upper); sig != 0 {
		return int(sig), nil
	}
	return 0, fmt.Errorf("there is no signal %.40q; kill -l lists them", text)
}

func checkSignal(number int) error {
	if number < 1 || number > 64 {
		return fmt.Errorf("there is no signal %d", number)
	}
	return nil
}

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
