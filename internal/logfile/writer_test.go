package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

func TestFormat(t *testing.T) {
	long := strings.Repeat("x", maxPiece)
	for _, test := range []struct {
		name   string
		chunks []chunk
		want   string // with T for the first time, and U for the second
	}{
		{"a line", []chunk{{stdout, "text\n"}}, "T stdout F text\n"},
		{"two lines at once", []chunk{{stderr, "a\nb\n"}}, "T stderr F a\nT stderr F b\n"},
		{"empty lines", []chunk{{stdout, "\n\n"}}, "T stdout F \nT stdout F \n"},
		{"a line in two pieces", []chunk{{stdout, "a"}, {stdout, "b\n"}}, "T stdout P a\nU stdout F b\n"},
		{"nothing", []chunk{{stdout, ""}}, ""},
		{"any bytes", []chunk{{stdout, "\x00\r\xff \n"}}, "T stdout F \x00\r\xff \n"},
		{"as long as a piece", []chunk{{stdout, long + "\n"}}, "T stdout F " + long + "\n"},
		{"longer than a piece", []chunk{{stdout, long + "y\n"}}, "T stdout P " + long + "\nT stdout F y\n"},
		{"no line end after a piece", []chunk{{stdout, long}}, "T stdout P " + long + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := openDir(t, t.TempDir())
			w := newWriter(t, dir, 1<<20)
			writeAll(w, test.chunks)
			want := strings.NewReplacer("T ", "2026-11-23T23:40:00.123456789Z ", "U ", "2026-11-23T23:40:01.123456789Z ").Replace(test.want)
			if got := contents(t, dir, current); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestWriterIsPrivateAndNew(t *testing.T) {
	path := t.TempDir()
	dir := openDir(t, path)
	newWriter(t, dir, MinSize)
	st, err := os.Stat(path + "/log")
	if err != nil || st.Mode() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", st.Mode(), err)
	}
	if _, err := NewWriter(dir, MinSize); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another log: got %v, want %v", err, fs.ErrExist)
	}
	if _, err := NewWriter(dir, MinSize-1); err == nil {
		t.Error("got no error of a log that is too small")
	}
}

// There are never more bytes than were agreed, and the latest are there, whatever is written.
func TestRotation(t *testing.T) {
	for _, test := range []struct {
		name  string
		size  int64
		chunk string
	}{
		{"lines", MinSize, "a line of some length\n"},
		{"an odd size", MinSize + 12345, "a line of some length\n"},
		{"chunks that are all line ends", MinSize, strings.Repeat("\n", 32<<10)},
		{"one line without end", MinSize, strings.Repeat("x", 32<<10)},
		{"large chunks", 1 << 20, strings.Repeat(strings.Repeat("y", 99)+"\n", 10_000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := openDir(t, t.TempDir())
			w := newWriter(t, dir, test.size)
			written := ""
			for len(written) < int(3*test.size) || len(written) < 3*len(test.chunk) {
				w.write(stdout, []byte(test.chunk))
				written += test.chunk
				sum := int64(0)
				for _, file := range []string{current, older} {
					if st, err := os.Stat(dir.Name() + "/" + file); err == nil {
						sum += st.Size()
					}
				}
				if sum > test.size {
					t.Fatalf("got %d bytes, want at most %d", sum, test.size)
				}
			}
			if got := int64(len(contents(t, dir, older))); got < test.size/2-maxWrite-2*reserve {
				t.Errorf("got %d bytes in the older file, want almost %d", got, test.size/2)
			}
			got, _, notes := show(t, dir, Options{Tail: -1})
			if !strings.HasSuffix(written, got) || got == "" || len(notes) > 0 {
				t.Errorf("got %d bytes and notes %q, want the last of what was written", len(got), notes)
			}
		})
	}
}

// fullDisk takes so many bytes, and no more.
func fullDisk(room *int) func(int, []byte) (int, error) {
	return func(fd int, b []byte) (int, error) {
		if *room == 0 {
			return 0, unix.ENOSPC
		}
		n, err := unix.Write(fd, b[:min(len(b), *room)])
		*room -= max(n, 0)
		return n, err
	}
}

func TestFullDisk(t *testing.T) {
	const head = len("2026-11-23T23:40:00.123456789Z stdout F ")
	note := func(size int) []string {
		return []string{fmt.Sprintf("%d bytes of the log are missing here: they could not be written: no space left on device", size)}
	}
	for _, test := range []struct {
		name  string
		room  int
		want  string
		notes []string
	}{
		{"no room", 0, "later\n", note(2 * (head + 4))},
		{"for half of a line", head + 1, "later\n", note(2 * (head + 4))},
		{"for a line", head + 4, "one\nlater\n", note(head + 4)},
		{"for a line and half", 2*head + 5, "one\nlater\n", note(head + 4)},
		{"for all but the line end", 2*head + 7, "one\nlater\n", note(head + 4)},
		{"for all", 2*head + 8, "one\ntwo\nlater\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := openDir(t, t.TempDir())
			w := newWriter(t, dir, MinSize)
			w.output = fullDisk(&test.room)
			if n, err := w.Stdout().Write([]byte("one\ntwo\n")); n != 8 || err != nil {
				t.Errorf("got %d, %v, want 8, nil", n, err)
			}
			test.room = 1 << 20
			if n, err := w.Stdout().Write([]byte("later\n")); n != 6 || err != nil {
				t.Errorf("got %d, %v, want 6, nil", n, err)
			}
			got, _, notes := show(t, dir, Options{Tail: -1})
			if got != test.want || !slices.Equal(notes, test.notes) {
				t.Errorf("got %q with %q, want %q with %q", got, notes, test.want, test.notes)
			}
		})
	}
}

