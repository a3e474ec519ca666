package e2e

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// leavesNothing compares at the end of the test what a user has where no host is compared, with
// what he has now: control groups, and files where everybody can write. A first container, of
// which a directory for records stays, is to come before.
func leavesNothing(t *testing.T, u user) {
	t.Helper()
	before := belongings(u)
	t.Cleanup(func() {
		var left []string
		same := lookUntil(deadline, func() bool { // a control group goes after its processes
			left = differences(before, belongings(u))
			return len(left) == 0
		})
		if !same {
			t.Errorf("control groups and files are not what they were:\n%s", strings.Join(left, "\n"))
		}
	})
}

func belongings(u user) map[string]string {
	all := controlGroups()
	maps.Copy(all, filesOfUser(u))
	return all
}

// controlGroups are those of all hierarchies that bear unc's name.
func controlGroups() map[string]string {
	found := map[string]string{}
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return nil // somebody's that has just gone
		}
		if strings.HasPrefix(entry.Name(), "unc-") {
			found[path] = "there"
			return fs.SkipDir
		}
		return nil
	})
	return found
}

// filesOfUser lists what a user has where everybody can write, two levels deep.
func filesOfUser(u user) map[string]string {
	found := map[string]string{}
	for _, dir := range []string{"/tmp", "/var/tmp", "/run", "/run/lock", "/run/user", "/dev/shm", "/dev/mqueue"} {
		for _, pattern := range []string{"/*", "/*/*"} { // filepath.Glob's are those with a dot, too
			paths, _ := filepath.Glob(dir + pattern)
			for _, path := range paths {
				var st unix.Stat_t
				if unix.Lstat(path, &st) == nil && u.has(int(st.Uid)) {
					found[path] = "there"
				}
			}
		}
	}
	return found
}

// has tells whether an id is the user's own or subordinate to it.
func (u user) has(id int) bool {
	first := firstSubordinate(u)
	return id == u.uid || id >= first && id < first+subordinateIDs
}
