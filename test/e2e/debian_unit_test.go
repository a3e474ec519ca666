package e2e

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestABrokenDebianIsNoticed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spoil func(archive string) error
		works bool
	}{
		{"as it was made", func(string) error { return nil }, true},
		{"cut off", func(archive string) error { return os.Truncate(archive, 3) }, false},
		{"empty", func(archive string) error { return os.Truncate(archive, 0) }, false},
		{"changed", func(archive string) error { return os.WriteFile(archive, []byte("an Archive"), 0o644) }, false},
		{"gone", os.Remove, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			archive := filepath.Join(dir, "rootfs.tar")
			must(t, os.WriteFile(archive, []byte("an archive"), 0o644))
			must(t, seal(dir))
			must(t, test.spoil(archive))
			if err := intact(dir); (err == nil) != test.works {
				t.Errorf("intact: %v, want it to be so: %v", err, test.works)
			}
		})
	}
	if err := intact(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing is there: %v, want %v", err, fs.ErrNotExist)
	}
}
