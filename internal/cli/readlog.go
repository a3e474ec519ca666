package cli

import (
	"errors"
	"io"
	"os"

	"unc/internal/control"
	"unc/internal/logfile"
)

// readLog shows what a container has written, and with Follow what it will until it is over.
func readLog(dir *os.File, o logfile.Options, over <-chan *logfile.Rest) error {
	o.Note = func(text string) { warn(errors.New(text)) }
	return logfile.Read(dir, o, os.Stdout, os.Stderr, over)
}

// hearEnd waits for the end of a container whose log is read, for its exit code. It opens the
// rest of the log before the supervisor removes that, and returns when it has: the name is
// free then. A supervisor that was killed has removed nothing, and has no code to tell.
func hearEnd(conn *control.Conn, dir *os.File) (code int, rest *logfile.Rest, err error) {
	if code, err = killed(conn.HearCode()); err != nil {
		return 0, nil, err
	}
	if rest, err = logfile.OpenRest(dir); err != nil {
		return 0, nil, err
	}
	if err = conn.Send(control.Order{Go: true}); err == nil {
		err = receiveOrder(conn, new(control.Order))
	}
	if errors.Is(err, control.ErrGone) || errors.Is(err, io.EOF) {
		err = nil
	}
	return code, rest, err
}
