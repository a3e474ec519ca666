package idmap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSubIDs(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []span
	}{
		{"by name", "bob:1:2\nalice:100000:65536\n", []span{{100000, 165535}}},
		{"by number", "1001:5:5\n1000:100000:65536\n", []span{{100000, 165535}}},
		{"several, in their order", "alice:500000:10\nbob:9:9\n1000:100000:5\nalice:7:1\n", []span{{500000, 500009}, {100000, 100004}, {7, 7}}},
		{"no end of line", "alice:100000:65536", []span{{100000, 165535}}},
		{"twice the same", "alice:100000:65536\n1000:100000:65536\n", []span{{100000, 165535}}},
		{"partly the same", "alice:100:100\nalice:150:100\n", []span{{100, 199}, {200, 249}}},
		{"around another", "alice:150:10\nalice:100:100\n", []span{{150, 159}, {100, 149}, {160, 199}}},
		{"with one's own", "alice:999:3\n", []span{{999, 999}, {1001, 1001}}},
		{"all there are", "alice:0:4294967295\n", []span{{0, 999}, {1001, maxID}}},
		{"more than there are", "alice:1:4294967295\nalice:4294967295:1\nalice:4294967290:100\n", nil},
		{"the last", "alice:4294967294:1\n", []span{{maxID, maxID}}},
		{"none of them", "alice:5:0\n", nil},
		{"nobody's", "", nil},
		{"others' names", "alicex:1:1\nalic:1:1\n*:1:1\n:1:1\n10000:1:1\n", nil},
		{"no lines", "alice\nalice:\nalice:1\nalice:1:\nalice::1\nalice:a:1\nalice:1:b\nalice:-1:5\nalice:+1:5\nalice:0x10:5\n" +
			"alice:1:2:3\nalice: 1:2\nalice:1:2 \n#alice:1:2\n alice:1:2\nalice:1:2\r\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := subIDs(test.text, "alice", 1000, 1000)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(span{}), equalEmpty); diff != "" {
				t.Errorf("subordinate ids (-want +got):\n%s", diff)
			}
		})
	}
}

var equalEmpty = cmp.Transformer("empty", func(list []span) []span {
	if len(list) == 0 {
		return nil
	}
	return list
})

// A user whose name is not known has no name's lines: not even those without one.
func TestSubIDsWithoutName(t *testing.T) {
	got := subIDs(":1:1\nalice:2:2\n1000:100000:5\n", "", 1000, 1000)
	if diff := cmp.Diff([]span{{100000, 100004}}, got, cmp.AllowUnexported(span{})); diff != "" {
		t.Errorf("subordinate ids (-want +got):\n%s", diff)
	}
}

func FuzzSubIDs(f *testing.F) {
	f.Add("alice:100000:65536\n1000:100000:65536\nbob:1:1\n", uint32(1000), uint32(0))
	f.Add("alice:0:4294967295\nalice:5:5\n", uint32(4), uint32(4))
	f.Add("alice:4294967294:1\n::\nalice:1:1", uint32(maxID), uint32(maxID))
	f.Add(strings.Repeat("alice:7:1\nalice:9:10\n", 50), uint32(12), uint32(1))
	f.Fuzz(func(t *testing.T, text string, own, inside uint32) {
		if own > maxID || inside > maxID {
			return
		}
		list := subIDs(text, "alice", 1000, own)
		for _, s := range list {
			if s.first > s.last || s.last > maxID {
				t.Errorf("%v is no range of ids", s)
			}
			if !strings.Contains(text, ":") {
				t.Errorf("got %v of %q, want nothing", s, text)
			}
		}
		checkMap(t, own, inside, arrange(own, inside, list))
	})
}

func TestMapped(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []span
	}{
		{"the initial namespace", "         0          0 4294967295\n", []span{{0, maxID}}},
		{"one id", "         0       1000          1\n", []span{{0, 0}}},
		{"two ranges", "         0       1000          1\n         1     100000      65536\n", []span{{0, 0}, {1, 65536}}},
		{"no map yet", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, mapped(test.text), cmp.AllowUnexported(span{})); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFree(t *testing.T) {
	for _, test := range []struct {
		name   string
		uids   string
		gids   string
		wanted uint64
	}{
		{"nobody has any", "", "", 100000},
		{"somebody has", "bob:100000:65536\n", "bob:100000:65536\n", 165536},
		{"the files differ", "bob:100000:65536\n", "bob:300000:65536\n", 365536},
		{"below the usual ones", "bob:10000:5\n", "", 100000},
		{"not the last is the highest", "bob:500000:5\ncarol:100000:5\n", "", 500005},
		{"the last there is", "bob:4294967294:1\n", "", maxID + 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := free(test.uids, test.gids); got != test.wanted {
				t.Errorf("got %v, want %v", got, test.wanted)
			}
		})
	}
}
