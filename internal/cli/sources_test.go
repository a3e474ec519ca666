package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/idmap"
)

const nobodyID = 61003 // of nobody in particular

// asNobody runs f without the rights of root, where the test has them: on a thread of
// its own, which ends with f.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if os.Getuid() == 0 {
			// By hand: package syscall would change every thread (nptl(7)).
			for _, call := range [][4]uintptr{
				{unix.SYS_SETGROUPS, 0, 0, 0},
				{unix.SYS_SETRESGID, nobodyID, nobodyID, nobodyID},
				{unix.SYS_SETRESUID, nobodyID, nobodyID, nobodyID},
			} {
				if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
					done <- fmt.Errorf("becoming nobody: %w", errno)
					return
				}
			}
		}
		f()
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// openDir is a directory that everybody may enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func makeDirs(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func TestCheckSource(t *testing.T) {
	dir := openDir(t)
	makeDirs(t, dir, "open", "listed", "entered", "closed/below", "a b")
	write(t, dir+"/file", 0o444)
	write(t, dir+"/secret", 0)
	for name, mode := range map[string]os.FileMode{"listed": 0o644, "entered": 0o311, "closed": 0} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(dir+"/closed", 0o755) }) // to be removed by who is not root
	for name, target := range map[string]string{"link": "open", "dangling": "nowhere", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(dir+"/fifo", 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, source, want string }{
		{"a directory", "DIR/open", ""},
		{"a link to it", "DIR/link", ""},
		{"a file", "DIR/file", ""},
		{"a FIFO", "DIR/fifo", ""},
		{"a directory to enter but not to list", "DIR/entered", ""},
		{"missing", "DIR/missing", "\"DIR/missing\" does not exist\nmkdir -p -- DIR/missing"},
		{"missing, with a space", "DIR/a b/c d", "\"DIR/a b/c d\" does not exist\nmkdir -p -- 'DIR/a b/c d'"},
		{"a dangling link", "DIR/dangling", "\"DIR/dangling\" is a link to something that does not exist\nls -l -- DIR/dangling"},
		{"a loop", "DIR/loop", `looking at "DIR/loop": too many levels of symbolic links`},
		{"home, for a shell", "~/a b", "\"~/a b\" does not exist: a shell replaces ~ only where a word begins\nrealpath -- \"$HOME\"/'a b'"},
		{"below a file", "DIR/file/x", `looking at "DIR/file/x": not a directory`},
		{"a file that can't be read", "DIR/secret", "you may not read \"DIR/secret\"\nnamei -l DIR/secret"},
		{"a directory to list but not to enter", "DIR/listed", "you may not enter \"DIR/listed\"\nnamei -l DIR/listed"},
		{"a directory that is closed", "DIR/closed", "you may not enter \"DIR/closed\"\nnamei -l DIR/closed"},
		{"below one that is closed", "DIR/closed/below", "you may not reach \"DIR/closed/below\"\nnamei -l DIR/closed/below"},
		{"a device", "/dev/null", "\"/dev/null\" is a device, and a volume is always nodev\nunc run --device /dev/null:DST ..."},
	} {
		t.Run(test.name, func(t *testing.T) {
			there := strings.NewReplacer("DIR", dir)
			var got string
			asNobody(t, func() { got = sayings(checkSource(there.Replace(test.source), idmap.Map{})) })
			if want := there.Replace(test.want); got != want {
				t.Errorf("got error %q, want %q", got, want)
			}
		})
	}
}

// What belongs to the container's ids is its to use, whatever the caller may do.
func TestCheckSourceOfTheContainersIDs(t *testing.T) {
	dir := openDir(t)
	write(t, dir+"/secret", 0)
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	one := func(id uint32) []idmap.Range { return []idmap.Range{{Inside: 0, Outside: id, Count: 1}} }
	for _, test := range []struct {
		name string
		ids  idmap.Map
		want bool
	}{
		{"both are inside", idmap.Map{UIDs: one(uid), GIDs: one(gid)}, true},
		{"among others", idmap.Map{
			UIDs: []idmap.Range{{Inside: 0, Outside: 4000000000, Count: 1}, {Inside: 1, Outside: uid, Count: 10}},
			GIDs: []idmap.Range{{Inside: 0, Outside: 4000000000, Count: 1}, {Inside: 1, Outside: gid, Count: 10}},
		}, true},
		{"only the owner", idmap.Map{UIDs: one(uid), GIDs: one(gid + 1)}, false},
		{"only the group", idmap.Map{UIDs: one(uid + 1), GIDs: one(gid)}, false},
		{"none", idmap.Map{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var err error
			asNobody(t, func() { err = checkSource(dir+"/secret", test.ids) })
			if got := err == nil; got != test.want {
				t.Errorf("got %v, error %v, want %v", got, err, test.want)
			}
		})
	}
}
