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

// What is a name is safe wherever one is put: it is a label, a file and a word.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"web", "web-2_b", "-web", "../web", "web.alice", "wéb", "w\x00b", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		err := Check(name)
		switch {
		case err != nil && len(err.Error()) > 500:
			t.Errorf("got an error of %d bytes, want a short one", len(err.Error()))
		case err == nil && (name == "" || len(name) > maxLength || strings.ContainsAny(name, "./\\ \t\n\x00") || name != strings.ToLower(name)):
			t.Errorf("got %q for a name, want it refused", name)
		}
	})
}
