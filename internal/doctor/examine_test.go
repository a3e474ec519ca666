package doctor

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unc/internal/hint"
)

// Whatever becomes of one check, the others have their say, in their order.
func TestExamine(t *testing.T) {
	never := make(chan []Finding)
	m := &machine{patience: time.Minute}
	well := func(name string) check {
		return check{name, func() []Finding { return []Finding{fine(name, "all is well")} }}
	}
	panics := check{"broken", func() []Finding { panic("nobody has thought of it") }}
	hangs := check{"slow", func() []Finding { return <-never }}
	several := check{"several", func() []Finding { return []Finding{fine("one", "1"), fine("two", "2")} }}
	none := check{"none", func() []Finding { return nil }}

	want := []Finding{
		fine("a", "all is well"),
		{"broken", Problem, "this check is broken, which is a bug of unc's: nobody has thought of it", []string{}},
		fine("one", "1"), fine("two", "2"), fine("z", "all is well"),
	}
	if diff := cmp.Diff(want, m.examine([]check{well("a"), panics, several, none, well("z")})); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}

	m.patience = time.Millisecond
	answered := make(chan bool)
	last := check{"z", func() []Finding {
		defer close(answered)
		return []Finding{fine("z", "all is well")}
	}}
	got := m.examine([]check{hangs, hangs, last})
	<-answered
	late := Finding{"slow", Problem, "this could not be found out within 1ms", []string{}}
	if len(got) != 3 || !cmp.Equal(got[0], late) || got[1].State != Problem {
		t.Errorf("got %+v, want two that are late", got)
	}
}

func TestRefer(t *testing.T) {
	cause := hint.With(errors.New("there is none"), "make one")
	list := []Finding{
		found("first", Problem, cause), fine("well", "there is none"), found("second", Problem, cause),
		found("third", Note, cause), found("fourth", Problem, hint.With(errors.New("there is none"), "make another")),
	}
	refer(list)
	same := "for the same reason as first"
	want := []Finding{
		{"first", Problem, "there is none", []string{"make one"}},
		{"well", OK, "there is none", []string{}},
		{"second", Problem, same, []string{}},
		{"third", Note, same, []string{}},
		{"fourth", Problem, "there is none", []string{"make another"}},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestFailing(t *testing.T) {
	for _, test := range []struct {
		name string
		list []Finding
		want bool
	}{
		{"nothing", nil, false},
		{"all is well", []Finding{fine("a", "b")}, false},
		{"a note", []Finding{fine("a", "b"), {State: Note}}, false},
		{"a problem", []Finding{fine("a", "b"), {State: Problem}, {State: Note}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Failing(test.list); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
