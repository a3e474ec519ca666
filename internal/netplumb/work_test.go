package netplumb

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParse: what is done, and for whom, follows from the arguments alone.
func TestParse(t *testing.T) {
	attaching, releasing := work{do: attach, advice: orGoWithout}, work{do: letGo, noPolicy: true}
	addr := netip.MustParseAddr("10.100.42.7")
	for _, test := range []struct {
		name string
		args []string
		work work
		want Request
	}{
		{"standard input", []string{"-"}, attaching, Request{}},
		{"a number", []string{"4711"}, attaching, Request{PID: 4711}},
		{"flags", []string{"--name=web", "--ip=10.100.42.7", "4711"}, attaching, Request{PID: 4711, Name: "web", Address: addr}},
		{"a report", []string{"report"}, work{do: report, anybody: true}, Request{}},
		{"a checkup", []string{"checkup"}, work{despite: checkup}, Request{}},
		{"a reload", []string{"reload"}, work{do: reload, anybody: true}, Request{}},
		{"a removal", []string{"remove"}, work{do: removeAll, anybody: true}, Request{}},
		{"a release", []string{"release", "web"}, releasing, Request{Name: "web"}},
		{"a release of what is called like it", []string{"release", "release"}, releasing, Request{Name: "release"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			work, got, err := parse(test.args)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, sameAddrs); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if work.anybody != test.work.anybody || work.noPolicy != test.work.noPolicy {
				t.Errorf("for anybody: got %v, want %v; without a policy: got %v, want %v",
					work.anybody, test.work.anybody, work.noPolicy, test.work.noPolicy)
			}
			// Functions can't be compared, but where they are can.
			for what, pair := range map[string][2]any{
				"do": {work.do, test.work.do}, "despite": {work.despite, test.work.despite}, "advice": {work.advice, test.work.advice},
			} {
				if got, want := reflect.ValueOf(pair[0]).Pointer(), reflect.ValueOf(pair[1]).Pointer(); got != want {
					t.Errorf("%s is not the function of %s", what, test.name)
				}
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		name  string
		args  []string
		usage bool // the error is errUsage; if not, it is about the value
	}{
		{"nothing", nil, true},
		{"an empty argument", []string{""}, true},
		{"an empty argument behind", []string{"report", ""}, true},
		{"a report and a number", []string{"report", "4711"}, true},
		{"a report twice", []string{"report", "report"}, true},
		{"a checkup with a flag", []string{"--name=web", "checkup"}, true},
		{"a reload and a removal", []string{"reload", "remove"}, true},
		{"standard input and more", []string{"-", "4711"}, true},
		{"a number and standard input", []string{"4711", "-"}, true},
		{"flags and standard input", []string{"--name=web", "-"}, true},
		{"another case", []string{"Report"}, true},
		{"a flag", []string{"--report"}, true},
		{"a word that means nothing", []string{"list"}, true},
		{"a release of nothing", []string{"release"}, true},
		{"a release of two", []string{"release", "web", "db"}, true},
		{"a release in another case", []string{"Release", "web"}, true},
		{"a release, the other way round", []string{"web", "release"}, true},
		{"a release of an empty name", []string{"release", ""}, false},
		{"a release of another user's name", []string{"release", "1001.web"}, false},
		{"a release of a link", []string{"release", "unc-name.1001.web"}, false},
		{"a release of a path", []string{"release", "../web"}, false},
		{"a release of a flag", []string{"release", "--name=web"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, got, err := parse(test.args)
			if err == nil || errors.Is(err, errUsage) != test.usage {
				t.Errorf("got %+v, error %v, want an error that tells how it is used: %v", got, err, test.usage)
			}
		})
	}
}
