package cli

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// passed is supervised, and gets signals.
type passed struct{ signals []unix.Signal }

func (p *passed) Signal(sig unix.Signal) error {
	p.signals = append(p.signals, sig)
	return nil
}

func (p *passed) Wait() (int, error) { return 0, nil }

// What comes before the command runs: here it is not unc that it ends.
func TestEarlySignals(t *testing.T) {
	for _, test := range []struct {
		name        string
		early, late []unix.Signal
		want        []unix.Signal
	}{
		{"none", nil, []unix.Signal{unix.SIGTERM}, []unix.Signal{unix.SIGTERM}},
		{"one that ends a program", []unix.Signal{unix.SIGINT}, nil, []unix.Signal{unix.SIGINT}},
		{"in their order", []unix.Signal{unix.SIGHUP}, []unix.Signal{unix.SIGTERM}, []unix.Signal{unix.SIGHUP, unix.SIGTERM}},
		{"one about a terminal's size", []unix.Signal{unix.SIGWINCH}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var child passed
			s := newSupervisor(&child, &terminal{})
			s.grace = time.Hour
			for _, sig := range test.early {
				s.handle(sig)
			}
			if len(child.signals) > 0 {
				t.Errorf("got %v before the command runs", child.signals)
			}
			if err := s.release(isStarted); err != nil {
				t.Fatal(err)
			}
			for _, sig := range test.late {
				s.handle(sig)
			}
			if !slices.Equal(child.signals, test.want) {
				t.Errorf("got %v, want %v", child.signals, test.want)
			}
		})
	}
}
