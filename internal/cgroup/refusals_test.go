package cgroup

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// All that keeps a group from being made leaves nothing, and says what to do.
func TestRefusals(t *testing.T) {
	booted := func(f *fake) { must(f.t, os.MkdirAll(f.site.run+"/systemd/system", 0o700)) }
	for _, test := range []struct {
		name    string
		change  func(f *fake)
		limits  Limits
		says    []string
		advises string // the beginning of the first hint, "" when there is none
	}{
		{
			"nothing is delegated", func(f *fake) { f.yours["/me"] = false },
			Limits{Memory: 1 << 20},
			[]string{"no control group", "not run by systemd"},
			"sudo sh -c 'cd ",
		},
		{
			"a controller is not", func(f *fake) { f.write("/me/cgroup.controllers", "memory") }, all,
			[]string{"/me", "no cpu and no cpuset and no pids controller"},
			"sudo sh -c ",
		},
		{
			"no cgroup v2", func(f *fake) { f.write("/../proc/self/cgroup", "2:memory:/\n") },
			Limits{Memory: 1 << 20},
			[]string{"no cgroup v2"},
			"cgroup_no_v1=all",
		},
		{
			"a controller of v1", func(f *fake) { f.write("/../proc/self/cgroup", "2:memory:/\n0::/me/shell\n") },
			Limits{Memory: 1 << 20},
			[]string{"controller memory in cgroup v1"},
			"cgroup_no_v1=all",
		},
		{
			"a controller of v1, with systemd", func(f *fake) {
				booted(f)
				f.write("/../proc/self/cgroup", "2:memory:/\n0::/me/shell\n")
			},
			Limits{Memory: 1 << 20},
			[]string{"controller memory in cgroup v1"},
			"systemd.unified_cgroup_hierarchy=1",
		},
		{
			"a kernel without it", func(f *fake) { f.write("/cgroup.controllers", "cpu pids\n") },
			Limits{Memory: 1 << 20},
			[]string{"this kernel has no controller memory"},
			"cgroup_enable=memory",
		},
		{
			"a group without the file", func(f *fake) { must(f.t, os.Remove(f.top+"/me/cgroup.subtree_control")) },
			Limits{Memory: 1 << 20},
			[]string{"/me/cgroup.subtree_control"},
			"",
		},
		{
			"systemd without a bus", func(f *fake) {
				booted(f)
				f.yours["/me"] = false
			},
			Limits{Memory: 1 << 20},
			[]string{"no control group", "no way to this user's systemd"},
			"sudo loginctl enable-linger 1000",
		},
		{
			"a processor that is not there", func(*fake) {},
			Limits{CPUSet: "2-4"},
			[]string{"processor 4 is not among those", "0-3"},
			"",
		},
		{
			"a limit of swap space where none is counted", func(f *fake) { f.forget(t, "memory.swap.max") },
			Limits{Memory: 1 << 20, MemorySwap: 2 << 20},
			[]string{"does not count swap space"},
			"",
		},
		{
			"a file that is missing", func(f *fake) { f.forget(t, "pids.max") },
			Limits{Pids: 5},
			[]string{"pids.max", "no such file"},
			"",
		},
		{
			"too many groups", func(f *fake) {
				f.site.mkdir = func(string) error { return unix.EAGAIN }
			},
			Limits{Pids: 5},
			[]string{"cgroup.max.descendants"},
			"",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := delegatedTo(t, everything)
			f.write("/me/cgroup.subtree_control", everything)
			test.change(f)
			if f.read("/me/cgroup.controllers") == "memory" {
				f.write("/me/cgroup.subtree_control", "")
			}
			g, err := f.site.make(&test.limits)
			if err == nil {
				t.Fatalf("got group %q, want an error", g.path)
			}
			for _, text := range test.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("got %q, want something with %q", err, text)
				}
			}
			hints := hint.Of(err)
			if len(hints) == 0 != (test.advises == "") || len(hints) > 0 && !strings.HasPrefix(hints[0], test.advises) {
				t.Errorf("got hints %q, want %q", hints, test.advises)
			}
			if diff := cmp.Diff([]string{"shell"}, f.list("/me")); diff != "" {
				t.Errorf("groups that are left (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExplainBusy(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		says string
	}{
		{"processes in the group", fmt.Errorf("writing: %w", unix.EBUSY), "has processes of its own"},
		{"something else", fmt.Errorf("writing: %w", unix.EINVAL), "writing: "},
	} {
		got := explainBusy("/g", test.err)
		if !errors.Is(got, errors.Unwrap(test.err)) || !strings.Contains(got.Error(), test.says) {
			t.Errorf("%s: got %v, want %q and the cause", test.name, got, test.says)
		}
	}
	if err := explainBusy("/g", nil); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}
