package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/doctor"
)

func TestPrintFindings(t *testing.T) {
	list := []doctor.Finding{
		{Name: "kernel", State: doctor.OK, Text: "Linux 6.1", Fix: []string{}},
		{Name: "file-capability", State: doctor.Problem, Text: `"/x\n" has none`, Fix: []string{"sudo setcap", "or this\r"}},
		{Name: "limits", State: doctor.Note, Text: "none of \x1b[31mthem\n", Fix: []string{"sudo a && b"}},
	}
	for _, test := range []struct {
		name   string
		format string
		list   []doctor.Finding
		want   string
	}{
		{"text", "text", list, `ok       kernel           Linux 6.1
problem  file-capability  "/x\n" has none
fix: sudo setcap
fix: or this?
note     limits           none of ?[31mthem?
fix: sudo a && b
`},
		{"nothing", "text", nil, ""},
		{"JSON", "json", list[:1], `[
  {
    "name": "kernel",
    "state": "ok",
    "text": "Linux 6.1",
    "fix": []
  }
]
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			if err := printFindings(&b, painter{}, test.format, test.list); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, b.String()); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
		})
	}

	var b strings.Builder
	if err := printFindings(&b, painter{}, "json", list); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\r") || !strings.Contains(b.String(), "a && b") {
		t.Errorf("got %q, want nothing that moves the cursor, and commands as they are typed", b.String())
	}
	var back []doctor.Finding
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil || !cmp.Equal(back, list) {
		t.Errorf("got %+v, %v, want %+v", back, err, list)
	}
	for _, format := range []string{"text", "json"} {
		if err := printFindings(full{}, painter{}, format, list); !errors.Is(err, errNoRoom) {
			t.Errorf("%s: got error %v, want %v", format, err, errNoRoom)
		}
	}
}
