package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"unc/internal/control"
	"unc/internal/hint"
	"unc/internal/logfile"
	"unc/internal/name"
	"unc/internal/record"
)

// logsCmd shows what a detached container has written.
type logsCmd struct {
	Follow     bool   `short:"f"`
	Tail       string `short:"n" default:"all" placeholder:"N"`
	Timestamps bool   `short:"t"`
	Name       string `arg:""`
}

// Validate checks the name and the number.
func (l *logsCmd) Validate() error {
	_, err := l.tail()
	return errors.Join(err, name.Check(l.Name))
}

func (l *logsCmd) tail() (int, error) {
	if l.Tail == "all" || l.Tail == "-1" {
		return -1, nil
	}
	n, err := strconv.ParseUint(l.Tail, 10, 31)
	if err != nil {
		return 0, about("--tail", l.Tail, errors.New("it is no number of lines, nor all"))
	}
	return int(n), nil
}

// do prints it to where the container's command wrote it.
func (l *logsCmd) do() error {
	if err := leaveRoot(); err != nil {
		return err
	}
	e, err := find(l.Name)
	if err != nil {
		return err
	}
	tail, err := l.tail()
	if err != nil {
		return err
	}
	dir, err := e.Dir()
	if err != nil {
		return err
	}
	defer dir.Close()
	if !e.Info.Detached && !logfile.Has(dir) {
		return hint.With(fmt.Errorf("container %q writes to where it was started, and nothing of it is kept", e.Info.Name),
			"unc run --detach COMMAND    # keeps what the command writes")
	}
	over, err := l.over(e, dir)
	if err != nil {
		return err
	}
	return readLog(dir, logfile.Options{Tail: tail, Follow: l.Follow, Timestamps: l.Timestamps}, over)
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
