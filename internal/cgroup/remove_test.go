package cgroup

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestIsOurs(t *testing.T) {
	for _, test := range []struct {
		name string
		want bool
	}{
		{"unc-4711-0a1b2c3d", true},
		{"unc-1000", false},
		{"unc-4711-0a1b2c3", false},
		{"unc-4711-0a1b2c3g", false},
		{"unc-4711-0a1b2c3d.scope", false},
		{"unc--0a1b2c3d", false},
		{"unc-x-0a1b2c3d", false},
		{"shell", false},
		{"4711-0a1b2c3d", false},
	} {
		if got := isOurs(test.name); got != test.want {
			t.Errorf("%q: got %v, want %v", test.name, got, test.want)
		}
	}
}

// A start removes what killed supervisors have left, and nothing else.
func TestSweep(t *testing.T) {
	f := delegatedTo(t, "pids")
	f.write("/me/cgroup.subtree_control", "pids")
	for _, name := range []string{
		"unc-1-00000001", "unc-1-00000001/container", // abandoned
		"unc-1-00000002",                             // abandoned before it was furnished
		"unc-1-00000003", "unc-1-00000003/container", // processes that are being killed
		"unc-1-00000004", // somebody's
		"mine",           // not of our names
	} {
		f.group("/me/"+name, "")
	}
	f.write("/me/unc-1-00000003/container/cgroup.events", "populated 1\n")
	owner, err := os.Open(f.top + "/me/unc-1-00000004")
	must(t, err)
	defer owner.Close()
	must(t, unix.Flock(int(owner.Fd()), unix.LOCK_EX))

	g, err := f.site.make(&Limits{Pids: 5})
	if err != nil {
		t.Fatal(err)
	}
	own := strings.TrimPrefix(g.path, f.top+"/me/")
	want := []string{"mine", "shell", "unc-1-00000003", "unc-1-00000003/container", "unc-1-00000004"}
	got := f.list("/me")
	got = lackOf(got, []string{own, own + "/container"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups after a start (-want +got):\n%s", diff)
	}
	// Its own is safe from the next one.
	f.site.sweep(f.top + "/me")
	if _, err := os.Stat(g.path + "/container"); err != nil {
		t.Errorf("the group of one that runs: got %v, want nil", err)
	}
	must(t, g.Remove())
}

// A group that another start takes for abandoned, before its lock, is made again.
func TestSweptBeforeItIsLocked(t *testing.T) {
	for _, test := range []struct {
		name string
		at   string // the group's mkdir that comes too late
	}{
		{"before it is opened", ""},
		{"before the one below is made", "/container"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := delegatedTo(t, "pids")
			f.write("/me/cgroup.subtree_control", "pids")
			swept := false
			f.site.mkdir = func(path string) error {
				if !swept && test.at != "" && strings.HasSuffix(path, test.at) {
					swept = true
					must(t, f.rmdir(strings.TrimSuffix(path, test.at)))
				}
				err := f.mkdir(path)
				if !swept && test.at == "" {
					swept = true
					must(t, f.rmdir(path))
				}
				return err
			}
			g, err := f.site.make(&Limits{Pids: 5})
			if err != nil {
				t.Fatal(err)
			}
			if !swept {
				t.Error("the group was not swept away")
			}
			must(t, g.Remove())
			if diff := cmp.Diff([]string{"shell"}, f.list("/me")); diff != "" {
				t.Errorf("groups that are left (-want +got):\n%s", diff)
			}
		})
	}
}

// Another user may open the group's directory as well, and lock it for good.
func TestLockedBySomebody(t *testing.T) {
	f := delegatedTo(t, "pids")
	f.write("/me/cgroup.subtree_control", "pids")
	locked := ""
	f.site.mkdir = func(path string) error {
		err := f.mkdir(path)
		if locked == "" {
			locked = path
			dir, err := os.Open(path)
			must(t, err)
			t.Cleanup(func() { dir.Close() })
			must(t, unix.Flock(int(dir.Fd()), unix.LOCK_EX))
		}
		return err
	}
	g, err := f.site.make(&Limits{Pids: 5})
	if err != nil {
		t.Fatal(err)
	}
	if g.path == locked {
		t.Errorf("got %q, which somebody else has locked", g.path)
	}
	must(t, g.Remove())
	if diff := cmp.Diff([]string{"shell"}, f.list("/me")); diff != "" {
		t.Errorf("groups that are left (-want +got):\n%s", diff)
	}
}

func TestRemoveWhatTheContainerMade(t *testing.T) {
	f := delegatedTo(t, "pids")
	g, err := f.site.make(&Limits{Pids: 5})
	if err != nil {
		t.Fatal(err)
	}
	inside := strings.TrimPrefix(g.path, f.top) + "/container/more"
	f.group(inside, "")
	f.group(inside+"/and-more", "")
	if err := g.Remove(); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if diff := cmp.Diff([]string{"shell"}, f.list("/me")); diff != "" {
		t.Errorf("groups that are left (-want +got):\n%s", diff)
	}
}

func TestRemoveTwice(t *testing.T) {
	f := delegatedTo(t, "pids")
	g, err := f.site.make(&Limits{Pids: 5})
	if err != nil {
		t.Fatal(err)
	}
	must(t, f.site.removeTree(g.path, time.Time{}))
	if err := g.Remove(); err != nil {
		t.Errorf("got %v, want nil: what is gone is gone", err)
	}
}

// Processes that are about to be gone are waited for, others not for ever.
func TestRemoveWaits(t *testing.T) {
	f := delegatedTo(t, "pids")
	f.group("/me/unc-1-00000001", "")
	group := "/me/unc-1-00000001"
	f.write(group+"/cgroup.events", "populated 1\n")
	err := f.site.removeTree(f.top+group, time.Time{})
	if err == nil || !strings.Contains(err.Error(), "still processes") {
		t.Errorf("got %v, want that there are processes", err)
	}
	tries := 0
	f.site.rmdir = func(path string) error {
		if tries++; tries == 1 {
			f.write(group+"/cgroup.events", "populated 0\n")
			return unix.EBUSY
		}
		return f.rmdir(path)
	}
	if err := f.site.removeTree(f.top+group, time.Now().Add(patience)); err != nil || tries != 2 {
		t.Errorf("got %v after %d tries, want nil after 2", err, tries)
	}
	if _, err := os.Stat(f.top + group); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
}
