package logfile

import (
	"bytes"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// epoch is when the writers of tests write.
var epoch = time.Date(2026, 11, 23, 23, 40, 0, 123456789, time.UTC)

func openDir(tb testing.TB, path string) *os.File {
	tb.Helper()
	dir, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { dir.Close() })
	return dir
}

// newWriter begins a log in which a second passes from chunk to chunk.
func newWriter(tb testing.TB, dir *os.File, size int64) *Writer {
	tb.Helper()
	w, err := NewWriter(dir, size)
	if err != nil {
		tb.Fatal(err)
	}
	at := epoch
	w.now = func() time.Time {
		defer func() { at = at.Add(time.Second) }()
		return at
	}
	tb.Cleanup(w.end)
	return w
}

// end is what the kernel does when the writer's process ends.
func (w *Writer) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd >= 0 {
		unix.Close(w.fd)
		w.fd = -1
	}
}

// chunk is what a container wrote to one of its streams.
type chunk struct {
	stream stream
	text   string
}

func writeAll(w *Writer, chunks []chunk) {
	for _, c := range chunks {
		w.write(c.stream, []byte(c.text))
	}
}

// show is what a reader makes of a log that nobody writes to.
func show(tb testing.TB, dir *os.File, o Options) (out, errs string, notes []string) {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	o.Note = func(text string) { notes = append(notes, text) }
	if err := Read(dir, o, &stdout, &stderr, nil); err != nil {
		tb.Fatal(err)
	}
	return stdout.String(), stderr.String(), notes
}

func contents(tb testing.TB, dir *os.File, name string) string {
	tb.Helper()
	text, err := os.ReadFile(dir.Name() + "/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}
