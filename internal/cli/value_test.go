package cli

import (
	"testing"

	"unc/internal/hint"
)

func TestSignalNumber(t *testing.T) {
	for _, test := range []struct {
		text string
		want signalNumber // 0: none
		hint string
	}{
		{"TERM", 15, ""},
		{"SIGTERM", 15, ""},
		{"term", 15, ""},
		{"sigusr1", 10, ""},
		{"9", 9, ""},
		{"64", 64, ""},
		{"0", 0, ""},
		{"65", 0, ""},
		{"-1", 0, ""},
		{"", 0, "kill -l    # lists them"},
		{"SIG", 0, "kill -l    # lists them"},
		{"TERM ", 0, "kill -l    # lists them"},
		{"nosuch", 0, "kill -l    # lists them"},
	} {
		t.Run(test.text, func(t *testing.T) {
			var got signalNumber
			err := got.UnmarshalText([]byte(test.text))
			if (err == nil) != (test.want > 0) || err == nil && got != test.want {
				t.Errorf("got %d, %v; want %d", got, err, test.want)
			}
			if hints := append(hint.Of(err), ""); hints[0] != test.hint {
				t.Errorf("got hint %q, want %q", hints[0], test.hint)
			}
		})
	}
}

// The line is read as a whole: kong has an opinion of what begins with a dash.
func TestLineCount(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want lineCount
	}{
		{"none given", nil, -1},
		{"all", []string{"--tail", "all"}, -1},
		{"podman's all", []string{"--tail", "-1"}, -1},
		{"podman's all, joined", []string{"-n-1"}, -1},
		{"no lines", []string{"-n", "0"}, 0},
		{"some", []string{"--tail=10"}, 10},
		{"other flags behind it", []string{"-n", "3", "-f"}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, parsed, err := parse(append(append([]string{"logs"}, test.args...), "web"))
			if err != nil {
				t.Fatal(err)
			}
			if got := parsed.Selected().Target.Addr().Interface().(*logsCmd).Tail; got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestPortNumber(t *testing.T) {
	for _, test := range []struct {
		text string
		want portNumber // none: it is refused
	}{
		{"80", portNumber{80, "tcp"}},
		{"53/udp", portNumber{53, "udp"}},
		{"", portNumber{}},
		{"0", portNumber{}},
		{"65536", portNumber{}},
		{"80/sctp", portNumber{}},
		{"80/", portNumber{}},
		{"http", portNumber{}},
	} {
		t.Run(test.text, func(t *testing.T) {
			var got portNumber
			err := got.UnmarshalText([]byte(test.text))
			if got != test.want || (err == nil) != (test.want != portNumber{}) {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}
