package netplumb

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pair is what crosses under one key.
type pair struct{ Key, Value string }

func pairsOf(line string) (list []pair, err error) {
	err = eachPair(line, func(key, value string) error {
		list = append(list, pair{key, value})
		return nil
	})
	return list, err
}

func TestPairs(t *testing.T) {
	for _, test := range []struct {
		name string
		list []pair
		want string
	}{
		{"none", nil, ""},
		{"one", []pair{{"pid", "4711"}}, `pid="4711"`},
		{"two of one key", []pair{{"hint", "a"}, {"hint", "b"}}, `hint="a" hint="b"`},
		{"nothing in it", []pair{{"error", ""}}, `error=""`},
		{"what needs quotes", []pair{{"error", "\"no\"\n\\ \x00\xff="}, {"hint", " "}}, `error="\"no\"\n\\ \x00\xff=" hint=" "`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var line []byte
			for _, p := range test.list {
				line = appendPair(line, p.Key, p.Value)
			}
			if got := string(line); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			for _, end := range []string{"", "\n"} {
				got, err := pairsOf(string(line) + end)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.list, got); diff != "" {
					t.Errorf("pairs (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestPairsRefuse(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"a word", "pid", `"pid" is no pair`},
		{"no value", "pid=", `"pid=" is no pair`},
		{"no quotes", "pid=4711", `"pid=4711" is no pair`},
		{"half a quote", `pid="4711`, `"pid=\"4711" is no pair`},
		{"a quote that goes on", `pid="4711\"`, `"pid=\"4711\\\"" is no pair`},
		{"a wrong escape", `pid="\q"`, `"pid=\"\\q\"" is no pair`},
		{"a line end inside", "pid=\"a\nb\"", `"pid=\"a\nb\"" is no pair`},
		{"two without a space", `pid="1"name="a"`, `"name=\"a\"" after a pair`},
		{"two lines", "pid=\"1\"\nname=\"a\"\n", `"\nname=\"a\"" after a pair`},
		{"an empty line more", "pid=\"1\"\n\n", `"\n" after a pair`},
		{"a carriage return", "pid=\"1\"\r\n", `"\r" after a pair`},
		{"much", strings.Repeat("x", 4096), `"` + strings.Repeat("x", 40) + `" is no pair`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := pairsOf(test.line)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, error %v, want %s", got, err, test.want)
			}
		})
	}
}

// The first who objects is the last who is asked.
func TestPairsStop(t *testing.T) {
	enough := errors.New("enough")
	asked := 0
	err := eachPair(`a="1" b="2" c="3"`, func(key, _ string) error {
		if asked++; key == "b" {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || asked != 2 {
		t.Errorf("got %v after %d pairs, want %v after 2", err, asked, enough)
	}
}

func FuzzPairs(f *testing.F) {
	f.Add("error", "no", "hint", "\"quoted\"\n")
	f.Add("", "", "", "")
	f.Add("a b", "\xff\x00", "a\"", "=")
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		want := []pair{{key1, value1}, {key2, value2}}
		line := appendPair(appendPair(nil, key1, value1), key2, value2)
		if strings.Count(string(line), "\n") != strings.Count(key1+key2, "\n") {
			t.Errorf("%q is not one line", line)
		}
		if strings.Contains(key1+key2, "=") {
			return // no key of ours
		}
		got, err := pairsOf(string(line))
		if err != nil {
			t.Fatalf("reading %q: %v", line, err)
		}
		// A key that begins with a space can't follow the space between pairs.
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) && !strings.HasPrefix(key2, " ") {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Whatever a line says, reading it ends, and what was read is said the same way again.
func FuzzEachPair(f *testing.F) {
	f.Add("pid=\"4711\" name=\"web\"\n")
	f.Add("a='1' b=`2`")
	f.Add("= =")
	f.Fuzz(func(t *testing.T, line string) {
		list, err := pairsOf(line)
		if err != nil {
			return
		}
		var again []byte
		for _, p := range list {
			again = appendPair(again, p.Key, p.Value)
		}
		got, err := pairsOf(string(again))
		if err != nil {
			t.Fatalf("%q is read, but not %q: %v", line, again, err)
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", list) {
			t.Errorf("%q is read as %q, and that as %q", line, list, got)
		}
	})
}
