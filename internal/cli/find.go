package cli

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/hint"
	"unc/internal/record"
)

// find looks up a container of the user's, one that runs or one that is kept.
func find(called string) (*record.Entry, error) {
	store, err := record.Open()
	if err != nil {
		return nil, err
	}
	return store.Find(called)
}

// list is all of them; what supervisors that were killed have left is swept on the way.
func list() ([]*record.Entry, error) {
	store, err := record.Open()
	if err != nil {
		return nil, err
	}
	return store.List(releaseName)
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

// findAndDial is both, for a name that was typed.
func findAndDial(called string) (*control.Conn, error) {
	e, err := find(called)
	if err != nil {
		return nil, err
	}
	return dial(e)
}

// hasEnded tells whether nobody can be asked any more.
func hasEnded(e *record.Entry) bool {
	fd, err := e.Dial()
	if err == nil {
		unix.Close(fd)
	}
	return errors.Is(err, record.ErrNotThere)
}

// sendSignal has a supervisor send its container's command a signal, which with stop is to
// end it, whichever it is.
func sendSignal(e *record.Entry, number int, stop bool) error {
	conn, _, files, err := ask(e, &control.Request{Verb: control.Signal, Signal: number, Stop: stop})
	if err != nil {
		return err
	}
	closeFiles(files)
	return conn.Close()
}

// awaitEnd waits for the end of a container, for its exit code.
func awaitEnd(conn *control.Conn) (int, error) { return killed(askEnd(conn)) }

// askEnd does, and the error is control.ErrGone when nobody tells of it.
func askEnd(conn *control.Conn) (code int, err error) {
	err = conn.Send(&control.Request{Verb: control.Wait})
	if err == nil {
		code, err = conn.HearCode()
	}
	return code, err
}

// killed is the code of a container whose supervisor has none to tell: the kernel has ended
// both then.
func killed(code int, err error) (int, error) {
	if errors.Is(err, control.ErrGone) {
		return killedCode, nil
	}
	return code, err
}

// killedCode is the exit code of what SIGKILL has ended.
const killedCode = 128 + 9
