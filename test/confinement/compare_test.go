package confinement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// list has one result, of a try that all tests share.
func list(outcome string) *List { return &List{Results: []Result{{"g", "call", "bpf", outcome}}} }

func TestCompare(t *testing.T) {
	const eperm, enosys = "no (EPERM)", "no (ENOSYS)"
	for _, test := range []struct {
		name                    string
		got, root, was, wasRoot string
		want                    []string
		compared                int
	}{
		{"nothing new", Yes, Yes, Yes, Yes, nil, 1},
		{"another reason", enosys, Yes, eperm, Yes, nil, 1},
		{"allowed now", Yes, Yes, eperm, Yes, []string{"g: call bpf: got yes, want no (EPERM)"}, 1},
		{"forbidden now", eperm, Yes, Yes, Yes, []string{"g: call bpf: got no (EPERM), want yes"}, 1},
		{"deadly now", "killed (SIGSYS)", Yes, eperm, Yes, []string{"g: call bpf: got killed (SIGSYS), want no (EPERM)"}, 1},
		{"another text", "a b", "x", "a", "x", []string{"g: call bpf: got a b, want a"}, 1},
		{"gone from the kernel", enosys, enosys, Yes, Yes, nil, 0},
		{"new in the kernel", Yes, Yes, enosys, enosys, nil, 0},
		{"never in the kernel, but let through", Yes, enosys, enosys, enosys, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			different, compared := Compare(Run{list(test.got), list(test.root)}, Run{list(test.was), list(test.wasRoot)})
			var got []string
			for _, d := range different {
				got = append(got, d.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" || compared != test.compared {
				t.Errorf("compared %d, want %d; -want +got:\n%s", compared, test.compared, diff)
			}
		})
	}
}

// A try that is new, and one that is gone, need a new recording.
func TestCompareKnowsTheTries(t *testing.T) {
	other := &List{Results: []Result{{"g", "call", "keyctl", Yes}}}
	different, _ := Compare(Run{other, other}, Run{list(Yes), list(Yes)})
	var got []string
	for _, d := range different {
		got = append(got, d.String())
	}
	want := []string{"g: call bpf: not tried, but recorded as yes", "g: call keyctl: got yes, which is not recorded"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
