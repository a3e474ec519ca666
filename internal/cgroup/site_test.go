package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fake is a machine in a directory: a hierarchy of groups that are given their files
// as the kernel would, and a /proc that says where this process is.
type fake struct {
	t     *testing.T
	site  *site
	top   string
	yours map[string]bool // groups that are the user's, by their path below top
}

// filesOf are those that a controller brings, and what they say in a new group.
var filesOf = map[string]map[string]string{
	"cpu":    {"cpu.max": "max 100000\n"},
	"cpuset": {"cpuset.cpus": "\n", "cpuset.cpus.effective": "0-3\n"},
	"memory": {"memory.max": "max\n", "memory.swap.max": "max\n", "memory.events": "low 0\noom 0\noom_kill 0\noom_group_kill 0\n"},
	"pids":   {"pids.max": "max\n"},
}

// newFake makes a machine whose root has these controllers, with this process in own.
func newFake(t *testing.T, controllers, own string) *fake {
	t.Helper()
	dir := t.TempDir()
	f := &fake{t: t, top: dir + "/cgroup", yours: map[string]bool{}}
	f.site = &site{
		proc: dir + "/proc", run: dir + "/run", uid: 1000,
		mkdir: f.mkdir, rmdir: f.rmdir, mayUse: f.mayUse,
		isCgroup2: func(path string) bool { return path == f.top },
	}
	for _, d := range []string{f.top, dir + "/proc/self", dir + "/run"} {
		must(t, os.MkdirAll(d, 0o700))
	}
	f.fill(f.top, strings.Fields(controllers))
	must(t, os.Remove(f.top+"/cgroup.type"))
	f.write("/../proc/self/mountinfo", "30 20 0:26 / "+f.top+" rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n")
	f.moveTo(own)
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fake) write(name, text string) {
	f.t.Helper()
	must(f.t, os.WriteFile(f.top+name, []byte(text), 0o600))
}

func (f *fake) read(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(f.top + name)
	must(f.t, err)
	return strings.TrimSpace(string(text))
}

// moveTo says that this process is in a group.
func (f *fake) moveTo(group string) { f.write("/../proc/self/cgroup", "0::"+group+"\n") }

// group makes a group, and hands down the controllers to those in it.
func (f *fake) group(path, controllers string) {
	f.t.Helper()
	must(f.t, f.mkdir(f.top+path))
	if controllers != "" {
		f.write(path+"/cgroup.subtree_control", controllers)
	}
}

func (f *fake) mkdir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	given, err := words(filepath.Dir(path) + "/cgroup.subtree_control")
	for i, name := range given {
		given[i] = strings.TrimPrefix(name, "+")
	}
	f.fill(path, given)
	return err
}

func (f *fake) fill(path string, controllers []string) {
	path = strings.TrimPrefix(path, f.top)
	for _, name := range []string{"cgroup.procs", "cgroup.subtree_control", "cgroup.max.depth"} {
		f.write(path+"/"+name, "")
	}
	f.write(path+"/cgroup.type", "domain\n")
	f.write(path+"/cgroup.controllers", strings.Join(controllers, " ")+"\n")
	f.write(path+"/cgroup.events", "populated 0\nfrozen 0\n")
	for _, c := range controllers {
		for name, text := range filesOf[c] {
			f.write(path+"/"+name, text)
		}
	}
}

func (f *fake) rmdir(path string) error {
	below, err := groups(path)
	if err != nil {
		return err
	}
	if len(below) > 0 || !strings.HasPrefix(f.read(strings.TrimPrefix(path, f.top)+"/cgroup.events"), "populated 0") {
		return unix.EBUSY
	}
	return os.RemoveAll(path)
}

func (f *fake) mayUse(dir string) error {
	if !f.yours["/"+strings.Trim(strings.TrimPrefix(dir, f.top), "/")] {
		return unix.EACCES
	}
	return nil
}

// list names all groups below one, in order.
func (f *fake) list(path string) []string {
	f.t.Helper()
	var all []string
	must(f.t, filepath.WalkDir(f.top+path, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && name != f.top+path {
			all = append(all, strings.TrimPrefix(name, f.top+path+"/"))
		}
		return err
	}))
	slices.Sort(all)
	return all
}

// For the rights that root has anyway, the fake has a seam; this is what it stands for.
func TestMayUse(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may do anything")
	}
	dir := t.TempDir()
	if err := mayUse(dir); !errors.Is(err, unix.ENOENT) {
		t.Errorf("without cgroup.procs: got %v, want %v", err, unix.ENOENT)
	}
	must(t, os.WriteFile(dir+"/cgroup.procs", nil, 0o600))
	if err := mayUse(dir); err != nil {
		t.Errorf("all of it writable: got %v, want nil", err)
	}
	must(t, os.Chmod(dir+"/cgroup.procs", 0o400))
	if err := mayUse(dir); !isDenied(err) {
		t.Errorf("cgroup.procs for reading: got %v, want a denial", err)
	}
	must(t, os.Chmod(dir+"/cgroup.procs", 0o600))
	must(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { must(t, os.Chmod(dir, 0o700)) })
	if err := mayUse(dir); !isDenied(err) {
		t.Errorf("a directory for reading: got %v, want a denial", err)
	}
}
