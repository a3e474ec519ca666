package idmap

import "testing"

func TestSingle(t *testing.T) {
	m := Single(1000, 100, 5, 6)
	if got, want := m.IsSingle(), true; got != want {
		t.Errorf("a single map is one: got %v, want %v", got, want)
	}
	checkLookups(t, m, []lookup{
		{"the caller", 5, 6, 1000, 100, true},
		{"below", 4, 5, 0, 0, false},
		{"above", 6, 7, 0, 0, false},
		{"his own number", 1000, 100, 0, 0, false},
	})
}

func TestFullMap(t *testing.T) {
	m := Map{
		UIDs: []Range{{0, 1000, 1}, {1, 100000, 65536}, {65537, 300000, 10}},
		GIDs: []Range{{0, 100, 1}, {1, 200000, 65536}, {65537, 400000, 10}},
	}
	if got, want := m.IsSingle(), false; got != want {
		t.Errorf("a full map is single: got %v, want %v", got, want)
	}
	checkLookups(t, m, []lookup{
		{"the caller", 0, 0, 1000, 100, true},
		{"the first subordinate", 1, 1, 100000, 200000, true},
		{"the last of a range", 65536, 65536, 165535, 265535, true},
		{"the next range", 65537, 65537, 300000, 400000, true},
		{"the last of all", 65546, 65546, 300009, 400009, true},
		{"behind the last", 65547, 65547, 0, 0, false},
		{"no id", 1<<32 - 1, 1<<32 - 1, 0, 0, false},
	})
}

// The last id that there is, mapped, must not wrap around.
func TestLastID(t *testing.T) {
	m := Map{UIDs: []Range{{maxID, maxID, 1}}, GIDs: []Range{{maxID - 1, maxID - 1, 2}}}
	checkLookups(t, m, []lookup{
		{"the last", maxID, maxID, maxID, maxID, true},
		{"none", 1<<32 - 1, 1<<32 - 1, 0, 0, false},
		{"zero", 0, 0, 0, 0, false},
	})
}

type lookup struct {
	name       string
	uid, gid   uint32 // inside
	outU, outG uint32
	mapped     bool
}

func checkLookups(t *testing.T, m Map, list []lookup) {
	t.Helper()
	for _, test := range list {
		if got, ok := m.UID(test.uid); got != test.outU || ok != test.mapped {
			t.Errorf("%s: uid %d: got %d %v, want %d %v", test.name, test.uid, got, ok, test.outU, test.mapped)
		}
		if got, ok := m.GID(test.gid); got != test.outG || ok != test.mapped {
			t.Errorf("%s: gid %d: got %d %v, want %d %v", test.name, test.gid, got, ok, test.outG, test.mapped)
		}
		if !test.mapped {
			continue
		}
		if got, ok := m.InsideUID(test.outU); got != test.uid || !ok {
			t.Errorf("%s: uid %d outside: got %d %v inside, want %d", test.name, test.outU, got, ok, test.uid)
		}
		if got, ok := m.InsideGID(test.outG); got != test.gid || !ok {
			t.Errorf("%s: gid %d outside: got %d %v inside, want %d", test.name, test.outG, got, ok, test.gid)
		}
	}
}

func TestUsableGIDs(t *testing.T) {
	for _, test := range []struct {
		name        string
		list        []Range
		first, last uint32
	}{
		{"none", nil, 0, 0},
		{"one", []Range{{7, 1000, 1}}, 7, 7},
		{"root and subordinate ones", []Range{{0, 1000, 1}, {1, 100000, 65536}}, 0, 65536},
		{"keep-id", []Range{{1000, 1000, 1}, {0, 100000, 1000}, {1001, 101000, 64536}}, 0, 65536},
		{"the largest there is", []Range{{4294967294, 1000, 1}}, 4294967294, 4294967294},
	} {
		t.Run(test.name, func(t *testing.T) {
			if first, last := (Map{GIDs: test.list}).UsableGIDs(); first != test.first || last != test.last {
				t.Errorf("got %d to %d, want %d to %d", first, last, test.first, test.last)
			}
		})
	}
}