// A disk that is full when the file is begun anew.
func TestFullDiskAtRotation(t *testing.T) {
	dir := openDir(t, t.TempDir())
	w := newWriter(t, dir, MinSize)
	room := MinSize/2 - 1000
	w.output = fullDisk(&room)
	line := []byte(strings.Repeat("x", 999) + "\n")
	for range 100 {
		w.write(stdout, line)
	}
	room = 1 << 20
	w.write(stdout, []byte("later\n"))
	got, _, notes := show(t, dir, Options{Tail: -1})
	if !strings.HasSuffix(got, "x\nlater\n") || strings.Trim(got, "x\nlater") != "" || len(notes) != 1 {
		t.Errorf("got %d bytes with notes %q, want whole lines and a note", len(got), notes)
	}
}

// A real one: a filesystem of four pages that is mounted nowhere.
func TestFullFilesystem(t *testing.T) {
	fsfd, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if errors.Is(err, unix.EPERM) {
		t.Skip("making a filesystem takes root, if only that of unshare -Urn")
	}
	if err != nil {
		tier.Skip(t, "no filesystem can be made: %v", err)
	}
	defer unix.Close(fsfd)
	if err := errors.Join(unix.FsconfigSetString(fsfd, "size", "16384"), unix.FsconfigCreate(fsfd)); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Fsmount(fsfd, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	dir := os.NewFile(uintptr(fd), "tmpfs")
	defer dir.Close()
	w := newWriter(t, dir, MinSize)
	for range 100 {
		w.write(stdout, []byte(strings.Repeat("x", 999)+"\n"))
	}
	if w.dropped == 0 {
		t.Fatal("nothing was dropped")
	}
	// There is room again, and the first that is written fits into it with the note.
	if err := unix.Ftruncate(w.fd, 0); err != nil {
		t.Fatal(err)
	}
	w.write(stdout, []byte("later\n"))
	got, _, notes := show(t, dir, Options{Tail: -1})
	if got != "later\n" || len(notes) != 1 || !strings.HasSuffix(notes[0], unix.ENOSPC.Error()) {
		t.Errorf("got %q with %q, want what was written later and a note", got, notes)
	}
}

// The directory goes with its user's session, and the container goes on.
func TestDirectoryIsGone(t *testing.T) {
	path := t.TempDir() + "/record"
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	w := newWriter(t, openDir(t, path), MinSize)
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		w.write(stdout, []byte(strings.Repeat("x", 999)+"\n"))
	}
	if w.dropped == 0 {
		t.Error("nothing was dropped")
	}
}

func TestWriterAllocatesNothing(t *testing.T) {
	dir := openDir(t, t.TempDir())
	w, err := NewWriter(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer w.end()
	out, text := w.Stdout(), []byte(strings.Repeat("a line of some length\n", 300))
	if got := testing.AllocsPerRun(100, func() { _, _ = out.Write(text) }); got != 0 {
		t.Errorf("got %v allocations for each chunk, want 0", got)
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, test := range []struct{ name, text string }{
		{"lines of 80", strings.Repeat(strings.Repeat("x", 79)+"\n", 400)},
		{"lines of 8", strings.Repeat("1234567\n", 4096)},
		{"one line", strings.Repeat("x", 32<<10)},
	} {
		b.Run(test.name, func(b *testing.B) {
			path, err := os.MkdirTemp("/dev/shm", "unc-test-")
			if err != nil {
				b.Fatal(err)
			}
			defer os.RemoveAll(path)
			w, err := NewWriter(openDir(b, path), 16<<20)
			if err != nil {
				b.Fatal(err)
			}
			defer w.end()
			b.SetBytes(int64(len(test.text)))
			b.ReportAllocs()
			out, text := w.Stdout(), []byte(test.text)
			for b.Loop() {
				_, _ = out.Write(text)
			}
		})
	}
}
