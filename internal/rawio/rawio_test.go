package rawio

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestReadFile(t *testing.T) {
	for _, test := range []struct {
		name, text string
		limit      int64
		fails      bool
	}{
		{"empty", "", 0, false},
		{"shorter than it may be", "text", 100, false},
		{"as long as it may be", "text", 4, false},
		{"longer", "text", 3, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadFile(path, test.limit)
			if (err != nil) != test.fails {
				t.Fatalf("got %q, %v, want an error: %v", got, err, test.fails)
			}
			if !test.fails && string(got) != test.text {
				t.Errorf("got %q, want %q", got, test.text)
			}
		})
	}
}

// The kernel makes up these files as they are read, and says that they are empty.
func TestReadFileOfProc(t *testing.T) {
	got, err := ReadFile("/proc/self/status", 1<<20)
	if err != nil || len(got) == 0 {
		t.Errorf("got %d bytes, %v, want some", len(got), err)
	}
}

func TestErrorsKeepTheirKind(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadFile(filepath.Join(dir, "none"), 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such file: got %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := ReadFile(dir, 1); !errors.Is(err, unix.EISDIR) {
		t.Errorf("a directory: got %v, want %v", err, unix.EISDIR)
	}
	if _, err := Numbers(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such directory: got %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := Numbers("/proc/self/status"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file: got %v, want %v", err, unix.ENOTDIR)
	}
}

func TestRead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	in := FD(r.Fd())
	// A read of nothing is not the end.
	if n, err := in.Read(nil); n != 0 || err != nil {
		t.Errorf("got %d, %v, want 0, nil", n, err)
	}
	if got, err := io.ReadAll(in); string(got) != "text" || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, "text")
	}
	if n, err := in.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("got %d, %v at the end, want 0, %v", n, err, io.EOF)
	}
}

func TestNumbers(t *testing.T) {
	dir := t.TempDir()
	want := []int{}
	// More than one buffer of them.
	for n := range 500 {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+n%26))+"name"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, strconv.Itoa(n*7)), 0o700); err != nil {
			t.Fatal(err)
		}
		want = append(want, n*7)
	}
	got, err := Numbers(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

func TestNumbersOfThisProcess(t *testing.T) {
	got, err := Numbers("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(got, os.Getpid()) {
		t.Errorf("got threads %v, want the first one, %d, among them", got, os.Getpid())
	}
}

func TestReadRegular(t *testing.T) {
	dir := t.TempDir()
	file, fifo := dir+"/file", dir+"/fifo"
	if err := errors.Join(os.WriteFile(file, []byte("text"), 0o600), unix.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path string
		limit      int64
		want, err  string
	}{
		{"a file", file, 4, "text", ""},
		{"one that is too large", file, 3, "", "it is larger than 3 bytes"},
		{"a FIFO", fifo, 4, "", "it is not a regular file"},
		{"a device", "/dev/zero", 4, "", "it is not a regular file"},
		{"a directory", dir, 4, "", "it is not a regular file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fd, err := unix.Open(test.path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			got, err := ReadRegular(fd, test.limit)
			if string(got) != test.want || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
				t.Errorf("got %q, %v, want %q, %q", got, err, test.want, test.err)
			}
		})
	}
}

func TestField(t *testing.T) {
	const text = "pos:\t0\nflags:\t02000002\nPid:\t-1\nNSpid:\t-1"
	for _, test := range []struct {
		name, want string
		found      bool
	}{
		{"flags", "02000002", true},
		{"Pid", "-1", true},
		{"flag", "", false},
		{"NSpid", "-1", true},
		{"", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, found := Field(text, test.name); got != test.want || found != test.found {
				t.Errorf("got %q, %v, want %q, %v", got, found, test.want, test.found)
			}
		})
	}
}
