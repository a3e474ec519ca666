package idmap

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRanges(t *testing.T) {
	lines := func(n int) string { return strings.Repeat("0 0 1\n", n) }
	for _, test := range []struct {
		name, text string
		want       []Range
		err        string
	}{
		{"one id", "         0       1000          1\n", []Range{{0, 1000, 1}}, ""},
		{"two ranges", "         0       1000          1\n         1     100000      65536\n", []Range{{0, 1000, 1}, {1, 100000, 65536}}, ""},
		{"the initial namespace", "         0          0 4294967295\n", []Range{{0, 0, 4294967295}}, ""},
		{"the last id", "4294967294 0 1\n", []Range{{4294967294, 0, 1}}, ""},
		{"no end of line", "0 1 2", []Range{{0, 1, 2}}, ""},
		{"not written yet", "", nil, "it is empty"},
		{"an id that the reader does not have", "0 4294967295 1\n", nil, `"0 4294967295 1\n" is no range of ids`},
		{"beyond the last inside", "4294967294 0 2\n", nil, `"4294967294 0 2\n" is no range of ids`},
		{"beyond the last outside", "0 4294967290 6\n", nil, `"0 4294967290 6\n" is no range of ids`},
		{"none of them", "0 0 0\n", nil, `"0 0 0\n" is no range of ids`},
		{"two columns", "0 1\n", nil, `"0 1\n" is no range of ids`},
		{"four columns", "0 1 2 3\n", nil, `"0 1 2 3\n" is no range of ids`},
		{"an empty line", "0 1 2\n\n", nil, `"\n" is no range of ids`},
		{"a sign", "0 -1 2\n", nil, `"0 -1 2\n" is no range of ids`},
		{"too large a number", "0 4294967296 1\n", nil, `"0 4294967296 1\n" is no range of ids`},
		{"too many", lines(maxLines + 1), nil, fmt.Sprintf("it has %d lines, and %d are the most", maxLines+1, maxLines)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseRanges(test.text)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" || text != test.err {
				t.Errorf("error %q, want %q; ranges (-want +got):\n%s", text, test.err, diff)
			}
		})
	}
	if list, err := parseRanges(lines(maxLines)); err != nil || len(list) != maxLines {
		t.Errorf("got %d lines, %v, want %d", len(list), err, maxLines)
	}
}

// What is taken can be looked up without running over.
func FuzzParseRanges(f *testing.F) {
	f.Add("         0       1000          1\n         1     100000      65536\n")
	f.Add("0 0 4294967295\n")
	f.Add("4294967294 4294967294 1")
	f.Add("0 1\n 2 3 4 \n-1 0 0")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseRanges(text)
		if err != nil {
			if list != nil {
				t.Errorf("got %v with error %v, want nothing", list, err)
			}
			return
		}
		m := Map{UIDs: list, GIDs: list}
		for _, r := range list {
			last := r.Inside + (r.Count - 1)
			if r.Count == 0 || last < r.Inside || r.Outside+(r.Count-1) < r.Outside {
				t.Errorf("got %v, which runs over", r)
			}
			if _, ok := m.UID(last); !ok {
				t.Errorf("got no id outside for %d, the last of %v", last, r)
			}
		}
		if first, last := m.UsableGIDs(); first > last {
			t.Errorf("got usable ids %d to %d", first, last)
		}
	})
}

func TestOf(t *testing.T) {
	got, err := Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// Of one's own namespace each id is shown as its parent's.
	for _, ids := range [][]Range{got.UIDs, got.GIDs} {
		if len(ids) == 0 {
			t.Errorf("got %+v, want a map of both kinds", got)
		}
	}
	if _, ok := got.UID(uint32(os.Getuid())); !ok {
		t.Errorf("got %+v, want one with uid %d inside", got, os.Getuid())
	}
	if got, err := Of(-1); err == nil {
		t.Errorf("got %+v of no process, want an error", got)
	}
}
