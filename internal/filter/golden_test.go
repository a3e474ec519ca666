package filter

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what nft says of the filter into testdata")

// golden compares text with a file of testdata. Versions of nft put the same rules
// in different words, so the file's first line has the one that it is of.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = "testdata/" + file
	got = "# " + strings.TrimSpace(sh(t, "nft --version")) + "\n" + got
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	its, _, _ := strings.Cut(want, "\n")
	if mine, _, _ := strings.Cut(got, "\n"); mine != its {
		t.Skipf("%s has been written by %q, and here is %q", file, its, mine)
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the filter is not what %s has (-want +got); go test ./internal/filter -update writes it:\n%s", file, diff)
	}
}

func TestTheFilterInNftsWords(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	mustWrite(t, defaults(), Routed{})
	golden(t, "default.nft", listing(t))
}

// What a policy changes of the default one, line by line.
func TestWhatPoliciesChange(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	mustWrite(t, defaults(), Routed{})
	before := lines(listing(t))
	var text strings.Builder
	for _, test := range policies {
		mustWrite(t, changed(test.change), Routed{})
		after := lines(listing(t))
		fmt.Fprintf(&text, "\n%s\n", test.name)
		for _, l := range before {
			if !slices.Contains(after, l) {
				fmt.Fprintf(&text, "\t- %s\n", l)
			}
		}
		for _, l := range after {
			if !slices.Contains(before, l) {
				fmt.Fprintf(&text, "\t+ %s\n", l)
			}
		}
	}
	golden(t, "policies.txt", text.String())
}

// lines are those of a listing, each with its table and its chain or set.
func lines(listing string) []string {
	var list, in []string
	for l := range strings.Lines(listing) {
		l = strings.TrimSpace(l)
		switch {
		case l == "}":
			in = in[:len(in)-1]
		case strings.HasSuffix(l, "{"):
			in = append(in, strings.TrimSuffix(l, " {"))
			if len(in) > 1 && !strings.HasPrefix(in[1], "chain policy-") {
				list = append(list, strings.Join(in, ", "))
			}
		case l != "":
			list = append(list, strings.Join(in, ", ")+": "+l)
		}
	}
	return list
}

// No name may be a word of nft's own, or nobody could ask nft for what it names.
func TestNftKnowsEveryName(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	for _, test := range policies {
		p := changed(test.change)
		mustWrite(t, p, Routed{})
		for family, table := range map[string]table{"bridge": bridgeTable(p), "inet": inetTable(p, Routed{})} {
			for _, s := range table.sets {
				kind := "set"
				if s.verdict {
					kind = "map"
				}
				sh(t, "nft list "+kind+" "+family+" unc "+s.name)
			}
			for _, c := range table.chains {
				sh(t, "nft list chain "+family+" unc "+c.name)
			}
		}
	}
}
