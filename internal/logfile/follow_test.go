package logfile

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// following is a reader that follows a log.
type following struct {
	t    *testing.T
	out  chan string // what it writes
	done chan *Rest
	err  chan error

	mu    sync.Mutex
	notes []string
}

func (f *following) Write(b []byte) (int, error) {
	f.out <- string(b)
	return len(b), nil
}

func follow(t *testing.T, path string, o Options) *following {
	t.Helper()
	f := &following{t: t, out: make(chan string, 1<<16), done: make(chan *Rest), err: make(chan error, 1)}
	dir := openDir(t, path)
	o.Follow = true
	o.Note = func(text string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.notes = append(f.notes, text)
	}
	go func() {
		err := Read(dir, o, f, f, f.done)
		close(f.out)
		f.err <- err
	}()
	return f
}

// await waits until it has written this and nothing else.
func (f *following) await(want string) {
	f.t.Helper()
	got := ""
	for len(got) < len(want) {
		more, ok := <-f.out
		if !ok {
			f.t.Fatalf("got %q and the end, want %q: %v", got, want, <-f.err)
		}
		got += more
	}
	if got != want {
		f.t.Fatalf("got %q, want %q", got, want)
	}
}

// end closes done, and returns what is written then.
func (f *following) end() (rest string) {
	f.t.Helper()
	close(f.done)
	for more := range f.out {
		rest += more
	}
	if err := <-f.err; err != nil {
		f.t.Error(err)
	}
	return rest
}

func TestFollow(t *testing.T) {
	path := t.TempDir()
	w := newWriter(t, openDir(t, path), MinSize)
	w.write(stdout, []byte("before\n"))
	f := follow(t, path, Options{Tail: -1})
	f.await("before\n")
	w.write(stdout, []byte("after\n"))
	f.await("after\n")
	w.write(stdout, []byte("no end"))
	f.await("no end")
	w.write(stderr, []byte("error\n"))
	f.await("error\n")
	w.write(stdout, []byte(" yet\nlast\n"))
	w.end()
	if got, want := f.end(), " yet\nlast\n"; got != want {
		t.Errorf("at the end: got %q, want %q", got, want)
	}
}

// The log is made after its reader.
func TestFollowFromBeforeTheBeginning(t *testing.T) {
	path := t.TempDir()
	f := follow(t, path, Options{Tail: -1})
	w := newWriter(t, openDir(t, path), MinSize)
	w.write(stdout, []byte("first\n"))
	f.await("first\n")
	if got := f.end(); got != "" {
		t.Errorf("at the end: got %q, want nothing", got)
	}
}

func TestFollowFromTheEnd(t *testing.T) {
	path := t.TempDir()
	w := newWriter(t, openDir(t, path), MinSize)
	w.write(stdout, []byte("one\ntwo\nthree\n"))
	f := follow(t, path, Options{Tail: 1, Timestamps: true})
	f.await("2026-11-23T23:40:00.123456789Z three\n")
	w.write(stdout, []byte("four\n"))
	f.await("2026-11-23T23:40:01.123456789Z four\n")
	f.end()
}

// Through many files, nothing is lost or seen twice by a reader that keeps up.
func TestFollowThroughRotations(t *testing.T) {
	path := t.TempDir()
	w := newWriter(t, openDir(t, path), MinSize)
	f := follow(t, path, Options{Tail: -1})
	for n := range 200 {
		text := strings.Repeat(fmt.Sprintf("line %d\n", n), 100)
		w.write(stdout, []byte(text))
		f.await(text)
	}
	if w.base < 10*MinSize {
		t.Fatalf("got %d bytes in earlier files, want ten times what there is room for", w.base)
	}
	if rest := f.end(); rest != "" || len(f.notes) > 0 {
		t.Errorf("got %q more, and notes %q", rest, f.notes)
	}
}

