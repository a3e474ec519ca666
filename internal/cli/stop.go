package cli

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/record"
)

// stopCmd asks containers to end, and after a while makes them.
type stopCmd struct {
	Time   int          `short:"t" default:"10" placeholder:"SECONDS"`
	Signal signalNumber `short:"s" default:"TERM" placeholder:"SIGNAL"`

	namedFlags
}

// Validate checks the time.
func (s *stopCmd) Validate() error {
	switch {
	case s.Time < 0:
		return about("--time", strconv.Itoa(s.Time), errors.New("no time can be negative"))
	case s.Time > math.MaxInt32: // as nanoseconds it might be negative, and no time at all
		return about("--time", strconv.Itoa(s.Time), fmt.Errorf("%d seconds are the most; unc wait waits for ever", math.MaxInt32))
	}
	return s.namedFlags.Validate()
}

// run prints the names of those that have ended, all of which are asked first.
func (s *stopCmd) run() (int, error) {
	deadline := time.Now().Add(time.Duration(s.Time) * time.Second)
	var stopping []stopped
	code, err := s.each(runs, func(e *record.Entry) error {
		one, err := begin(e, int(s.Signal), true)
		if err == nil {
			stopping = append(stopping, one)
		}
		return err
	})
	for _, one := range stopping {
		if err := one.finish(deadline); err != nil {
			code = Fail(err)
			continue
		}
		fmt.Fprintln(os.Stdout, one.entry.Info.Name)
	}
	return code, err
}

// stopped is a container that has been asked to end.
type stopped struct {
	entry *record.Entry
	ended chan error
}

// begin asks it, and begins to wait for its end before.
func begin(e *record.Entry, number int, stop bool) (stopped, error) {
	conn, err := dial(e)
	if err != nil {
		return stopped{}, err
	}
	s := stopped{e, make(chan error, 1)}
	go func() {
		defer conn.Close()
		_, err := awaitEnd(conn)
		if err != nil && hasEnded(e) {
			err = nil // before it could be asked
		}
		s.ended <- err
	}()
	return s, sendSignal(e, number, stop)
}

// finish waits until the container has ended; from the deadline on it has to.
func (s stopped) finish(deadline time.Time) error {
	select {
	case err := <-s.ended:
		return err
	case <-time.After(time.Until(deadline)):
	}
	err := sendSignal(s.entry, int(unix.SIGKILL), true)
	if err != nil && !isOver(err) {
		return err
	}
	return <-s.ended
}

// isOver tells whether a container can't be asked any more because it has ended meanwhile.
func isOver(err error) bool {
	return errors.Is(err, record.ErrNotThere) || errors.Is(err, control.ErrGone)
}

// killCmd sends containers' commands a signal.
type killCmd struct {
	Signal signalNumber `short:"s" default:"KILL" placeholder:"SIGNAL"`

	namedFlags
}

// run prints the names of those that have got it; they have ended when it was SIGKILL.
func (k *killCmd) run() (int, error) {
	return k.each(runs, func(e *record.Entry) error {
		one, err := begin(e, int(k.Signal), false)
		if err != nil {
			return err
		}
		if unix.Signal(k.Signal) == unix.SIGKILL {
			if err := <-one.ended; err != nil {
				return err
			}
		}
		_, err = fmt.Fprintln(os.Stdout, e.Info.Name)
		return err
	})
}

// waitCmd waits for the end of containers.
type waitCmd struct{ namedFlags }

// run prints the exit code of each.
func (w *waitCmd) run() (int, error) {
	return w.each(runs, func(e *record.Entry) error {
		code, err := codeOf(e)
		if err == nil {
			_, err = fmt.Fprintln(os.Stdout, code)
		}
		return err
	})
}

// codeOf waits for the end of a container, for its exit code. One that was about to end, and
// can't be asked any more, may be kept by now.
func codeOf(e *record.Entry) (int, error) {
	if !e.Alive {
		return e.Info.Ended.Code, nil
	}
	conn, err := dial(e)
	code := 0
	if err == nil {
		defer conn.Close()
		code, err = askEnd(conn)
	}
	if isOver(err) {
		if now, err := find(e.Info.Name); err == nil && now.IsSame(e) && !now.Alive {
			return now.Info.Ended.Code, nil
		}
	}
	return killed(code, err)
}
