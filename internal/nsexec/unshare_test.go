package nsexec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/idmap"
)

// identity is who a command of Unshare's is.
type identity struct {
	UID, GID, PID int
	Status        map[string]string
	Namespaces    map[string]uint64
	UIDs          [][]string // uid_map
	Args          []string
	Dir           string
}

// whoami is what this process is itself.
func whoami() (id identity, err error) {
	id = identity{UID: os.Getuid(), GID: os.Getgid(), PID: os.Getpid(), Status: status("self"), Namespaces: map[string]uint64{}, UIDs: fieldsOf("/proc/self/uid_map"), Args: os.Args}
	for _, name := range []string{"user", "mnt", "net", "pid", "uts", "ipc", "cgroup"} {
		if id.Namespaces[name], err = inode("/proc/self/ns/" + name); err != nil {
			return id, err
		}
	}
	id.Dir, err = os.Getwd()
	return id, err
}

func childTellsWhoItIs() error {
	id, err := whoami()
	if err != nil {
		return err
	}
	if err := save(id); err != nil {
		return err
	}
	os.Exit(goodCode)
	return nil
}

func unshare(t *testing.T, ids idmap.Map, args []string, path string, env ...string) *Child {
	t.Helper()
	needContainers(t)
	c, err := Unshare(ids, args, append(env, noRaceSleep), path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The command is root with everything that root can do, in a namespace in which all that
// it could do it to is the caller's. All else is as it was.
func TestUnshare(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, name := filepath.Split(exe)
	for _, test := range []struct{ name, command, path string }{
		{"by its path", exe, "/nowhere"},
		{"in PATH", name, "/nowhere:" + filepath.Clean(dir) + ":/bin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			result := filepath.Join(t.TempDir(), "result")
			args := []string{test.command, "with", "arguments"}
			c := unshare(t, callerIs(0, 0), args, test.path, childVariable+"=who", resultVariable+"="+result)
			if err := c.Started(); err != nil {
				t.Fatal(err)
			}
			code, err := c.Wait()
			if err != nil || code != goodCode {
				t.Fatalf("got exit code %d, %v, want %d", code, err, goodCode)
			}
			var got identity
			load(t, result, &got)
			self, err := whoami()
			if err != nil {
				t.Fatal(err)
			}
			if got.UID != 0 || got.GID != 0 || got.PID != c.PID || got.Dir != self.Dir {
				t.Errorf("got uid %d, gid %d, pid %d, in %q, want 0, 0, %d, in %q", got.UID, got.GID, got.PID, got.Dir, c.PID, self.Dir)
			}
			if diff := cmp.Diff(args, got.Args); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			every := fmt.Sprintf("%016x", uint64(AllCapabilities))
			want := map[string]string{"CapInh": "0000000000000000", "CapPrm": every, "CapEff": every, "CapBnd": every, "SigBlk": "0000000000000000"}
			if diff := cmp.Diff(want, pick(got.Status, want)); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			for name, number := range self.Namespaces {
				if own := name == "user" || name == "mnt"; (got.Namespaces[name] != number) != own {
					t.Errorf("got %s namespace %d, the caller's is %d, want another: %v", name, got.Namespaces[name], number, own)
				}
			}
		})
	}
}

func TestUnshareFails(t *testing.T) {
	dir := tree(t, "data", "+script", "dir/")
	for _, test := range []struct {
		name, command, path string
		kind                error
		want                string
	}{
		{"not in PATH", "no-such-command", dir + ":/bin", ErrNotFound, `command not found: "no-such-command"`},
		{"a path that is not there", dir + "/none", "", ErrNotFound, fmt.Sprintf("command not found: %q", dir+"/none")},
		{"no program, in PATH", "data", dir, ErrNotExecutable, `command not executable: "data": permission denied`},
		{"a directory", dir + "/dir", "", ErrNotExecutable, fmt.Sprintf("command not executable: %q: permission denied", dir+"/dir")},
		{"its interpreter is missing", dir + "/script", "", ErrNotFound, fmt.Sprintf("command not found: %q", dir+"/script")},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := unshare(t, callerIs(0, 0), []string{test.command}, test.path)
			err := c.Started()
			if !errors.Is(err, test.kind) || errText(err) != test.want {
				t.Errorf("got error %q, want %q", errText(err), test.want)
			}
			if code, err := c.Wait(); err != nil || code != 125 {
				t.Errorf("got exit code %d, %v, want 125", code, err)
			}
		})
	}
}
