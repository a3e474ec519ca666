package cli

import (
	"errors"
	"fmt"
	"os"

	"unc/internal/control"
	"unc/internal/hint"
	"unc/internal/record"
)

// find looks up a container of the user's, one that runs or one that is kept. It is asked by
// way of the store, which is therefore open to the end of the process: a command's, not a
// supervisor's.
func find(called string) (*record.Entry, error) {
	store, err := record.Open()
	if err != nil {
		return nil, err
	}
	return store.Find(called)
}

// findAll looks up some of them. What is wrong with one keeps none of the others from being
// found: it is printed, and the exit code tells.
func findAll(names []string) (entries []*record.Entry, code int) {
	store, err := record.Open()
	if err != nil {
		return nil, Fail(err)
	}
	for _, n := range names {
		e, err := store.Find(n)
		if err != nil {
			code = Fail(err)
			continue
		}
		entries = append(entries, e)
	}
	return entries, code
}

// list is all of them; what supervisors that were killed have left is swept on the way.
func list() ([]*record.Entry, error) {
	store, err := record.Open()
	if err != nil {
		return nil, err
	}
	return store.List(forget)
}

// lookAgain is what a container has become, or nil when nothing is left of it: another may
// have its name by now.
func lookAgain(e *record.Entry) *record.Entry {
	now, err := find(e.Info.Name)
	if err != nil || !now.IsSame(e) {
		return nil
	}
	return now
}

// hasEnded tells whether err, of who wanted to ask a container, means that it has ended since it
// was found. One that can't be asked may also be about to start.
func hasEnded(e *record.Entry, err error) bool {
	if errors.Is(err, record.ErrNotThere) {
		now := lookAgain(e)
		return now == nil || !now.Alive
	}
	return errors.Is(err, control.ErrGone)
}

// dial begins a conversation with a container's supervisor.
func dial(e *record.Entry) (*control.Conn, error) {
	if !e.Alive {
		return nil, hint.With(fmt.Errorf("container %q has ended", e.Info.Name), "unc logs "+e.Info.Name)
	}
	fd, err := e.Dial()
	if err != nil {
		return nil, err
	}
	return control.NewConn(fd)
}

// ask begins a conversation with a request that is answered at once.
func ask(e *record.Entry, r *control.Request) (*control.Conn, control.Reply, []*os.File, error) {
	conn, err := dial(e)
	if err != nil {
		return nil, control.Reply{}, nil, err
	}
	reply, files, err := conn.Ask(r)
	if errors.Is(err, control.ErrSilent) {
		err = hint.With(fmt.Errorf("asking container %q: %w", e.Info.Name, err),
			fmt.Sprintf("kill -CONT %d    # if somebody has stopped it", e.Info.Supervisor))
	}
	if err != nil {
		conn.Close()
		return nil, control.Reply{}, nil, err
	}
	return conn, reply, files, nil
}
