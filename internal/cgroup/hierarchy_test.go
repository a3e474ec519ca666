package cgroup

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMembership(t *testing.T) {
	for _, test := range []struct {
		name, text, group string
		legacy            []string
	}{
		{"v2 alone", "0::/user.slice/user-1000.slice/session-2.scope\n", "/user.slice/user-1000.slice/session-2.scope", nil},
		{"root", "0::/\n", "/", nil},
		{"a colon in the path", "0::/a:b/c\n", "/a:b/c", nil},
		{"v1 alone", "3:cpu,cpuacct:/\n2:memory:/x\n", "", []string{"cpu", "cpuacct", "memory"}},
		{"both", "8:pids:/\n9:name=systemd:/\n0::/a\n", "/a", []string{"pids", "name=systemd"}},
		{"nothing", "", "", nil},
		{"no path", "0::\n", "", nil},
		{"not a line of it", "0\n0:\nmemory\n", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			group, legacy := parseMembership(test.text)
			if group != test.group {
				t.Errorf("group: got %q, want %q", group, test.group)
			}
			if diff := cmp.Diff(test.legacy, legacy); diff != "" {
				t.Errorf("controllers of v1 (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseMounts(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []mount
	}{
		{"one", "30 20 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n", []mount{{"/", "/sys/fs/cgroup"}}},
		{"no optional field", "30 20 0:26 / /c rw - cgroup2 x rw\n", []mount{{"/", "/c"}}},
		{"two optional fields", "30 20 0:26 / /c rw shared:4 master:2 - cgroup2 x rw\n", []mount{{"/", "/c"}}},
		{"a part of it", "30 20 0:26 /user/me /c rw - cgroup2 x rw\n", []mount{{"/user/me", "/c"}}},
		{"a blank in the path", `30 20 0:26 / /my\040groups rw - cgroup2 x rw` + "\n", []mount{{"/", "/my groups"}}},
		{"v1", "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n", nil},
		{"of that name only", "34 31 0:31 / /cgroup2 rw - tmpfs cgroup2 rw\n", nil},
		{"cut off", "30 20 0:26 / /c rw -\n30 20 - cgroup2\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := parseMounts(test.text)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(mount{})); diff != "" {
				t.Errorf("mounts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLocate(t *testing.T) {
	for _, test := range []struct {
		name, root, group string
		want              string
		ok                bool
	}{
		{"all of it", "/", "/a/b", "/a/b", true},
		{"the root in all of it", "/", "/", "/", true},
		{"below what is shown", "/a", "/a/b/c", "/b/c", true},
		{"what is shown", "/a/b", "/a/b", "/", true},
		{"beside it", "/a", "/ab/c", "/c", false},
		{"above it", "/a/b", "/a", "", false},
		{"a mount from outside of the namespace", "/..", "/a", "", false},
		{"a group outside of the namespace", "/", "/../x", "", false},
		{"the group above the namespace", "/", "/..", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := mount{root: test.root}.locate(test.group)
			if ok != test.ok || ok && got != test.want {
				t.Errorf("got %q, %v, want %q, %v", got, ok, test.want, test.ok)
			}
		})
	}
}

func TestFind(t *testing.T) {
	const line = "30 20 0:26 ROOT POINT rw - cgroup2 x rw\n"
	mounted := func(f *fake, root, point string) string {
		return strings.NewReplacer("ROOT", root, "POINT", point).Replace(line)
	}
	for _, test := range []struct {
		name, own string
		mounts    func(f *fake) string
		want      string // "" when there is none
	}{
		{"mounted", "/a/b", func(f *fake) string { return mounted(f, "/", f.top) }, "/a/b"},
		{"covered by another mount", "/a/b", func(f *fake) string { return mounted(f, "/", "/elsewhere") }, ""},
		{"a part is mounted", "/a/b", func(f *fake) string { return mounted(f, "/a", f.top) }, "/b"},
		{"a part that it is not in", "/a/b", func(f *fake) string { return mounted(f, "/c", f.top) }, ""},
		{"a part, and all of it", "/a/b", func(f *fake) string { return mounted(f, "/a", f.top) + mounted(f, "/", f.top) }, "/a/b"},
		{"nothing is mounted", "/a/b", func(*fake) string { return "" }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, "memory", test.own)
			f.write("/../proc/self/mountinfo", test.mounts(f))
			h, err := f.site.find()
			switch {
			case test.want == "":
				if !errors.Is(err, errNoV2) {
					t.Errorf("got %v, %v, want %v", h, err, errNoV2)
				}
			case err != nil:
				t.Errorf("got %v, want %q", err, test.want)
			case h.own != test.want || h.top != f.top:
				t.Errorf("got %q in %q, want %q in %q", h.own, h.top, test.want, f.top)
			}
		})
	}
}

func TestAbove(t *testing.T) {
	for _, test := range []struct {
		own  string
		want []string
	}{
		{"/", []string{"/"}},
		{"/a", []string{"/"}},
		{"/a/b/c", []string{"/a/b", "/a", "/"}},
		{"/user.slice/user-1000.slice/session-1.scope", nil},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope/shell", []string{
			"/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope",
		}},
		{"/system.slice/cron.service", nil},
	} {
		h := &hierarchy{own: test.own}
		if diff := cmp.Diff(test.want, h.above()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.own, diff)
		}
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add("30 20 0:26 /a /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n", "/a/b")
	f.Add(`30 20 0:26 /a\040b /c\134 rw - cgroup2 x rw`, `/a b/c`)
	f.Add("1 2 3 /.. /c rw - cgroup2 x rw", "/../..")
	f.Fuzz(func(t *testing.T, text, group string) {
		for _, m := range parseMounts(text) {
			own, ok := m.locate(group)
			if ok && own != path.Clean(own) {
				t.Errorf("%q in %q: got %q, want a clean path", group, m.root, own)
			}
			if ok && (!path.IsAbs(own) || strings.HasPrefix(own, "/..") && !strings.Contains(group, "..")) {
				t.Errorf("%q in %q: got %q, want a path below the mount", group, m.root, own)
			}
		}
	})
}

func FuzzParseMembership(f *testing.F) {
	f.Add("3:cpu,cpuacct:/\n0::/user.slice\n")
	f.Fuzz(func(t *testing.T, text string) {
		if group, _ := parseMembership(text); group != "" && !path.IsAbs(group) {
			t.Errorf("%q: got %q, want an absolute path", text, group)
		}
	})
}
