package cli

import (
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/logfile"
	"unc/internal/name"
	"unc/internal/netplumb"
	"unc/internal/record"
)

// attachCmd shows what a detached container writes from now on, and passes on to it what
// is typed.
type attachCmd struct {
	NoStdin    bool   `name:"no-stdin"`
	DetachKeys string `name:"detach-keys" default:"ctrl-p,ctrl-q" placeholder:"KEYS"`
	Name       string `arg:""`

	leave keys
}

// Validate checks the name and the keys.
func (a *attachCmd) Validate() (err error) {
	if a.leave, err = parseKeys(a.DetachKeys); err != nil {
		return about("--detach-keys", a.DetachKeys, err)
	}
	return name.Check(a.Name)
}

// run stays until the container ends, for its exit code, or the keys are typed.
func (a *attachCmd) run(*netplumb.Helper) (int, error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	e, err := find(a.Name)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	conn, reply, files, err := ask(e, &control.Request{Verb: control.Attach})
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	dir, err := e.Dir()
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	attached := &attachment{
		terminal: findTerminal(), since: now, entry: e, conn: conn, dir: dir,
		left: make(chan struct{}), shown: make(chan error, 1),
	}
	if attached.is[0] {
		attached.leave = a.leave // keys are typed: what comes from a file may be anything
	}
	if len(files) > 0 && !a.NoStdin {
		attached.input = files[0]
	}
	if attached.input == nil || !reply.Terminal || !attached.is[0] {
		attached.is = [3]bool{} // nothing is joined
	} else if !isTerminal(attached.input) {
		return 0, errors.New("the container's supervisor has passed no terminal")
	}
	if attached.is[0] {
		attached.master = attached.input // before there is news of its size
	}
	defer attached.restore()
	sv := newSupervisor(attached, attached)
	go sv.catchSignals()
	<-sv.caught
	// The command runs already: signals are for it from now on.
	if err := sv.release(isStarted); err != nil {
		return 0, err
	}
	if err := attached.begin(); err != nil {
		return 0, err
	}
	return sv.supervise(nil)
}

// attachment is a container that somebody is attached to: supervised by another process, with a
// console of its own kind, for what the command writes is read in the log.
type attachment struct {
	*terminal

	since time.Time // what the command writes is shown from then on
	entry *record.Entry
	conn  *control.Conn
	dir   *os.File // where its log is
	input *os.File // what the command reads is written there; nil: nothing
	leave keys     // what to type to leave
	left  chan struct{}
	end   *logEnd
	shown chan error // all that it wrote is shown
}

// begin joins the terminals, the container's with ours, before anything is shown there that
// expects a raw one.
func (a *attachment) begin() error {
	if a.is[0] {
		a.resize()
		if err := a.take(); err != nil {
			return err
		}
	}
	a.end = awaitEnd(a.conn, a.dir, true)
	go func() {
		a.shown <- readLog(a.dir, logfile.Options{Tail: -1, Since: a.since, Follow: true}, a.end.rest)
	}()
	return nil
}

// heed ends the attachment, where there is a terminal, with a signal that ends any program: what
// is for the command, is typed. A window that is closed leaves the container running.
func (a *attachment) heed(sig unix.Signal) bool {
	if a.is[0] && slices.Contains(ending, os.Signal(sig)) {
		a.restore()
		dieOf(sig)
	}
	return a.terminal.heed(sig)
}

// Signal has a signal sent to the container, as if unc run had it.
func (a *attachment) Signal(sig unix.Signal) error { return sendSignal(a.entry, int(sig), false) }

// Wait waits until the container has ended, or is left.
func (a *attachment) Wait() (int, error) {
	select {
	case <-a.left:
		return 0, nil
	case <-a.end.come:
		return a.end.code, a.end.err
	}
}

// listen begins to pass on what is typed.
func (a *attachment) listen() {
	if a.input == nil {
		return
	}
	go func() {
		if a.is[0] && a.awaitForeground() != nil {
			return
		}
		_, err := io.Copy(a.input, &leaving{from: os.Stdin, keys: a.leave})
		if errors.Is(err, errLeft) {
			close(a.left)
		}
	}()
}

// finish shows the rest of what a container has written that has ended.
func (a *attachment) finish() {
	select {
	case <-a.end.come:
		if err := <-a.shown; err != nil {
			warn(err.Error())
		}
	default:
	}
	a.restore()
}

// letGo has nothing to let go of: the command has none of our streams.
func (a *attachment) letGo() {}
