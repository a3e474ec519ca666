package manual

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/cli"
)

var update = flag.Bool("update", false, "write the files in share anew")

const share = "../../share"

func current(t *testing.T) map[string]string {
	t.Helper()
	sample, err := os.ReadFile("../../network.conf.sample")
	if err != nil {
		t.Fatal(err)
	}
	list, err := Files(string(sample))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What is in share is what is made of the command line as it is.
func TestShare(t *testing.T) {
	want := current(t)
	if *update {
		for _, dir := range []string{"man", "completion"} {
			if err := os.RemoveAll(filepath.Join(share, dir)); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range want {
			path := filepath.Join(share, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := map[string]string{}
	for _, dir := range []string{"man", "completion"} {
		err := filepath.WalkDir(filepath.Join(share, dir), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			name, _ := filepath.Rel(share, path)
			got[name] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("files in share (-want +got):\n%s", diff)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("share/%s is not what the command line says now:\n%s", name, cmp.Diff(want[name], got[name]))
		}
	}
	if t.Failed() {
		t.Log("to make them anew: go test ./internal/manual -update")
	}
}

// Nothing that is typed gets lost on the way to the pages and completions.
func TestEverythingIsToldOf(t *testing.T) {
	list := current(t)
	root := cli.Pages()
	for _, p := range root.Commands {
		page := strings.ReplaceAll(list["man/man1/"+pageName(p)+".1"], `\`, "")
		for _, g := range p.Groups {
			for _, f := range g.Flags {
				if !strings.Contains(page, "fB--"+f.Name+"fR") {
					t.Errorf("%s(1): got no --%s", pageName(p), f.Name)
				}
				for shell, form := range map[string]string{"unc.bash": "--" + f.Name, "_unc": "--" + f.Name, "unc.fish": " -l " + f.Name + " "} {
					if !strings.Contains(list["completion/"+shell], form) {
						t.Errorf("%s: got no --%s", shell, f.Name)
					}
				}
			}
		}
	}
}

func TestEscape(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a flag", "--rm", `\-\-rm`},
		{"a backslash", `a\n`, `a\en`},
		{"quotes", "'`", `\(aq\(ga`},
		{"a request", ".TH", `\&.TH`},
		{"a request on the second line", "a\n.b", "a\n\\&.b"},
		{"bold", "*unc* is", `\fBunc\fR is`},
		{"a star", "NAME* all", "NAME* all"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := body(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPolicyRefuses(t *testing.T) {
	for _, test := range []struct{ name, sample string }{
		{"nothing", ""},
		{"a value that is set", "# About.\n\nNAT=no\n"},
		{"no key", "# About.\n"},
		{"a paragraph about nothing", "# About.\n\n# NAT.\n#NAT=yes\n\n# More.\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if text, err := policy(test.sample); err == nil {
				t.Errorf("got %q, want an error", text)
			}
		})
	}
}