// A reader that does not keep up is told what it has missed, exactly, and goes on where there is
// something. All else comes in order.
func TestFollowTooSlowly(t *testing.T) {
	path := t.TempDir()
	w := newWriter(t, openDir(t, path), MinSize)
	line := func(n int) string { return fmt.Sprintf("line %d\n", n) }
	w.write(stdout, []byte(line(0)))
	slow := &following{t: t, out: make(chan string), done: make(chan *Rest), err: make(chan error, 1)}
	missed := int64(0)
	go func() {
		err := Read(openDir(t, path), Options{Tail: -1, Follow: true, Note: func(text string) {
			var n int64
			if _, err := fmt.Sscanf(text, "%d bytes of the log were overwritten before they were read", &n); err != nil {
				t.Errorf("got the note %q", text)
			}
			missed += n
		}}, slow, slow, slow.done)
		close(slow.out)
		slow.err <- err
	}()
	got := <-slow.out // it has begun, and is about to write what comes next all the while
	const lines = 5000
	for n := 1; n < lines; n++ {
		w.write(stdout, []byte(line(n)))
	}
	position := w.base + w.size
	w.end()
	close(slow.done)
	read, before, gaps := int64(0), -1, 0
	for more := range slow.out {
		got += more
	}
	if err := <-slow.err; err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(got) {
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(text, "line "), "\n"))
		if err != nil || n <= before {
			t.Fatalf("got %q after %d", text, before)
		}
		if n != before+1 {
			gaps++
		}
		before = n
		read += int64(len("2026-11-23T23:40:00.123456789Z stdout F ") + len(text))
	}
	if before != lines-1 || gaps == 0 || missed == 0 {
		t.Errorf("got lines up to %d, %d gaps, %d bytes missed; want the last line, and some", before, gaps, missed)
	}
	// But for the first lines of files, each position was read or missed.
	if rest := position - read - missed; rest < 0 || rest > 3*reserve {
		t.Errorf("got %d bytes and %d missed, want %d", read, missed, position)
	}
}

// What its writer takes back on a full disk, because it is half a line, was not there.
func TestFollowOnAFullDisk(t *testing.T) {
	path := t.TempDir()
	w := newWriter(t, openDir(t, path), MinSize)
	f := follow(t, path, Options{Tail: -1})
	w.write(stdout, []byte("before\n"))
	f.await("before\n")
	for n := range 40 {
		room := 30 + n // ends in the line
		w.output = fullDisk(&room)
		w.write(stdout, []byte("this one is dropped, and is longer\n"))
		w.output = unix.Write
		text := fmt.Sprintf("after %d\n", n)
		w.write(stdout, []byte(text))
		f.await(text)
	}
	f.end()
	if len(f.notes) != 40 || !strings.Contains(f.notes[0], "no space left on device") {
		t.Errorf("got %d notes, want one for each time: %q", len(f.notes), f.notes)
	}
}

// Both streams from goroutines of their own, while it is rotated and read.
func TestFollowTwoWriters(t *testing.T) {
	path := t.TempDir()
	w := newWriter(t, openDir(t, path), 64<<20)
	var out, errs strings.Builder
	done := make(chan *Rest)
	end := make(chan error, 1)
	dir := openDir(t, path)
	go func() { end <- Read(dir, Options{Tail: -1, Follow: true}, &out, &errs, done) }()
	var writers sync.WaitGroup
	var want [2]strings.Builder
	for s := range want {
		to := []*part{{w, stdout}, {w, stderr}}[s]
		writers.Go(func() {
			for n := range 2000 {
				text := fmt.Sprintf("%d of %v", n, to.stream) + []string{"", "\n", "\n\n"}[n%3]
				want[s].WriteString(text)
				_, _ = to.Write([]byte(text))
			}
		})
	}
	writers.Wait()
	close(done)
	if err := <-end; err != nil {
		t.Fatal(err)
	}
	if out.String() != want[0].String() || errs.String() != want[1].String() {
		t.Errorf("got %d and %d bytes, want %d and %d, the same", out.Len(), errs.Len(), want[0].Len(), want[1].Len())
	}
}
