package cli

import (
	"strings"
	"testing"
)

func TestLifeFlags(t *testing.T) {
	two, three := 2, 3
	for _, test := range []struct {
		name string
		f    lifeFlags
		want string
	}{
		{"none", lifeFlags{}, ""},
		{"all", lifeFlags{Name: new("web-1_a"), Detach: true, TTY: true, Label: []string{"a", "b=c=d"}, LogOpt: []string{"max-size=1m"}, JSONStatusFD: &three}, ""},
		{"an empty name", lifeFlags{Name: new("")}, `"" is no name for a container`},
		{"a name in upper case", lifeFlags{Name: new("Web")}, `"Web" is no name for a container`},
		{"a name that is a path", lifeFlags{Name: new("../web")}, `"../web" is no name for a container`},
		{"a name that moves the cursor", lifeFlags{Name: new("a\x1b[2J")}, `is no name for a container`},
		{"a label without a name", lifeFlags{Label: []string{"=x"}}, `--label "=x": it has no name`},
		{"another option", lifeFlags{Detach: true, LogOpt: []string{"path=/tmp/x"}}, "max-size=SIZE is the one option"},
		{"no size", lifeFlags{Detach: true, LogOpt: []string{"max-size"}}, `--log-opt "max-size": `},
		{"next to nothing", lifeFlags{Detach: true, LogOpt: []string{"max-size=1k"}}, `--log-opt "max-size=1k": it is less than 64k`},
		{"a log of what is shown", lifeFlags{LogOpt: []string{"max-size=1m"}}, "means nothing without --detach"},
		{"a stream of the command's", lifeFlags{JSONStatusFD: &two}, `--json-status-fd "2": 3 is the first`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := test.f.Validate(); err != nil {
				got = err.Error()
			}
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}

// Before a command line is parsed, a net-setup is begun for who will want one: not for
// who only starts another unc.
func TestIsFront(t *testing.T) {
	for _, test := range []struct {
		args string
		want bool
	}{
		{"run sh", false},
		{"run -d sh", true},
		{"run --name web -it sh", false},
		{"run -itd sh", true},
		{"run --detach sh", true},
		{"run --detach=true sh", true},
		{"run --supervise -d sh", false},
		{"run --dns 192.0.2.1 sh", false},
	} {
		t.Run(test.args, func(t *testing.T) {
			if got := isFront(strings.Fields(test.args)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
