package confinement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	of := func(outcomes ...string) *List {
		tries := []Result{
			{"Calls", "call", "bpf", ""},
			{"Calls", "call", "a|b_c", ""},
			{"Calls", "call", "keyctl", ""},
			{"Calls", "open /dev/", "null", ""},
			{"Calls", "open /dev/", "zero", ""},
			{"Calls", "call", "kexec", ""},
			{"Calls", "call", "gone", ""},
			{"State", "is root", "", ""},
		}
		l := &List{About: "by somebody"}
		for i, o := range outcomes {
			tries[i].Outcome = o
			l.Results = append(l.Results, tries[i])
		}
		return l
	}
	root := of(Yes, Yes, Yes, Yes, Yes, "no (ENOSYS)", "no (ENOSYS)", Yes)
	got := Table(root, []Column{
		{"one", of("no (EPERM)", Yes, "no (EPERM)", Yes, Yes, "no (EPERM)", "no (ENOSYS)", "no")},
		{"two", of("no (EPERM)", "no (EPERM)", "no (EPERM)", Yes, Yes, "no (ENOSYS)", "no (ENOSYS)", Yes)},
	})
	want := `Recorded by:

- by somebody
- by somebody
- by somebody

## Calls

| | one | two |
| --- | --- | --- |
| call bpf, keyctl | no (EPERM) | no (EPERM) |
| call a\|b\_c | **yes** | no (EPERM) |
| open /dev/null, zero | yes | yes |
| call kexec | no (EPERM) | no (ENOSYS) |

## State

| | one | two |
| --- | --- | --- |
| is root | no | yes |

## Not known

Where this was recorded nobody could do these, not even root outside of a container:

- call gone: no (ENOSYS)
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
