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
func (a *attachCmd) run() (int, error) {
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
	v := &visit{
		terminal: findTerminal(), since: now, entry: e, conn: conn, dir: dir,
		left: make(chan struct{}), over: make(chan struct{}), shown: make(chan error, 1),
	}
	if v.is[0] {
		v.leave = a.leave // keys are typed: what comes from a file may be anything
	}
	if len(files) > 0 && !a.NoStdin {
		v.input = files[0]
	}
	if v.input == nil || !reply.Terminal || !v.is[0] {
		v.is = [3]bool{} // nothing is joined
	} else if !isTerminal(v.input) {
		return 0, errors.New("the container's supervisor has passed no terminal")
	}
	defer v.restore()
	sv := newSupervisor(v, v)
	go sv.catchSignals()
	<-sv.caught
	// The command runs already: signals are for it from now on.
	if err := sv.release(); err != nil {
		return 0, err
	}
	if err := v.begin(); err != nil {
		return 0, err
	}
	return sv.supervise()
}

// visit is a container that somebody is attached to: supervised by another process, with a
// console of its own kind, for what the command writes is read in the log.
type visit struct {
	*terminal

	since time.Time // what the command writes is shown from then on
	entry *record.Entry
	conn  *control.Conn
	dir   *os.File // where its log is
	input *os.File // what the command reads is written there; nil: nothing
	leave keys     // what to type to leave
	left  chan struct{}
	over  chan struct{} // the container has ended
	shown chan error    // all that it wrote is shown
	code  int
	err   error
}

// begin joins the terminals, the container's with ours, before anything is shown there that
// expects a raw one.
func (v *visit) begin() error {
	if v.is[0] {
		v.master = v.input
		v.resize()
		if err := v.take(); err != nil {
			return err
		}
	}
	over := make(chan *logfile.Rest, 1)
	go func() {
		defer close(v.over)
		defer close(over)
		var rest *logfile.Rest
		v.code, rest, v.err = hearEnd(v.conn, v.dir)
		over <- rest
	}()
	go func() {
		v.shown <- readLog(v.dir, logfile.Options{Tail: -1, Since: v.since, Follow: true}, over)
	}()
	return nil
}

func (v *visit) Release() error { return nil }

func (v *visit) Started() error { return nil }

// heed ends the visit, where there is a terminal, with a signal that ends any program: what
// is for the command, is typed. A window that is closed leaves the container running.
func (v *visit) heed(sig unix.Signal) bool {
	if v.is[0] && slices.Contains(ending, os.Signal(sig)) {
		v.restore()
		dieOf(sig)
	}
	return v.terminal.heed(sig)
}

// Signal has a signal sent to the container, as if unc run had it.
func (v *visit) Signal(sig unix.Signal) error { return sendSignal(v.entry, int(sig), false) }

// Wait waits until the container has ended, or is left.
func (v *visit) Wait() (int, error) {
	select {
	case <-v.left:
		return 0, nil
	case <-v.over:
		return v.code, v.err
	}
}

// listen begins to pass on what is typed.
func (v *visit) listen() {
	if v.input == nil {
		return
	}
	go func() {
		if v.is[0] && v.awaitForeground() != nil {
			return
		}
		_, err := io.Copy(v.input, &leaving{from: os.Stdin, keys: v.leave})
		if errors.Is(err, errLeft) {
			close(v.left)
		}
	}()
}

// finish shows the rest of what a container has written that has ended.
func (v *visit) finish() {
	select {
	case <-v.over:
		if err := <-v.shown; err != nil {
			warn(err)
		}
	default:
	}
	v.restore()
}

// letGo has nothing to let go of: the command has none of our streams.
func (v *visit) letGo() {}
