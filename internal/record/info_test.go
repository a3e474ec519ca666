package record

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var same = cmp.Options{cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()}

func TestEncode(t *testing.T) {
	ended := sample("web")
	ended.Ended = &Ended{Code: 125, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))}
	for _, test := range []struct {
		name string
		info *Info
	}{
		{"nothing", &Info{}},
		{"all of it", sample("web")},
		{"of one that ended", ended},
		{"no code and no reason", &Info{Name: "a", Ended: &Ended{}}},
		{"labels that need quotes", &Info{Labels: map[string]string{"b\"": "\\", "a": "\xff", "": "\u2028"}}},
		{"a zone", &Info{Network: Network{Gateway: netip.MustParseAddr("fe80::1%a\"b")}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, want := decode(t, test.info.encode()), decode(t, marshal(t, test.info))
			if diff := cmp.Diff(want, got, same); diff != "" {
				t.Errorf("as package json writes it (-want +got):\n%s", diff)
			}
		})
	}
}

func marshal(t *testing.T, i *Info) []byte {
	t.Helper()
	text, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// decode gives the fields by the names that are in the text.
func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	got := map[string]any{}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("got %v of %q", err, text)
	}
	if got["command"] == nil {
		delete(got, "command")
	}
	if list, ok := got["command"].([]any); ok && len(list) == 0 {
		delete(got, "command")
	}
	return got
}

func TestTextIsBounded(t *testing.T) {
	long := strings.Repeat("x", maxInfo)
	for _, test := range []struct {
		name  string
		info  *Info
		fails bool
		want  []string // the command
	}{
		{"a command that fits", &Info{Name: "a", Command: []string{long[:1000], long[:1000]}}, false, []string{long[:1000], long[:1000]}},
		{"a long argument", &Info{Name: "a", Command: []string{"sh", long}}, false, []string{"sh", "..."}},
		{"a long command", &Info{Name: "a", Command: []string{long}}, false, []string{long[:4096], "..."}},
		{"long labels", &Info{Name: "a", Labels: map[string]string{"a": long}}, true, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, err := test.info.text()
			if (err != nil) != test.fails {
				t.Fatalf("got %v, want an error: %v", err, test.fails)
			}
			if err != nil {
				return
			}
			got, err := parseInfo("a", text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Command); diff != "" {
				t.Errorf("command (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseInfoRefuses(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"nothing", ""},
		{"half of it", `{"name":"web","pid":`},
		{"two of them", `{"name":"web"}{"name":"web"}`},
		{"another's", `{"name":"db"}`},
		{"one without a name", `{}`},
		{"no object", `["web"]`},
		{"a number that is none", `{"name":"web","pid":"1"}`},
		{"an address that is none", `{"name":"web","network":{"address":"10.0.0"}}`},
		{"a port that is none", `{"name":"web","network":{"ports":[{"port":65536}]}}`},
		{"nested without end", `{"name":"web","x":` + strings.Repeat("[", 1<<19)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := parseInfo("web", []byte(test.text)); err == nil {
				t.Errorf("got %+v, want an error", got)
			}
		})
	}
}

// What a later version adds is no reason not to know the rest.
func TestParseInfoIgnoresWhatIsNew(t *testing.T) {
	got, err := parseInfo("web", []byte(`{"name":"web","pid":7,"colour":{"r":1}}`))
	if err != nil || got.PID != 7 {
		t.Errorf("got %+v, %v, want pid 7", got, err)
	}
}

// Whatever a record says, reading it does no harm, and what was read can be recorded.
func FuzzParseInfo(f *testing.F) {
	f.Add(string(sample("web").encode()))
	f.Add(`{"name":"web","created":"2026-11-23T23:40:00+01:00","ended":{"code":-1}}`)
	f.Add(`{"name":"web","command":null,"labels":{"\u0000":"\ud800"},"network":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		i, err := parseInfo("web", []byte(text))
		if err != nil {
			return
		}
		again, err := i.text()
		if err != nil {
			t.Fatalf("recording what was read: %v", err)
		}
		got, err := parseInfo("web", again)
		if err != nil {
			t.Fatalf("reading what was recorded: %v\n%s", err, again)
		}
		if diff := cmp.Diff(i, got, same); diff != "" {
			t.Errorf("read again (-want +got):\n%s", diff)
		}
	})
}
