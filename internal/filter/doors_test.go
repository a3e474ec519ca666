package filter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openDoors are the ports that nft lists as open for a link, each with its protocol;
// nil where the link is in no map.
func openDoors(t *testing.T, index int) []string {
	t.Helper()
	if !strings.Contains(sh(t, "nft -nn list map bridge unc doors"), fmt.Sprintf("%d : goto doors-%d", index, index)) {
		return nil
	}
	chain := sh(t, fmt.Sprintf("nft -nn list chain bridge unc doors-%d", index))
	doors := []string{}
	if _, after, found := strings.Cut(chain, "th dport { "); found {
		list, _, _ := strings.Cut(after, " }")
		doors = strings.Split(list, ", ")
		slices.Sort(doors)
	}
	if want := 6; strings.Count(chain, "accept")+strings.Count(chain, "drop") != want {
		t.Errorf("the chain of link %d has not %d rules:\n%s", index, want, chain)
	}
	return doors
}

func TestSetDoors(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	p := defaults()
	mustWrite(t, p, Routed{})
	const link, other = 1<<30 + 5, 1<<31 - 1
	if err := SetDoors(other, []Door{{Port: 443}}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		list []Door
		want []string
	}{
		{"none where none were", nil, nil},
		{"one", []Door{{Port: 80}}, []string{"6 . 80"}},
		{"the same", []Door{{Port: 80}}, []string{"6 . 80"}},
		{"others", []Door{{Port: 1}, {UDP: true, Port: 65535}}, []string{"17 . 65535", "6 . 1"}},
		{"both of a number", []Door{{Port: 53}, {UDP: true, Port: 53}}, []string{"17 . 53", "6 . 53"}},
		{"one twice", []Door{{Port: 80}, {Port: 80}}, []string{"6 . 80"}},
		{"none where some were", nil, nil},
		{"and some again", []Door{{UDP: true, Port: 80}}, []string{"17 . 80"}},
	} {
		if err := SetDoors(link, test.list); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := openDoors(t, link); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if got := openDoors(t, other); !slices.Equal(got, []string{"6 . 443"}) {
			t.Errorf("%s: another link's: got %q", test.name, got)
		}
		if !isPresent(t, p) {
			t.Errorf("%s: the filter is not whole any more", test.name)
		}
	}
	// Whoever writes the filter anew, begins without.
	mustWrite(t, p, Routed{})
	if got := openDoors(t, other); got != nil {
		t.Errorf("after the filter was written anew: got %q, want none", got)
	}
}

// As many as one user may have, in a policy that lets him have many.
func TestSetManyDoors(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	mustWrite(t, defaults(), Routed{})
	var list []Door
	for port := range uint16(1024) {
		list = append(list, Door{Port: 1 + port}, Door{UDP: true, Port: 1 + port})
	}
	if err := SetDoors(7, list); err != nil {
		t.Fatal(err)
	}
	if got := len(openDoors(t, 7)); got != len(list) {
		t.Errorf("got %d doors, want %d", got, len(list))
	}
}

// Without a filter no door is opened, and none is missed.
func TestSetDoorsWithoutAFilter(t *testing.T) {
	testNetns(t)
	if err := SetDoors(7, nil); err != nil {
		t.Errorf("none: got %v, want nil", err)
	}
	if err := SetDoors(7, []Door{{Port: 80}}); !errors.Is(err, unix.ENOENT) {
		t.Errorf("one: got %v, want %v", err, unix.ENOENT)
	}
}

// What changes rules counts, and what only looks does not.
func TestGeneration(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	mustWrite(t, defaults(), Routed{})
	for _, test := range []struct {
		name string
		list []Door
		want uint32
	}{
		{"none, and there were none", nil, 0},
		{"a door", []Door{{Port: 80}}, 1},
		{"the same", []Door{{Port: 80}}, 1},
		{"none any more", nil, 1},
		{"none, once more", nil, 0},
	} {
		before, err := Generation()
		if err != nil {
			t.Fatal(err)
		}
		if err := SetDoors(7, test.list); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		after, err := Generation()
		if err != nil {
			t.Fatal(err)
		}
		if got := after - before; got != test.want {
			t.Errorf("%s: counted %d, want %d", test.name, got, test.want)
		}
	}
}
