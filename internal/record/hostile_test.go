package record

import (
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// What stands where a record would be, and isn't one: it gets an error or is passed over, and
// nothing behind it is touched.
func TestHostileRecord(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(path, outside string) error // path is the record's
		want string                           // Claim's error, with the path in front
	}{
		{
			"a link to a directory", func(path, outside string) error { return os.Symlink(outside, path) },
			": it is a symbolic link, which is not followed there",
		},
		{
			"a link to nothing", func(path, outside string) error { return os.Symlink(outside+"/none", path) },
			": it is a symbolic link, which is not followed there",
		},
		{
			"a file", func(path, _ string) error { return os.WriteFile(path, nil, 0o600) },
			": it is not a directory",
		},
		{
			"a FIFO", func(path, _ string) error { return unix.Mkfifo(path, 0o600) },
			": it is not a directory",
		},
		{
			"a directory that others can write to", func(path, _ string) error {
				return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777))
			},
			": others have access to it",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, outside := newStore(t, t.TempDir()), t.TempDir()
			path := s.path + "/web"
			if err := errors.Join(os.WriteFile(outside+"/record.json", sample("web").encode(), 0o600), test.make(path, outside)); err != nil {
				t.Fatal(err)
			}
			before := append(tree(t, s.path), tree(t, outside)...)
			_, err := s.Claim("web")
			if want := `opening "` + path + `"` + test.want; err == nil || err.Error() != want {
				t.Errorf("claimed: got %v, want %v", err, want)
			}
			if e, err := s.Find("web"); err == nil {
				t.Errorf("found %+v, want an error", e.Info)
			}
			if list, err := s.List(nil); len(list) != 0 || err != nil {
				t.Errorf("listed: got %v, %v, want nothing", list, err)
			}
			if after := append(tree(t, s.path), tree(t, outside)...); !slices.Equal(before, after) {
				t.Errorf("got %v afterwards, want %v", after, before)
			}
		})
	}
}

func TestAnothersRecord(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a directory of another user's")
	}
	s := newStore(t, t.TempDir())
	if err := errors.Join(os.Mkdir(s.path+"/web", 0o700), os.Chown(s.path+"/web", 61003, 61003)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim("web"); !errors.Is(err, errForeign) {
		t.Errorf("got %v, want %v", err, errForeign)
	}
	if list, err := s.List(nil); len(list) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing", list, err)
	}
}

// What stands where the files of a record would be, of a living container, a kept and a dead one.
func TestHostileFiles(t *testing.T) {
	secret := t.TempDir() + "/secret"
	text := `{"name":"web","pid":666,"ended":{"code":0,"time":"2026-11-23T23:40:00Z"}}`
	if err := os.WriteFile(secret, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		make func(path string) error
	}{
		{"a link", func(path string) error { return os.Symlink(secret, path) }},
		{"a link to nothing", func(path string) error { return os.Symlink(secret+"/none", path) }},
		{"a FIFO", func(path string) error { return unix.Mkfifo(path, 0o600) }},
		{"a file almost without end", func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 2<<30))
		}},
		{"no JSON", func(path string) error { return os.WriteFile(path, []byte("\x1b[31m\x00"), 0o600) }},
		{"a file that can't be read", func(path string) error { return os.WriteFile(path, []byte("{}"), 0) }},
		{"a socket that nobody listens at", func(path string) error { return unix.Mknod(path, unix.S_IFSOCK|0o600, 0) }},
	} {
		for _, file := range []string{infoFile, newInfoFile, socketFile, "log"} {
			t.Run(test.name+" as "+file, func(t *testing.T) {
				s := newStore(t, t.TempDir())
				h := claim(t, s, "web")
				if err := test.make(s.path + "/web/" + file); err != nil {
					t.Fatal(err)
				}
				e, err := s.Find("web")
				if err != nil || !e.Alive || e.Info.PID != 0 || e.Info.Ended != nil {
					t.Fatalf("of a living one: got %+v, %v, want its name", e, err)
				}
				if _, err := e.Dial(); err == nil {
					t.Error("connected")
				}
				if fd, err := h.Listen(); (err != nil) != (file == socketFile) {
					t.Errorf("listening: got %v", err)
				} else if err == nil {
					unix.Close(fd)
				}
				// Replaced where it can be. What is renamed over a link takes its place.
				if err := h.Put(sample("web")); err == nil {
					if e, err := s.Find("web"); err != nil || e.Info.PID != 4711 {
						t.Errorf("recorded: got %+v, %v", e, err)
					}
				} else if file != newInfoFile {
					t.Errorf("recording: got %v", err)
				}
				h.die()
				h = claim(t, s, "web")
				if err := test.make(s.path + "/web/" + file); err != nil {
					t.Fatal(err)
				}
				h.die()
				swept := 0
				list, err := s.List(func(i *Info) { swept += len(i.Name) })
				if len(list) != 0 || err != nil || swept != len("web") {
					t.Errorf("of a dead one: got %v, %v, swept %d, want it swept", list, err, swept)
				}
				if got := tree(t, s.path); len(got) > 0 {
					t.Errorf("left: %v", got)
				}
			})
		}
	}
	if got, err := os.ReadFile(secret); string(got) != text || err != nil {
		t.Errorf("the file outside: got %q, %v, want %q", got, err, text)
	}
}

// What can't be removed is told to who wants the name, and in nobody else's way.
func TestDirectoryInARecord(t *testing.T) {
	s := newStore(t, t.TempDir())
	h := put(t, s, "web")
	if err := os.Mkdir(s.path+"/web/sub", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err == nil {
		t.Error("got no error of what can't be removed")
	}
	if _, err := s.Find("web"); !errors.Is(err, ErrNotThere) {
		t.Errorf("got %v, want %v", err, ErrNotThere)
	}
	if list, err := s.List(func(*Info) { t.Error("swept") }); len(list) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing", list, err)
	}
	if err := put(t, s, "web").Close(); err != nil {
		t.Errorf("the next: %v", err)
	}
}
