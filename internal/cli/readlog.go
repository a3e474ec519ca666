package cli

import (
	"errors"
	"os"

	"unc/internal/control"
	"unc/internal/logfile"
)

// readLog shows what a container has written, and with Follow what it will until it is over.
func readLog(dir *os.File, o logfile.Options, over <-chan *logfile.Rest) error {
	o.Note = warn
	return logfile.Read(dir, o, os.Stdout, os.Stderr, over)
}

// logEnd is the end of a container whose log is read.
type logEnd struct {
	rest chan *logfile.Rest // gets what is left of the log, and is closed
	come chan struct{}      // closed when the name is free, with
	code int
	err  error
}

// awaitEnd hears of it, in a conversation that is accepted or has just begun.
func awaitEnd(conn *control.Conn, dir *os.File, accepted bool) *logEnd {
	e := &logEnd{rest: make(chan *logfile.Rest, 1), come: make(chan struct{})}
	go func() {
		defer close(e.come)
		defer close(e.rest)
		var rest *logfile.Rest
		e.code, rest, e.err = hearEnd(conn, dir, accepted)
		e.rest <- rest
	}()
	return e
}

// hearEnd waits for the end of a container whose log is read, for its exit code. It opens the
// rest of the log before the supervisor removes that, and returns when it has: the name is
// free then. A supervisor that was killed has removed nothing, and has no code to tell; nor is one
// heard of that ended before it accepted.
func hearEnd(conn *control.Conn, dir *os.File, accepted bool) (code int, rest *logfile.Rest, err error) {
	if !accepted {
		err = conn.HearAccepted()
	}
	if err == nil {
		code, err = killed(conn.HearCode())
	}
	if err != nil && !errors.Is(err, control.ErrGone) {
		return 0, nil, err
	}
	if rest, err = logfile.OpenRest(dir); err != nil {
		return 0, nil, err
	}
	if err = conn.Send(control.Order{Go: true}); err == nil {
		err = conn.AwaitEnd()
	}
	if errors.Is(err, control.ErrGone) {
		err = nil
	}
	return code, rest, err
}
