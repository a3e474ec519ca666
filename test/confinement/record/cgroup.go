package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// cgroup is a control group of record's own.
type cgroup struct{ dir *os.File }

// newCgroup makes one where this machine has cgroup v2 mounted: alone, or beside v1.
func newCgroup() (*cgroup, error) {
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var st unix.Statfs_t
		if unix.Statfs(root, &st) != nil || st.Type != unix.CGROUP2_SUPER_MAGIC {
			continue
		}
		name, err := os.MkdirTemp(root, "unc-record-")
		if err != nil {
			return nil, fmt.Errorf("making a control group: %w", err)
		}
		dir, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("opening a control group: %w", err)
		}
		return &cgroup{dir}, nil
	}
	return nil, errors.New("there is no cgroup v2 in /sys/fs/cgroup")
}

// remove removes it, and first what Docker has made in it.
func (c *cgroup) remove() {
	var dirs []string
	_ = filepath.WalkDir(c.dir.Name(), func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			dirs = append(dirs, name)
		}
		return nil
	})
	for i := len(dirs) - 1; i >= 0; i-- { // the deepest first
		if err := os.Remove(dirs[i]); err != nil {
			fmt.Fprintln(os.Stderr, "record: removing a control group:", err)
		}
	}
	c.dir.Close()
}
