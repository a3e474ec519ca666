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
			stop := stopCmd{Time: test.time, namedFlags: namedFlags{All: true}}
			if err := stop.Validate(); (err == nil) != test.valid {
				t.Errorf("%d seconds: got %v, want valid %v", test.time, err, test.valid)
			}
		})
	}
}
