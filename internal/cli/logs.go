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

// run prints it to where the container's command wrote it.
func (l *logsCmd) run() (int, error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	e, err := find(l.Name)
	if err != nil {
		return 0, err
	}
	tail, err := l.tail()
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
	over := make(chan *logfile.Rest, 1)
	if !l.Follow || !e.Alive {
		close(over)
	} else if err := follow(e, dir, over); err != nil {
		return 0, err
	}
	return 0, readLog(dir, logfile.Options{Tail: tail, Follow: l.Follow, Timestamps: l.Timestamps}, over)
}

// follow has the reader told when a container has ended.
func follow(e *record.Entry, dir *os.File, over chan<- *logfile.Rest) error {
	conn, err := dial(e)
	if err != nil {
		return err
	}
	if err := conn.Send(&control.Request{Verb: control.Follow}); err != nil && !errors.Is(err, control.ErrGone) {
		conn.Close()
		return err
	}
	go func() {
		defer close(over)
		defer conn.Close()
		// Without it, what there is by its name.
		_, rest, _ := hearEnd(conn, dir)
		over <- rest
	}()
	return nil
}
