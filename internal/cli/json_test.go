package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"unc/internal/record"
)

// A terminal that reads what is printed acts on none of it.
func TestPrintedJSON(t *testing.T) {
	for _, test := range []struct{ name, command, want string }{
		{"words", "é a\"", `"é a\""`},
		{"what package json escapes", "\x1b[2J\n", `"\u001b[2J\n"`},
		{"what would be HTML", "a && b", `"a && b"`},
		{"what it does not", "\x7f\u009b2J", `"\u007f\u009b2J"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			info := &record.Info{Name: "web", Command: []string{test.command}}
			if err := printJSON(&b, infosOf([]*record.Entry{{Info: info}})); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), test.want) {
				t.Errorf("got %q, want %s in it", b.String(), test.want)
			}
			var got []record.Info
			if err := json.Unmarshal([]byte(b.String()), &got); err != nil || got[0].Command[0] != test.command {
				t.Errorf("got %v, %v, want what was printed", got, err)
			}
		})
	}
}
