package confinement

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       *List
		fails      string
	}{
		{"a list", "# Docker 1\ng\tcall\tbpf\tyes\ng\tis root\t\tno\n", &List{"Docker 1", []Result{{"g", "call", "bpf", "yes"}, {"g", "is root", "", "no"}}}, ""},
		{"no remark", "g\tcall\tbpf\tno (EPERM)\n", &List{"", []Result{{"g", "call", "bpf", "no (EPERM)"}}}, ""},
		{"too few fields", "g\tcall\tyes\n", nil, "is no result"},
		{"too many fields", "g\tcall\tbpf\tyes\tno\n", nil, "is no result"},
		{"no outcome", "g\tcall\tbpf\t\n", nil, "is no result"},
		{"twice", "g\tcall\tbpf\tyes\ng\tcall\tbpf\tno\n", nil, "is there twice"},
		{"cut off", "g\tcall\tbpf\tyes\ng\tca", nil, "is no result"},
		{"nothing", "", nil, "there are no results"},
		{"a remark alone", "# Docker 1\n", nil, "there are no results"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(strings.NewReader(test.text))
			switch {
			case test.fails == "" && err != nil:
				t.Fatalf("got error %v", err)
			case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
				t.Fatalf("got error %v, want one with %q", err, test.fails)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What is parsed is printed as it was.
func FuzzParse(f *testing.F) {
	f.Add("# Docker 1\ng\tcall\tbpf\tyes\n")
	f.Add("g\tcall\t\tno (EPERM)\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := Parse(strings.NewReader(list.String()))
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, list, err)
		}
		if diff := cmp.Diff(list, again); diff != "" {
			t.Errorf("%q, -parsed +printed and parsed:\n%s", text, diff)
		}
	})
}
