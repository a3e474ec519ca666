package cgroup

import (
	"context"
	"errors"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

const slice = "/user.slice/user-1000.slice/user@1000.service/app.slice"

// withSystemd makes a machine that systemd runs, and the user's own on a bus, which
// has these controllers to give.
func withSystemd(t *testing.T, controllers string) (*fake, *bus) {
	t.Helper()
	f := newFake(t, everything, slice+"/terminal.scope")
	must(t, os.MkdirAll(f.site.run+"/systemd/system", 0o700))
	for at, part := range strings.Split(slice, "/")[1:] {
		f.group(strings.Join(strings.Split(slice, "/")[:at+1], "/")+"/"+part, "")
	}
	f.write(slice+"/cgroup.subtree_control", controllers)
	f.yours[slice] = true
	b := newBus(t)
	b.start = func(name string) {
		f.group(slice+"/"+name, "")
		f.moveTo(slice + "/" + name)
	}
	f.site.buses = []string{b.address}
	return f, b
}

func TestGroupInAScope(t *testing.T) {
	f, b := withSystemd(t, everything)
	g, err := f.site.make(&all)
	if err != nil {
		t.Fatal(err)
	}
	scope := path.Dir(strings.TrimPrefix(g.path, f.top))
	if path.Dir(scope) != slice || path.Ext(scope) != ".scope" || !isOurs(strings.TrimSuffix(path.Base(scope), ".scope")) {
		t.Errorf("got scope %q, want one of ours in %q", scope, slice)
	}
	if got := f.read(scope + "/supervisor/cgroup.procs"); got != "0" {
		t.Errorf("got %q written to the supervisor's cgroup.procs, want 0", got)
	}
	if got, want := f.read(scope+"/cgroup.subtree_control"), "+cpu +cpuset +memory +pids"; got != want {
		t.Errorf("controllers: got %q written, want %q", got, want)
	}
	asked := b.asked[len(b.asked)-1]
	if got := asked["PIDs"].Value(); !cmp.Equal(got, []uint32{uint32(os.Getpid())}) {
		t.Errorf("got processes %v asked for, want this one, %d", got, os.Getpid())
	}
	for name, want := range map[string]any{"Delegate": true, "CollectMode": "inactive-or-failed", "OOMPolicy": "continue"} {
		if got := asked[name].Value(); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	must(t, g.Remove())
	if diff := cmp.Diff([]string{"supervisor"}, f.list(scope)); diff != "" {
		t.Errorf("groups that are left (-want +got):\n%s", diff)
	}
}

// Systemd 252, of Debian 12, refuses a property that 253 has.
func TestOlderSystemd(t *testing.T) {
	f, b := withSystemd(t, everything)
	b.knows = slices.DeleteFunc(b.knows, func(name string) bool { return name == "OOMPolicy" })
	g, err := f.site.make(&all)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.asked) != 2 {
		t.Errorf("got %d attempts, want 2", len(b.asked))
	}
	must(t, g.Remove())
}

func TestScopeRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(f *fake, b *bus)
		says   string
		hint   string // the beginning of the first one
	}{
		{
			"controllers that the user's systemd has not", func(f *fake, _ *bus) { f.write(slice+"/cgroup.subtree_control", "memory pids") },
			"systemd does not hand the controllers cpu and cpuset to users", "sudo mkdir -p /etc/systemd/system/user@.service.d",
		},
		{
			"a bus without systemd", func(_ *fake, b *bus) { b.hasSystemd = false },
			"no way to this user's systemd", "sudo loginctl enable-linger 1000",
		},
		{
			"nobody listens", func(f *fake, _ *bus) { f.site.buses = []string{"unix:path=" + f.top + "/none"} },
			"no way to this user's systemd", "sudo loginctl enable-linger 1000",
		},
		{
			"the job fails", func(_ *fake, b *bus) { b.result = "failed" },
			`the job's result is "failed"`, "",
		},
		{
			"another property is refused", func(_ *fake, b *bus) { b.knows = nil },
			"asking systemd for scope", "",
		},
		{
			"not moved", func(_ *fake, b *bus) { b.start = func(string) {} },
			errNotMoved.Error(), "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, b := withSystemd(t, everything)
			test.change(f, b)
			g, err := f.site.make(&all)
			if err == nil {
				t.Fatalf("got group %q, want an error", g.path)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %q, want something with %q", err, test.says)
			}
			hints := hint.Of(err)
			if len(hints) == 0 != (test.hint == "") || len(hints) > 0 && !strings.HasPrefix(hints[0], test.hint) {
				t.Errorf("got hints %q, want %q", hints, test.hint)
			}
		})
	}
}

// A session's bus need not be the one that systemd is on.
func TestSecondBus(t *testing.T) {
	f, b := withSystemd(t, everything)
	without := newBus(t)
	without.hasSystemd = false
	f.site.buses = []string{without.address, "unix:path=" + f.top + "/none", b.address}
	g, err := f.site.make(&all)
	if err != nil {
		t.Fatal(err)
	}
	must(t, g.Remove())
}

// A job without an end is given up, not waited for.
func TestJobWithoutEnd(t *testing.T) {
	_, b := withSystemd(t, everything)
	b.silent = true
	ctx, cancel := context.WithCancel(t.Context())
	started := b.start
	b.start = func(name string) {
		started(name)
		cancel()
	}
	err := startScopeAt(ctx, b.address, os.Getuid(), "unc-1-00000001.scope")
	if !errors.Is(err, context.Canceled) && (err == nil || !strings.Contains(err.Error(), "scope")) {
		t.Errorf("got %v, want that it is given up", err)
	}
}

func TestBusAddresses(t *testing.T) {
	dir, err := os.MkdirTemp("", "bus")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, unix.Mknod(dir+"/bus", unix.S_IFSOCK|0o600, 0))
	uid := os.Getuid()
	for _, test := range []struct {
		name string
		env  map[string]string
		uid  int
		want []string
	}{
		{"both", map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "XDG_RUNTIME_DIR": dir}, uid, []string{"unix:path=/x", "unix:path=" + dir + "/bus"}},
		{"the same", map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unix:path=" + dir + "/bus", "XDG_RUNTIME_DIR": dir}, uid, []string{"unix:path=" + dir + "/bus"}},
		{"a program to start", map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unixexec:path=/bin/sh"}, uid, nil},
		{"a bus to start", map[string]string{"DBUS_SESSION_BUS_ADDRESS": "autolaunch:"}, uid, nil},
		{"somebody else's", map[string]string{"XDG_RUNTIME_DIR": dir}, uid + 1, nil},
		{"no socket", map[string]string{"XDG_RUNTIME_DIR": dir + "/none"}, uid, nil},
		{"nothing", nil, uid, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := busAddresses(func(name string) string { return test.env[name] }, test.uid)
			// This machine may have a bus of the user's at the usual place.
			usual := "/run/user/"
			got = slices.DeleteFunc(got, func(a string) bool { return strings.HasPrefix(a, "unix:path="+usual) })
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
