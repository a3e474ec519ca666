package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/name"
	"unc/internal/netplumb"
)

// execCmd runs one more command in a container that runs.
type execCmd struct {
	Workdir     string `short:"w" placeholder:"DIR"`
	User        string `short:"u" placeholder:"USER[:GROUP]"`
	Interactive bool   `short:"i"`
	TTY         bool   `short:"t" name:"tty"`
	Detach      bool   `short:"d"`

	environmentFlags

	Name    string   `arg:""`
	Command []string `arg:"" passthrough:""`
}

// Validate checks what can be checked without the container.
func (e *execCmd) Validate() error {
	if err := name.Check(e.Name); err != nil {
		return err
	}
	if e.Detach && e.TTY {
		return errors.New("--tty means nothing with --detach")
	}
	if err := (&identityFlags{User: e.User}).Validate(); err != nil {
		return err
	}
	return errors.Join(checkWorkdir(e.Workdir), checkCommand(e.Command), e.environmentFlags.Validate())
}

// run stays with the command to its end, as unc run does.
func (e *execCmd) run(*netplumb.Helper) (code int, err error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	t, err := terminalOf(e.TTY)
	if err != nil {
		return 0, err
	}
	streams := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	if e.Detach {
		null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
		if err != nil {
			return 0, err
		}
		t, streams = &terminal{}, []*os.File{null, null, null}
	}
	asked := &control.Command{
		Args: afterDashes(e.Command), Workdir: control.Text(e.Workdir), User: control.Text(e.User), Terminal: t.is, Detach: e.Detach,
	}
	if asked.Env, err = e.environment([]string{"TERM=" + t.kind()}); err != nil {
		return 0, err
	}
	found, err := find(e.Name)
	if err != nil {
		return 0, err
	}
	conn, err := dial(found)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	child := &remote{conn: conn, joined: slices.Contains(t.is[:], true)}
	sv := newSupervisor(child, t)
	sv.grace = starting
	if !e.Detach {
		// Before the command can be there, whose signals they are.
		go sv.catchSignals()
		<-sv.caught
	}
	if err := conn.Send(&control.Request{Verb: control.Exec, Command: asked}, streams...); err != nil {
		return 0, fmt.Errorf("asking the container's supervisor: %w", err)
	}
	if e.Detach {
		return 0, child.begin()
	}
	return e.supervise(sv, child, t)
}

// starting is how long a command takes to start at most in a container that is well.
const starting = time.Second

// supervise joins the terminals and goes on as with a container of its own.
func (e *execCmd) supervise(sv *supervisor, child *remote, t *terminal) (int, error) {
	defer t.restore()
	if child.joined {
		_, files, err := child.conn.Hear()
		if err != nil {
			return 0, err
		}
		if len(files) != 1 || !isTerminal(files[0]) {
			control.CloseFiles(files)
			return 0, errors.New("the container's supervisor has passed no terminal")
		}
		if err := t.join(files[0]); err != nil {
			return 0, err
		}
	}
	begun := t.giveBackAfter(starting)
	err := child.begin()
	if err := errors.Join(err, begun()); err != nil {
		return 0, err
	}
	t.heed(unix.SIGWINCH) // there may have been one meanwhile
	if err := sv.release(isStarted); err != nil {
		return 0, err
	}
	return sv.supervise(nil)
}

// isStarted releases what another process has started.
func isStarted() error { return nil }
