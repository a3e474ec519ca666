package cgroup

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCPUs(t *testing.T) {
	for _, test := range []struct {
		text string
		want []int // nil when it is none
	}{
		{"0", []int{0}},
		{"0-2,7", []int{0, 1, 2, 7}},
		{"7,0-2\n", []int{0, 1, 2, 7}},
		{"1,1,0-1", []int{0, 1}},
		{"8191", []int{8191}},
		{"", nil},
		{",", nil},
		{"1,", nil},
		{"2-1", nil},
		{"-1", nil},
		{"1-", nil},
		{"1-2-3", nil},
		{"+1", nil},
		{"0x1", nil},
		{"1 ,2", nil},
		{"8192", nil},
		{"0-99999999999999999999", nil},
		{"0-3:1/2", nil},
	} {
		got, err := ParseCPUs(test.text)
		if (err == nil) != (test.want != nil) {
			t.Errorf("%q: got %v, %v, want %v", test.text, got, err, test.want)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
	}
}

func FuzzParseCPUs(f *testing.F) {
	f.Add("0-2,7")
	f.Add("0-8191,0-8191,0-8191")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseCPUs(text)
		if err != nil {
			return
		}
		if len(got) == 0 || !slices.IsSorted(got) || got[0] < 0 || got[len(got)-1] >= maxCPU {
			t.Errorf("%q: got %v, want numbers in order", text, got)
		}
		if len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("%q: got %v, want each once", text, got)
		}
	})
}
