package cli

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/netplumb"
	"unc/internal/record"
)

// stopCmd asks containers to end, and after a while makes them.
type stopCmd struct {
	Time   int    `short:"t" default:"10" placeholder:"SECONDS"`
	Signal string `short:"s" default:"TERM" placeholder:"SIGNAL"`

	namedFlags
}

// Validate checks the signal.
func (s *stopCmd) Validate() error {
	switch {
	case s.Time < 0:
		return about("--time", strconv.Itoa(s.Time), errors.New("no time can be negative"))
	case s.Time > math.MaxInt32: // as nanoseconds it might be negative, and no time at all
		return about("--time", strconv.Itoa(s.Time), fmt.Errorf("%d seconds are the most; unc wait waits for ever", math.MaxInt32))
	}
	_, err := parseSignal(s.Signal)
	return errors.Join(err, s.namedFlags.Validate())
}

// run prints the names of those that have ended, all of which are asked first.
func (s *stopCmd) run(*netplumb.Helper) (int, error) {
	number, err := parseSignal(s.Signal)
	if err != nil {
		return 0, err
	}
	deadline := time.Now().Add(time.Duration(s.Time) * time.Second)
	var asked []*stopping
	code, err := s.each(runs, func(e *record.Entry) error {
		one, err := signalAndWait(e, number)
		if err == nil {
			asked = append(asked, one)
		}
		return err
	})
	for _, one := range asked {
		if err := one.finish(deadline); err != nil {
			code = Fail(err)
			continue
		}
		fmt.Fprintln(os.Stdout, one.entry.Info.Name)
	}
	return code, err
}

// finish waits until the container has ended; from the deadline on it has to.
func (s *stopping) finish(deadline time.Time) error {
	select {
	case err := <-s.ended:
		return err
	case <-time.After(time.Until(deadline)):
	}
	if err := sendSignal(s.entry, int(unix.SIGKILL), true); err != nil && !hasEnded(s.entry, err) {
		return err
	}
	return <-s.ended
}
