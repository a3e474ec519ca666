package record

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

func TestOpenChooses(t *testing.T) {
	uid := os.Geteuid()
	id := strconv.Itoa(uid)
	for _, test := range []struct {
		name    string
		make    func(dir string) error
		runtime string // below the directory, or as it is
		want    string
	}{
		{"the variable's", mkdirs("x", "run/"+id), "/x", "/x/unc"},
		{"no variable", mkdirs("run/" + id), "", "/run/" + id + "/unc"},
		{"a relative one", mkdirs("run/" + id), "relative", "/run/" + id + "/unc"},
		{"one that is missing", mkdirs("run/" + id), "/x", "/run/" + id + "/unc"},
		{"one that others can read", func(dir string) error {
			return errors.Join(mkdirs("x", "run/"+id)(dir), os.Chmod(dir+"/x", 0o750))
		}, "/x", "/run/" + id + "/unc"},
		{"a link", func(dir string) error {
			return errors.Join(mkdirs("y", "run/"+id)(dir), os.Symlink("y", dir+"/x"))
		}, "/x", "/run/" + id + "/unc"},
		{"a file", func(dir string) error {
			return errors.Join(mkdirs("run/"+id)(dir), os.WriteFile(dir+"/x", nil, 0o600))
		}, "/x", "/run/" + id + "/unc"},
		{"a FIFO", func(dir string) error {
			return errors.Join(mkdirs("run/"+id)(dir), unix.Mkfifo(dir+"/x", 0o600))
		}, "/x", "/run/" + id + "/unc"},
		{"nothing of the user's", mkdirs("run"), "", "/tmp/unc-" + id},
		{"/run/user of others", func(dir string) error {
			return errors.Join(mkdirs("run/"+id)(dir), os.Chmod(dir+"/run/"+id, 0o777))
		}, "", "/tmp/unc-" + id},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := errors.Join(mkdirs("tmp")(dir), test.make(dir)); err != nil {
				t.Fatal(err)
			}
			runtime := test.runtime
			if strings.HasPrefix(runtime, "/") {
				runtime = dir + runtime
			}
			here := site{runtime, dir + "/run", dir + "/tmp", uid}
			before := tree(t, dir)
			for range 2 {
				// It makes none, and says the same when there is one.
				if found, err := here.where(); err != nil || found != dir+test.want {
					t.Errorf("looking: got %v, %v, want %v", found, err, dir+test.want)
				}
				if after := tree(t, dir); !slices.Equal(before, after) {
					t.Errorf("looking: got %v afterwards, want %v", after, before)
				}
				s, err := here.open()
				if err != nil {
					t.Fatal(err)
				}
				s.Close()
				before = tree(t, dir)
			}
			s, err := here.open()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := s.path; got != dir+test.want {
				t.Errorf("got %v, want %v", got, dir+test.want)
			}
			st, err := os.Lstat(s.path)
			if err != nil || st.Mode() != os.ModeDir|0o700 {
				t.Errorf("got %v, %v, want %v", st.Mode(), err, os.ModeDir|0o700)
			}
		})
	}
}

// mkdirs makes private directories.
func mkdirs(paths ...string) func(dir string) error {
	return func(dir string) error {
		for _, path := range paths {
			if err := os.MkdirAll(dir+"/"+path, 0o700); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestOpenRefuses(t *testing.T) {
	unused := "mkdir -p -m 700 ~/.cache/unc && export XDG_RUNTIME_DIR=~/.cache/unc"
	for _, test := range []struct {
		name       string
		make       func(dir, tmp, path string) error // path is the store's, in tmp
		want, hint string                            // %s is the store's path
	}{
		{
			"others may come in", func(_, _, path string) error {
				return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o701))
			},
			`opening "%s": others have access to it`, "chmod 700 %s",
		},
		{
			"a link", func(dir, _, path string) error {
				return errors.Join(os.Mkdir(dir+"/mine", 0o700), os.Symlink(dir+"/mine", path))
			},
			`opening "%s": it is a symbolic link, which is not followed there`, unused,
		},
		{
			"a link to nothing", func(dir, _, path string) error { return os.Symlink(dir+"/nothing", path) },
			`opening "%s": it is a symbolic link, which is not followed there`, unused,
		},
		{
			"a file", func(_, _, path string) error { return os.WriteFile(path, nil, 0o600) },
			`opening "%s": it is not a directory`, unused,
		},
		{
			"a FIFO", func(_, _, path string) error { return unix.Mkfifo(path, 0o600) },
			`opening "%s": it is not a directory`, unused,
		},
		{
			"no directory for it", func(_, tmp, _ string) error { return os.Remove(tmp) },
			"", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			tmp := dir + "/tmp"
			path := tmp + "/unc-" + strconv.Itoa(os.Geteuid())
			if err := errors.Join(os.Mkdir(tmp, 0o700), test.make(dir, tmp, path)); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			here := site{"", dir + "/run", tmp, os.Geteuid()}
			_, looking := here.where()
			s, err := here.open()
			if err == nil {
				s.Close()
				t.Fatal("got no error")
			}
			if looking == nil || looking.Error() != err.Error() || !slices.Equal(hint.Of(looking), hint.Of(err)) {
				t.Errorf("looking: got %v, %q, want %v, %q", looking, hint.Of(looking), err, hint.Of(err))
			}
			if want := strings.ReplaceAll(test.want, "%s", path); want != "" && err.Error() != want {
				t.Errorf("got %q, want %q", err, want)
			}
			if want := strings.ReplaceAll(test.hint, "%s", path); want != "" && !slices.Equal(hint.Of(err), []string{want}) {
				t.Errorf("got hints %q, want %q", hint.Of(err), want)
			}
			if after := tree(t, dir); !slices.Equal(before, after) {
				t.Errorf("got %v afterwards, want %v", after, before)
			}
		})
	}
}

// What another user has made in /tmp first is not used, whatever its mode.
func TestOpenRefusesAnothersDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a directory of another user's")
	}
	for _, mode := range []os.FileMode{0o700, 0o777} {
		dir := t.TempDir()
		path := dir + "/unc-0"
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, mode), os.Chown(path, 61003, 61003)); err != nil {
			t.Fatal(err)
		}
		_, err := site{"", dir + "/run", dir, 0}.open()
		if want := `opening "` + path + `": it belongs to another user`; err == nil || err.Error() != want {
			t.Errorf("mode %v: got %v, want %v", mode, err, want)
		}
		if len(hint.Of(err)) == 0 {
			t.Errorf("mode %v: got no hint", mode)
		}
		// The same as a runtime directory is passed over.
		s, err := site{path, dir + "/run", t.TempDir(), 0}.open()
		if err != nil {
			t.Fatalf("mode %v: %v", mode, err)
		}
		s.Close()
		if got := tree(t, path); len(got) > 0 {
			t.Errorf("mode %v: got %v in it, want nothing", mode, got)
		}
	}
}
