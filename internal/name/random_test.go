package name

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for kind, list := range map[string]string{"adjectives": adjectives, "nouns": nouns} {
		t.Run(kind, func(t *testing.T) {
			words := strings.Split(list, " ")
			if got, want := len(words), 128; got < want {
				t.Errorf("got %v words, want %v at least", got, want)
			}
			for i, word := range words {
				if !regexp.MustCompile(`^[a-z]{3,9}$`).MatchString(word) {
					t.Errorf("got %q, want a short word", word)
				}
				if slices.Contains(words[:i], word) {
					t.Errorf("got %q twice, want it once", word)
				}
			}
		})
	}
}

func TestRandom(t *testing.T) {
	for _, test := range []struct {
		name    string
		attempt int
		want    string
	}{
		{"the first", 0, `^[a-z]+-[a-z]+$`},
		{"the last without digits", 3, `^[a-z]+-[a-z]+$`},
		{"the first with digits", 4, `^[a-z]+-[a-z]+-\d{1,2}$`},
		{"the last with few digits", 7, `^[a-z]+-[a-z]+-\d{1,2}$`},
		{"with many", 8, `^[a-z]+-[a-z]+-\d{1,9}$`},
		{"after many", 1000, `^[a-z]+-[a-z]+-\d{1,9}$`},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := regexp.MustCompile(test.want)
			for range 1000 {
				got := Random(test.attempt)
				if !want.MatchString(got) || Check(got) != nil {
					t.Fatalf("got %q, want a name like %v", got, want)
				}
			}
		})
	}
}

// Every word comes up, the first and the last of its list as well.
func TestDrawReachesAll(t *testing.T) {
	got := map[string]bool{}
	for range 1000 {
		got[draw("first middle last")] = true
	}
	if len(got) != 3 || !got["first"] || !got["middle"] || !got["last"] {
		t.Errorf("got %v, want all three", got)
	}
}

func BenchmarkRandom(b *testing.B) {
	for b.Loop() {
		Random(0)
	}
}
