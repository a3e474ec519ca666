package name

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	longest := strings.Repeat("a", 63)
	for _, test := range []struct {
		name string
		want bool
	}{
		{"a", true},
		{"0", true},
		{"web-2_b", true},
		{"_", true},
		{longest, true},
		{longest + "a", false},
		{"", false},
		{"-web", false},
		{"web-", false},
		{"-", false},
		{"Web", false},
		{"web.alice", false},
		{"web ", false},
		{"web\n", false},
		{"web\x00", false},
		{"wéb", false},
		{"web/1", false},
		{"web:1", false},
		{"%s", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := Check(test.name); (err == nil) != test.want {
				t.Errorf("got error %v, want none: %v", err, test.want)
			}
		})
	}
}
