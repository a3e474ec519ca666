package cgroup

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unc/internal/hint"
)

// What the survey says, New does: each machine is asked first, and then for a group.
func TestSurvey(t *testing.T) {
	const manager = "/user.slice/user-1000.slice/user@1000.service"
	booted := func(f *fake) {
		must(f.t, os.MkdirAll(f.site.run+"/systemd/system", 0o700))
		f.yours["/me"] = false
	}
	for _, test := range []struct {
		name    string
		change  func(f *fake)
		want    string // of the sentence, or of the error
		lacking []string
		advises string // the beginning of the first hint; "" where all is well
		alone   bool   // New can't be tried: it would ask systemd, or a kernel that counts processes
	}{
		{"a group of the user's", func(*fake) {}, "/me\" is this user's", nil, "", false},
		{"nothing is delegated", func(f *fake) { f.yours["/me"] = false }, "no control group above", nil, "sudo sh -c 'cd ", false},
		{
			"a controller is not", func(f *fake) { f.write("/me/cgroup.controllers", "cpu memory pids\n") },
			"has no cpuset controller",
			[]string{"processors"},
			"sudo sh -c ", false,
		},
		{"no cgroup v2", func(f *fake) { f.write("/../proc/self/cgroup", "2:memory:/\n") }, "no cgroup v2", nil, "cgroup_no_v1=all", false},
		{"a controller of v1", func(f *fake) { f.write("/../proc/self/cgroup", "2:memory:/\n0::/me/shell\n") }, "memory in cgroup v1", nil, "cgroup_no_v1=all", false},
		{"a group with processes", func(f *fake) {
			f.write("/me/cgroup.subtree_control", "")
			f.write("/me/cgroup.procs", "17\n")
		}, "has processes of its own", nil, "", true},
		{"systemd without a bus", booted, "no way to this user's systemd", nil, "sudo loginctl enable-linger 1000", false},
		{"systemd's bus without systemd", func(f *fake) {
			booted(f)
			f.site.buses = []string{"unix:path=/nowhere"}
		}, "no way to this user's systemd", nil, "sudo loginctl enable-linger 1000", false},
		{"systemd", func(f *fake) {
			booted(f)
			f.site.buses = []string{"unix:path=/nowhere"}
			must(f.t, os.MkdirAll(f.top+manager, 0o700))
			f.write(manager+"/cgroup.controllers", "cpu cpuset memory pids\n")
		}, "this user's systemd", nil, "", true},
		{"systemd that hands on few", func(f *fake) {
			booted(f)
			f.site.buses = []string{"unix:path=/nowhere"}
			must(f.t, os.MkdirAll(f.top+manager, 0o700))
			f.write(manager+"/cgroup.controllers", "memory pids\n")
		}, "systemd does not hand the controllers cpu and cpuset to users", []string{"processor time", "processors"}, "sudo mkdir -p /etc/systemd/system/user@.service.d", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := delegatedTo(t, everything)
			test.change(f)
			before := tree(t, f.top)
			got, err := f.site.survey()
			text := got
			if err != nil {
				text = err.Error()
			}
			if !strings.Contains(text, test.want) || (err == nil) != (got != "") {
				t.Errorf("got %q, %v, want something with %q", got, err, test.want)
			}
			if hints := strings.Join(hint.Of(err), "\n"); !strings.HasPrefix(hints, test.advises) || test.advises == "" && hints != "" {
				t.Errorf("got hints %q, want %q", hints, test.advises)
			}
			if lacking := Lacking(err); !slices.Equal(lacking, test.lacking) {
				t.Errorf("got %q lacking, want %q", lacking, test.lacking)
			}
			if after := tree(t, f.top); after != before {
				t.Errorf("looking has changed the groups: got %s, want %s", after, before)
			}
			if test.alone {
				return
			}
			g, failed := f.site.make(&all)
			if (failed == nil) != (err == nil) {
				t.Errorf("got %v, but making a group says %v", err, failed)
			}
			if failed == nil {
				must(t, g.Remove())
			}
		})
	}
}

// tree is every file below dir with what it says.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		b.WriteString(path + "\n")
		if d.Type().IsRegular() {
			text, err := os.ReadFile(path)
			b.Write(text)
			return err
		}
		return nil
	}))
	return b.String()
}
