package cli

import (
	"strings"
	"testing"
)

func TestTemplates(t *testing.T) {
	for _, test := range []struct{ format, want, err string }{
		{"{{.Name}} {{.Address}}", "web 10.100.42.7\nyoung \nbad \n", ""},
		{"{{.PID}}{{json .Labels}}", "11null\n0null\n0null\n", ""},
		{`{{.Name}}\t{{if .Address}}\n{{end}}{{"\t\\t"}}`, "web\t\n\t\\t\nyoung\t\t\\t\nbad\t\t\\t\n", ""},
		{"tables {{.PID}}", "tables 11\ntables 0\ntables 0\n", ""},
		{`table {{.Name}}\t{{.PID}}`, "NAME   PID\nweb    11\nyoung  0\nbad    0\n", ""},
		{`table {{.Name}}\t{{if .Address}}{{.Address}}{{else}}-{{end}}\t{{json .Labels}}`, "NAME   ADDRESS      LABELS\nweb    10.100.42.7  null\nyoung  -            null\nbad    -            null\n", ""},
		{"table {{$n := .Name}}{{$n}} of {{index .Labels \"a\"}}", " of LABELS\nweb of \nyoung of \nbad of \n", ""},
		{"{{.Nothing}}", "", `--format "{{.Nothing}}": template: `},
		{"table {{.Nothing}}", "NOTHING\n", `--format "table {{.Nothing}}": template: `},
	} {
		t.Run(test.format, func(t *testing.T) {
			var format templateText
			if err := format.UnmarshalText([]byte(test.format)); err != nil {
				t.Fatal(err)
			}
			var rows []row
			for _, e := range entries() {
				rows = append(rows, rowOf(e))
			}
			var b strings.Builder
			err := printEach(&b, &format, rows)
			if b.String() != test.want || (err == nil) != (test.err == "") || err != nil && !strings.HasPrefix(err.Error(), test.err) {
				t.Errorf("got %q, %v; want %q, %q", b.String(), err, test.want, test.err)
			}
		})
	}
}
