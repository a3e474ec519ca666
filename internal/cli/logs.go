package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/alecthomas/kong"

	"unc/internal/control"
	"unc/internal/hint"
	"unc/internal/logfile"
	"unc/internal/name"
	"unc/internal/record"
)

// logsCmd shows what a detached container has written.
type logsCmd struct {
	Follow     bool      `short:"f"`
	Tail       lineCount `short:"n" default:"all" placeholder:"N"`
	Timestamps bool      `short:"t"`
	Name       string    `arg:""`
}

// Validate checks the name.
func (l *logsCmd) Validate() error { return name.Check(l.Name) }

// lineCount is how many lines to show, all of them when it is negative.
type lineCount int

// Decode takes -1 as well, which to kong looks like a flag.
func (n *lineCount) Decode(ctx *kong.DecodeContext) error {
	var text minusOne
	if err := text.Decode(ctx); err != nil {
		return err
	}
	return n.UnmarshalText([]byte(text))
}

// UnmarshalText reads the number.
func (n *lineCount) UnmarshalText(text []byte) error {
	if *n = -1; string(text) == "all" || string(text) == "-1" {
		return nil
	}
	number, err := strconv.ParseUint(string(text), 10, 31)
	if err != nil {
		return errors.New("it is no number of lines, nor all")
	}
	*n = lineCount(number)
	return nil
}

// run prints it to where the container's command wrote it.
func (l *logsCmd) run() (int, error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	e, err := find(l.Name)
	if err != nil {
		return 0, err
	}
	dir, err := e.Dir()
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	if !e.Info.Detached && !logfile.Has(dir) {
		return 0, hint.With(fmt.Errorf("container %q writes to where it was started, and nothing of it is kept", e.Info.Name),
			"unc run --detach COMMAND    # keeps what the command writes")
	}
	over, err := l.over(e, dir)
	if err != nil {
		return 0, err
	}
	return 0, readLog(dir, logfile.Options{Tail: int(l.Tail), Follow: l.Follow, Timestamps: l.Timestamps}, over)
}

// over is closed when nothing more will be written that is to be shown, and has the rest of the log.
func (l *logsCmd) over(e *record.Entry, dir *os.File) (<-chan *logfile.Rest, error) {
	if !l.Follow || !e.Alive {
		over := make(chan *logfile.Rest)
		close(over)
		return over, nil
	}
	conn, err := dial(e)
	if err != nil {
		return nil, err
	}
	if err := conn.Send(&control.Request{Verb: control.Follow}); err != nil && !errors.Is(err, control.ErrGone) {
		conn.Close()
		return nil, err
	}
	// What the supervisor can't be heard to say about the end, the log itself shows.
	return awaitEnd(conn, dir, false).rest, nil
}
