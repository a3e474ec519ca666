package cli

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestWantedEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		sent []unix.Signal
		code int
		want bool
	}{
		{"nothing was sent", nil, 1, false},
		{"killed by somebody else", nil, 137, false},
		{"stopped", []unix.Signal{unix.SIGTERM}, 1, true},
		{"killed", []unix.Signal{unix.SIGKILL}, 137, true},
		{"stopped with the last signal that there is", []unix.Signal{64}, 1, true},
		{"it failed long after a reload", []unix.Signal{unix.SIGHUP}, 1, false},
		{"a reload ended it", []unix.Signal{unix.SIGHUP}, 129, true},
		{"reloaded, and killed by somebody else", []unix.Signal{unix.SIGHUP, unix.SIGWINCH}, 137, false},
		{"reloaded, and stopped", []unix.Signal{unix.SIGHUP, unix.SIGINT}, 2, true},
		{"a code beyond all signals", []unix.Signal{unix.SIGHUP}, 255, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var c container
			for _, sig := range test.sent {
				c.sent |= signalBit(int(sig))
			}
			if got := c.wanted(test.code); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
