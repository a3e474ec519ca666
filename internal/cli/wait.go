package cli

import (
	"errors"
	"fmt"
	"os"

	"unc/internal/control"
	"unc/internal/netplumb"
	"unc/internal/record"
)

// waitCmd waits for the end of containers.
type waitCmd struct{ namedFlags }

// run prints the exit code of each, and has asked all of them before it waits for the first:
// of one that ends meanwhile there would be nobody left to tell.
func (w *waitCmd) run(*netplumb.Helper) (int, error) {
	var asked []*waiting
	exit, err := w.each(runs, func(e *record.Entry) error {
		one, err := beginWait(e)
		if err == nil {
			asked = append(asked, one)
		}
		return err
	})
	for _, one := range asked {
		code, err := one.code()
		if err == nil {
			_, err = fmt.Fprintln(os.Stdout, code)
		}
		if err != nil && !w.passesOver(one.entry, err) {
			exit = Fail(err)
		}
	}
	return exit, err
}

// waiting is a container whose end is waited for.
type waiting struct {
	entry *record.Entry
	conn  *control.Conn
	gone  error // why nobody could be asked any more, in place of conn
}

// beginWait asks for the code of a container.
func beginWait(e *record.Entry) (*waiting, error) {
	if !e.Alive {
		return &waiting{entry: e}, nil
	}
	conn, err := dial(e)
	if err == nil {
		if err = conn.Send(&control.Request{Verb: control.Wait}); err == nil {
			return &waiting{entry: e, conn: conn}, nil
		}
		conn.Close()
	}
	if hasEnded(e, err) {
		return &waiting{entry: e, gone: err}, nil
	}
	return nil, err
}

// code waits for the end, for the exit code. One that was about to end, and could not be asked
// any more, may be kept by now.
func (w *waiting) code() (code int, err error) {
	if !w.entry.Alive {
		return w.entry.Info.Ended.Code, nil
	}
	accepted := false
	if err = w.gone; err == nil {
		defer w.conn.Close()
		if err = w.conn.HearAccepted(); err == nil {
			accepted = true
			code, err = w.conn.HearCode()
		}
	}
	if !hasEnded(w.entry, err) {
		return code, err
	}
	if now := lookAgain(w.entry); now != nil && !now.Alive {
		return now.Info.Ended.Code, nil
	}
	if accepted {
		return killed(code, err)
	}
	if errors.Is(err, control.ErrGone) {
		err = fmt.Errorf("waiting for container %q: %w", w.entry.Info.Name, err)
	}
	return 0, err
}

// killed is the code of a container whose supervisor has accepted to tell it, and has not:
// the kernel has ended both then.
func killed(code int, err error) (int, error) {
	if errors.Is(err, control.ErrGone) {
		return killedCode, nil
	}
	return code, err
}

// killedCode is the exit code of what SIGKILL has ended.
const killedCode = 128 + 9
