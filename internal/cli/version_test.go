package cli

import (
	"regexp"
	"testing"
)

func TestVersion(t *testing.T) {
	if got, want := Version(), regexp.MustCompile(`^unc \S+ go1\.\S+$`); !want.MatchString(got) {
		t.Errorf("got %q, want a match of %v", got, want)
	}
}
