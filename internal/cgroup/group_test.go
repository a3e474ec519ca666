package cgroup

import (
	"errors"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const everything = "cpuset cpu io memory hugetlb pids"

// delegatedTo makes /me with a shell in it, in which this process is.
func delegatedTo(t *testing.T, controllers string) *fake {
	t.Helper()
	f := newFake(t, everything, "/me/shell")
	f.write("/cgroup.subtree_control", controllers)
	f.group("/me", "")
	f.group("/me/shell", "")
	f.yours["/me"] = true
	return f
}

func TestGroupInADelegatedOne(t *testing.T) {
	f := delegatedTo(t, everything)
	g, err := f.site.make(&all)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.read("/me/cgroup.subtree_control"), "+cpu +cpuset +memory +pids"; got != want {
		t.Errorf("controllers: got %q written, want %q", got, want)
	}
	if dir := path.Dir(g.path); dir != f.top+"/me" || !isOurs(path.Base(g.path)) {
		t.Errorf("got group %q, want one of ours in %q", g.path, f.top+"/me")
	}
	if got, want := g.Dir().Name(), g.path+"/container"; got != want {
		t.Errorf("got directory %q, want %q", got, want)
	}
	if info, err := os.Stat(g.path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want a group that nobody else may enter", info.Mode(), err)
	}
	name := strings.TrimPrefix(g.path, f.top)
	if got := f.read(name + "/cgroup.max.depth"); got != maxDepth {
		t.Errorf("got groups %s deep, want %s", got, maxDepth)
	}
	for _, file := range []string{"/memory.max", "/cpu.max", "/pids.max"} {
		if limit, seen := f.read(name+file), f.read(name+"/container"+file); limit != seen {
			t.Errorf("%s: the limit is %q, and the container sees %q", file, limit, seen)
		}
	}
	if err := g.Remove(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"shell"}, f.list("/me")); diff != "" {
		t.Errorf("groups that are left (-want +got):\n%s", diff)
	}
}

func TestEnable(t *testing.T) {
	for _, test := range []struct {
		name, enabled, available string
		want                     string // what is written; "" when it is as it was
		lacking                  []string
	}{
		{"all there", "memory pids", "memory pids", "memory pids", nil},
		{"some there", "memory", "memory pids", "+pids", nil},
		{"none there", "", "memory pids", "+memory +pids", nil},
		{"some to be had", "", "pids cpu", "", []string{"memory"}},
		{"none to be had", "", "", "", []string{"memory", "pids"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := delegatedTo(t, everything)
			f.write("/me/cgroup.controllers", test.available)
			f.write("/me/cgroup.subtree_control", test.enabled)
			err := enable(f.top+"/me", []string{"memory", "pids"})
			var lacks *shortage
			errors.As(err, &lacks)
			if (err == nil) != (test.lacking == nil) || lacks != nil && !slices.Equal(lacks.controllers, test.lacking) {
				t.Errorf("got %v, want a lack of %q", err, test.lacking)
			}
			if got := f.read("/me/cgroup.subtree_control"); got != test.want {
				t.Errorf("got %q in the file, want %q", got, test.want)
			}
		})
	}
}

func TestLimitsAreSet(t *testing.T) {
	f := delegatedTo(t, everything)
	f.write("/me/cgroup.subtree_control", everything)
	g, err := f.site.make(&all)
	if err != nil {
		t.Fatal(err)
	}
	group := strings.TrimPrefix(g.path, f.top)
	for file, want := range map[string]string{
		"memory.max": "67108864", "memory.swap.max": "33554432", "cpu.max": "150000 100000",
		"cpuset.cpus": "0-1,3", "pids.max": "20",
	} {
		if got := f.read(group + "/" + file); got != want {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
	if n, err := g.OOMKills(); n != 0 || err != nil {
		t.Errorf("got %d processes killed, %v, want 0", n, err)
	}
	f.write(group+"/memory.events", "low 0\nhigh 0\nmax 40\noom 3\noom_kill 2\noom_group_kill 0\n")
	if n, err := g.OOMKills(); n != 2 || err != nil {
		t.Errorf("got %d processes killed, %v, want 2", n, err)
	}
	must(t, g.Remove())
}

// forget leaves a file out of every group that is made from now on.
func (f *fake) forget(t *testing.T, file string) {
	t.Helper()
	mkdir := f.site.mkdir
	f.site.mkdir = func(path string) error {
		err := mkdir(path)
		if err == nil {
			_ = os.Remove(path + "/" + file)
		}
		return err
	}
}

func TestSwapSpaceThatNobodyCounts(t *testing.T) {
	for _, swap := range []int64{0, -1} {
		f := delegatedTo(t, "memory")
		f.write("/me/cgroup.subtree_control", "memory")
		f.forget(t, "memory.swap.max")
		g, err := f.site.make(&Limits{Memory: 1 << 20, MemorySwap: swap})
		if err != nil {
			t.Errorf("limit %d: got %v, want nil", swap, err)
			continue
		}
		must(t, g.Remove())
	}
}

// The nearest group that has all is taken, not the nearest that is the user's.
func TestNearestWithAllControllers(t *testing.T) {
	f := newFake(t, everything, "/a/b/c")
	f.write("/cgroup.subtree_control", everything)
	f.group("/a", "")
	f.group("/a/b", "")
	f.group("/a/b/c", "")
	f.yours["/a"], f.yours["/a/b"] = true, true
	f.write("/a/cgroup.subtree_control", "memory pids")
	f.write("/a/b/cgroup.controllers", "pids")
	f.write("/a/b/cgroup.subtree_control", "pids")
	for _, test := range []struct {
		limits Limits
		want   string
	}{
		{Limits{Pids: 5}, "/a/b"},
		{Limits{Memory: 1 << 20}, "/a"},
	} {
		g, err := f.site.make(&test.limits)
		if err != nil {
			t.Errorf("%+v: got %v, want a group in %q", test.limits, err, test.want)
			continue
		}
		if got := path.Dir(g.path); got != f.top+test.want {
			t.Errorf("%+v: got a group in %q, want one in %q", test.limits, got, f.top+test.want)
		}
		must(t, g.Remove())
	}
}
