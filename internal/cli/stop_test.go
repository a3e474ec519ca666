package cli

import (
	"math"
	"testing"
)

func TestStopTime(t *testing.T) {
	for _, test := range []struct {
		name  string
		time  int
		valid bool
	}{
		{"none", 0, true},
		{"some", 10, true},
		{"the most", math.MaxInt32, true},
		{"more than nanoseconds can be", 9999999999, false},
		{"negative", -1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			stop := stopCmd{Time: test.time, Signal: "TERM", namedFlags: namedFlags{All: true}}
			if err := stop.Validate(); (err == nil) != test.valid {
				t.Errorf("%d seconds: got %v, want valid %v", test.time, err, test.valid)
			}
		})
	}
}

func TestParseSignal(t *testing.T) {
	for _, test := range []struct {
		text string
		want int // 0: none
	}{
		{"TERM", 15},
		{"SIGTERM", 15},
		{"term", 15},
		{"sigusr1", 10},
		{"9", 9},
		{"64", 64},
		{"0", 0},
		{"65", 0},
		{"-1", 0},
		{"", 0},
		{"SIG", 0},
		{"TERM ", 0},
		{"nosuch", 0},
	} {
		t.Run(test.text, func(t *testing.T) {
			got, err := parseSignal(test.text)
			if err != nil {
				got = 0
			}
			if got != test.want {
				t.Errorf("got %d, %v; want %d", got, err, test.want)
			}
		})
	}
}
