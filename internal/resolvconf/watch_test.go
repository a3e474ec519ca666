package resolvconf

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "resolv.conf"), filepath.Join(dir, "other")
	w := NewWatch(path)
	for _, step := range []struct {
		name    string
		do      func() error
		want    string // the server
		changed bool
	}{
		{"no file yet", func() error { return nil }, "", false},
		{"written", func() error { return os.WriteFile(path, []byte("nameserver 192.0.2.1\n"), 0o600) }, "192.0.2.1", true},
		{"unchanged", func() error { return nil }, "192.0.2.1", false},
		{"another size", func() error { return os.WriteFile(path, []byte("nameserver 192.0.2.10\n"), 0o600) }, "192.0.2.10", true},
		{"a comment more", func() error { return os.WriteFile(path, []byte("#\nnameserver 192.0.2.10\n"), 0o600) }, "192.0.2.10", false},
		{"another file of the same size and times", func() error {
			st, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(other, []byte("#\nnameserver 192.0.2.20\n"), 0o600); err != nil {
				return err
			}
			if err := os.Chtimes(other, st.ModTime(), st.ModTime()); err != nil {
				return err
			}
			return os.Rename(other, path)
		}, "192.0.2.20", true},
		{"gone", func() error { return os.Remove(path) }, "192.0.2.20", false},
		{"a directory", func() error { return os.Mkdir(path, 0o700) }, "192.0.2.20", false},
		{"a link", func() error {
			if err := os.Remove(path); err != nil {
				return err
			}
			if err := os.WriteFile(other, []byte("nameserver 192.0.2.3\n"), 0o600); err != nil {
				return err
			}
			return os.Symlink("other", path)
		}, "192.0.2.3", true},
		{"what it leads to", func() error { return os.WriteFile(other, []byte("nameserver 192.0.2.40\n"), 0o600) }, "192.0.2.40", true},
		{"too large", func() error { return os.Truncate(other, maxSize+1) }, "192.0.2.40", false},
		{"emptied", func() error { return os.Truncate(other, 0) }, "", true},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		var want Config
		if step.want != "" {
			want.Servers = addrs(step.want)
		}
		got, changed := w.Current()
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Errorf("%s: config (-want +got):\n%s", step.name, diff)
		}
		if changed != step.changed {
			t.Errorf("%s: changed: got %v, want %v", step.name, changed, step.changed)
		}
	}
}

// Of callers at the same time, one hears of the change, and all see it.
func TestWatchTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	write(t, path, "nameserver 192.0.2.1\n")
	w := NewWatch(path)
	var told atomic.Int32
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			got, changed := w.Current()
			if changed {
				told.Add(1)
			}
			if diff := cmp.Diff(Config{Servers: addrs("192.0.2.1")}, got, same); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
	callers.Wait()
	if got := told.Load(); got != 1 {
		t.Errorf("told of the change: got %d callers, want 1", got)
	}
}
