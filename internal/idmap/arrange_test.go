package idmap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArrange(t *testing.T) {
	usual := []span{{100000, 165535}}
	for _, test := range []struct {
		name        string
		own, inside uint32
		subordinate []span
		want        []Range
	}{
		{"root", 1000, 0, usual, []Range{{0, 1000, 1}, {1, 100000, 65536}}},
		{
			"root, two ranges", 1000, 0,
			[]span{{500000, 500009}, {100000, 100001}},
			[]Range{{0, 1000, 1}, {1, 500000, 10}, {11, 100000, 2}},
		},
		{"oneself", 1000, 1000, usual, []Range{{1000, 1000, 1}, {0, 100000, 1000}, {1001, 101000, 64536}}},
		{"oneself, first", 1000, 1, usual, []Range{{1, 1000, 1}, {0, 100000, 1}, {2, 100001, 65535}}},
		{"oneself, beyond the subordinate ids", 70000, 70000, usual, []Range{{70000, 70000, 1}, {0, 100000, 65536}}},
		{"oneself, right behind them", 65536, 65536, usual, []Range{{65536, 65536, 1}, {0, 100000, 65536}}},
		{
			"oneself, at the seam", 1000, 10,
			[]span{{500000, 500009}, {600000, 600009}},
			[]Range{{10, 1000, 1}, {0, 500000, 10}, {11, 600000, 10}},
		},
		{
			"oneself, within the second", 1000, 15,
			[]span{{500000, 500009}, {600000, 600009}},
			[]Range{{15, 1000, 1}, {0, 500000, 10}, {10, 600000, 5}, {16, 600005, 5}},
		},
		{"none", 1000, 0, nil, []Range{{0, 1000, 1}}},
		{
			"every id but one's own", 1000, 0,
			[]span{{0, 999}, {1001, maxID}},
			[]Range{{0, 1000, 1}, {1, 0, 1000}, {1001, 1001, maxID - 1000}},
		},
		{
			"more than there are numbers", 1000, maxID,
			[]span{{0, maxID}, {5, 5}},
			[]Range{{maxID, 1000, 1}, {0, 0, maxID}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, arrange(test.own, test.inside, test.subordinate)); diff != "" {
				t.Errorf("ranges (-want +got):\n%s", diff)
			}
		})
	}
}

func TestArrangeFitsAPage(t *testing.T) {
	var many []span
	for i := range uint32(1000) {
		many = append(many, span{4000000000 + 10*i, 4000000000 + 10*i})
	}
	list := arrange(1000, 1000, many)
	if n := len(textOf(list)); n > maxText || n < maxText-40 {
		t.Errorf("got %d bytes, want a little less than %d", n, maxText)
	}
	checkMap(t, 1000, 1000, list)
}

func textOf(list []Range) string {
	var text strings.Builder
	for _, r := range list {
		fmt.Fprintf(&text, "%d %d %d\n", r.Inside, r.Outside, r.Count)
	}
	return text.String()
}

// checkMap holds list to what the kernel demands of a map, and unc of it besides.
func checkMap(t *testing.T, own, inside uint32, list []Range) {
	t.Helper()
	text := textOf(list)
	if len(text) > maxText || len(list) > 340 {
		t.Errorf("got %d lines, %d bytes, want at most 340 and %d", len(list), len(text), maxText)
	}
	if got, ok := find(list, inside); got != own || !ok {
		t.Errorf("%d inside: got %d %v, want the caller, %d", inside, got, ok, own)
	}
	var in, out []span
	for _, r := range list {
		if r.Count == 0 || uint64(r.Inside)+uint64(r.Count)-1 > maxID || uint64(r.Outside)+uint64(r.Count)-1 > maxID {
			t.Errorf("%v is no range of ids", r)
			return
		}
		i, o := span{r.Inside, r.Inside + r.Count - 1}, span{r.Outside, r.Outside + r.Count - 1}
		if left := i.without(in); len(left) != 1 || left[0] != i {
			t.Errorf("%v overlaps another one inside:\n%s", r, text)
		}
		if left := o.without(out); len(left) != 1 || left[0] != o {
			t.Errorf("%v overlaps another one outside:\n%s", r, text)
		}
		in, out = append(in, i), append(out, o)
	}
}

func TestWithout(t *testing.T) {
	for _, test := range []struct {
		name  string
		s     span
		taken []span
		want  []span
	}{
		{"nothing", span{5, 9}, nil, []span{{5, 9}}},
		{"others", span{5, 9}, []span{{0, 4}, {10, 20}}, []span{{5, 9}}},
		{"all", span{5, 9}, []span{{5, 9}}, nil},
		{"more than all", span{5, 9}, []span{{0, maxID}}, nil},
		{"the first", span{5, 9}, []span{{0, 5}}, []span{{6, 9}}},
		{"the last", span{5, 9}, []span{{9, 12}}, []span{{5, 8}}},
		{"one inside", span{5, 9}, []span{{7, 7}}, []span{{5, 6}, {8, 9}}},
		{"two inside", span{5, 9}, []span{{6, 6}, {8, 8}}, []span{{5, 5}, {7, 7}, {9, 9}}},
		{"all in parts", span{5, 9}, []span{{8, 9}, {5, 7}}, nil},
		{"at the ends of all", span{0, maxID}, []span{{0, 0}, {maxID, maxID}}, []span{{1, maxID - 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.s.without(test.taken), cmp.AllowUnexported(span{})); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
		})
	}
}
