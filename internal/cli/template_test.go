package cli

import (
	"strings"
	"testing"

	"unc/internal/record"
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
		{"{{.Name}}{{index .Ports 99}}", "", `--format "{{.Name}}{{index .Ports 99}}": template: `},
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

func TestTemplateFields(t *testing.T) {
	for _, test := range []struct {
		format string
		sample any
		want   string
	}{
		{"{{.Name}} {{.Labels.app}}", row{}, ""},
		{"{{index .Ports 0}}", row{}, ""},
		{"{{.Ended.Code}}{{(index .Network.Ports 0).Port}}", record.Info{}, ""},
		{"{{.Nothing}}", row{}, `--format "{{.Nothing}}": there is no field .Nothing; there are .Name, .Command, .Status, .Network, .Address, .Ports, .Rootfs, .PID, .Created, .Labels`},
		{"table {{.nothing}}", row{}, `--format "table {{.nothing}}": there is no field .nothing; there are .Name, `},
		{"{{.Network.Nothing}}", record.Info{}, `--format "{{.Network.Nothing}}": there is no field .Nothing`},
	} {
		t.Run(test.format, func(t *testing.T) {
			var format templateText
			if err := format.UnmarshalText([]byte(test.format)); err != nil {
				t.Fatal(err)
			}
			err := format.check(test.sample)
			if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if err := new(templateText).check(row{}); err != nil {
		t.Errorf("of no template: got %v, want nil", err)
	}
}
