package logfile

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRead(t *testing.T) {
	// In the order of their beginnings: a, E1, b+c, E2, d.
	chunks := []chunk{
		{stdout, "a\n"}, {stderr, "E1\n"}, {stdout, "b"}, {stderr, "E2"}, {stdout, "c\n"}, {stderr, "!\n"}, {stdout, "d"},
	}
	const first, third = "2026-11-23T23:40:00.123456789Z ", "2026-11-23T23:40:02.123456789Z "
	for _, test := range []struct {
		name     string
		o        Options
		out, err string
	}{
		{"all", Options{Tail: -1}, "a\nbc\nd", "E1\nE2!\n"},
		{"nothing", Options{}, "", ""},
		{"the last, which has no end yet", Options{Tail: 1}, "d", ""},
		{"two", Options{Tail: 2}, "d", "E2!\n"},
		{"three: pieces of two lines in turns", Options{Tail: 3}, "bc\nd", "E2!\n"},
		{"four", Options{Tail: 4}, "bc\nd", "E1\nE2!\n"},
		{"as many as there are", Options{Tail: 5}, "a\nbc\nd", "E1\nE2!\n"},
		{"more", Options{Tail: 500}, "a\nbc\nd", "E1\nE2!\n"},
		{"since the third, that begins a line", Options{Tail: -1, Since: epoch.Add(2 * time.Second)}, "bc\nd", "E2!\n"},
		{"since the fifth, that does not", Options{Tail: -1, Since: epoch.Add(4 * time.Second)}, "d", ""},
		{"the last of those since", Options{Tail: 1, Since: epoch.Add(2 * time.Second)}, "d", ""},
		{
			"with the times",
			Options{Tail: -1, Timestamps: true},
			first + "a\n" + third + "bc\n2026-11-23T23:40:06.123456789Z d",
			"2026-11-23T23:40:01.123456789Z E1\n2026-11-23T23:40:03.123456789Z E2!\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := openDir(t, t.TempDir())
			writeAll(newWriter(t, dir, MinSize), chunks)
			out, errs, notes := show(t, dir, test.o)
			if out != test.out || errs != test.err || len(notes) > 0 {
				t.Errorf("got %q, %q and notes %q, want %q, %q", out, errs, notes, test.out, test.err)
			}
		})
	}
}

// The last lines, of a log whose files they are spread over.
func TestTailOfTwoFiles(t *testing.T) {
	dir := openDir(t, t.TempDir())
	w := newWriter(t, dir, MinSize)
	var all []string
	for n := 0; w.base == 0 || len(all) < 1200; n++ {
		line := strings.Repeat("x", n%40) + "\n"
		all = append(all, line)
		w.write(stdout, []byte(line))
	}
	inCurrent := strings.Count(contents(t, dir, current), "stdout")
	for _, tail := range []int{1, inCurrent, inCurrent + 1, inCurrent + 100} {
		got, _, _ := show(t, dir, Options{Tail: tail})
		if want := strings.Join(all[len(all)-tail:], ""); got != want {
			t.Errorf("tail %d: got %d bytes, want %d", tail, len(got), len(want))
		}
	}
}

func TestReadOfNoLog(t *testing.T) {
	if out, errs, notes := show(t, openDir(t, t.TempDir()), Options{Tail: 3}); out+errs != "" || len(notes) > 0 {
		t.Errorf("got %q, %q and notes %q, want nothing", out, errs, notes)
	}
}

// The supervisor was killed in the middle of a write.
func TestReadOfHalfALine(t *testing.T) {
	whole := "2026-11-23T23:40:00.123456789Z stdout F text\n"
	for _, test := range []struct{ name, half, want string }{
		{"without the line end", whole[:len(whole)-1], "text\ntext"},
		{"in the text", whole[:len(whole)-3], "text\nte"},
		{"in the time", whole[:10], "text\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := openDir(t, t.TempDir())
			if err := os.WriteFile(dir.Name()+"/log", []byte(whole+test.half), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, _, _ := show(t, dir, Options{Tail: -1}); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestReadOfOtherLines(t *testing.T) {
	good := "2026-11-23T23:40:00.123456789Z stdout F good\n"
	unreadable := []string{"there are lines in the log that unc has not written; they are left out"}
	for _, test := range []struct {
		name, text string
		notes      []string
	}{
		{"none", "", nil},
		{"an empty line", "\n", unreadable},
		{"text", "some text\n\x1b[31m\n", unreadable},
		{"another stream", "2026-11-23T23:40:00.123456789Z stdin F text\n", unreadable},
		{"another tag", "2026-11-23T23:40:00.123456789Z stdout X text\n", unreadable},
		{"no text", "2026-11-23T23:40:00.123456789Z stdout F\n", unreadable},
		{"another time", "2026-11-23T23:40:00Z stdout F text\n", unreadable},
		{"escapes for a time", "2026-11-23T23:40:00.12345\x1b[1mZ stdout F text\n", unreadable},
		{"a line too long", "2026-11-23T23:40:00.123456789Z stdout F " + strings.Repeat("x", maxPiece+1) + "\n", unreadable},
		{"a line without end", strings.Repeat("\x00", 1<<20) + "\n", unreadable},
		{"a loss of nothing known", "2026-11-23T23:40:00.123456789Z unc F lost -1 28\n", nil},
		{"something new", "2026-11-23T23:40:00.123456789Z unc F \x1b[31m\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := openDir(t, t.TempDir())
			if err := os.WriteFile(dir.Name()+"/log", []byte(good+test.text+good), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, o := range []Options{{Tail: -1}, {Tail: 2}} {
				got, errs, notes := show(t, dir, o)
				if got != "good\ngood\n" || errs != "" || !slices.Equal(notes, test.notes) {
					t.Errorf("tail %d: got %.100q, %.100q with %q, want both good lines with %q", o.Tail, got, errs, notes, test.notes)
				}
			}
		})
	}
}

// What is no regular file is not read, nothing waits for it, and links lead nowhere.
func TestHostileLog(t *testing.T) {
	secret := t.TempDir() + "/secret"
	if err := os.WriteFile(secret, []byte("2026-11-23T23:40:00.123456789Z stdout F secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan *Rest)
	close(done)
	for _, test := range []struct {
		name string
		make func(path string) error
		want error
	}{
		{"a FIFO", func(path string) error { return unix.Mkfifo(path, 0o600) }, errNotRegular},
		{"a link", func(path string) error { return os.Symlink(secret, path) }, unix.ELOOP},
		{"a directory", func(path string) error { return os.Mkdir(path, 0o700) }, errNotRegular},
		{"a socket", func(path string) error { return unix.Mknod(path, unix.S_IFSOCK|0o600, 0) }, unix.ENXIO},
	} {
		for _, file := range []string{current, older} {
			t.Run(test.name+" as "+file, func(t *testing.T) {
				dir := openDir(t, t.TempDir())
				if err := test.make(dir.Name() + "/" + file); err != nil {
					t.Fatal(err)
				}
				for _, follow := range []bool{false, true} {
					var out strings.Builder
					err := Read(dir, Options{Tail: -1, Follow: follow}, &out, &out, done)
					if !errors.Is(err, test.want) || out.Len() > 0 {
						t.Errorf("got %q, %v, want %v", out.String(), err, test.want)
					}
				}
				if f, err := openFiles(int(dir.Fd())); !errors.Is(err, test.want) || f != (files{-1, -1}) {
					t.Errorf("opening: got %v, %v, want none, %v", f, err, test.want)
				}
				if _, err := NewWriter(dir, MinSize); (err == nil) != (file == older) {
					t.Errorf("writing: got %v", err)
				}
			})
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// The reader of our output went away.
func TestReadEndsWithItsOutput(t *testing.T) {
	dir := openDir(t, t.TempDir())
	w := newWriter(t, dir, MinSize)
	for range 100 {
		writeAll(w, []chunk{{stdout, "out\n"}, {stderr, "err\n"}})
	}
	for _, follow := range []bool{false, true} {
		if err := Read(dir, Options{Tail: -1, Follow: follow}, failing{unix.EPIPE}, &strings.Builder{}, nil); !errors.Is(err, unix.EPIPE) {
			t.Errorf("got %v, want %v", err, unix.EPIPE)
		}
		if err := Read(dir, Options{Tail: -1, Follow: follow}, &strings.Builder{}, failing{unix.EPIPE}, nil); !errors.Is(err, unix.EPIPE) {
			t.Errorf("got %v, want %v", err, unix.EPIPE)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	dir := openDir(b, b.TempDir())
	w := newWriter(b, dir, 64<<20)
	line := []byte(strings.Repeat(strings.Repeat("x", 79)+"\n", 400))
	for w.size < 30<<20 {
		w.write(stdout, line)
	}
	for _, test := range []struct {
		name string
		o    Options
	}{{"all", Options{Tail: -1}}, {"the last ten", Options{Tail: 10}}} {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(w.size)
			for b.Loop() {
				if err := Read(dir, test.o, &nothing{}, &nothing{}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type nothing struct{}

func (*nothing) Write(b []byte) (int, error) { return len(b), nil }

// A reader sees both files of one moment: what it shows is in order and without a gap, while the
// writer begins one file after the other.
func TestReadWhileItIsRotated(t *testing.T) {
	dir := openDir(t, t.TempDir())
	w := newWriter(t, dir, MinSize)
	stop := make(chan *Rest)
	var writer sync.WaitGroup
	writer.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				w.write(stdout, fmt.Appendf(nil, "%d %s\n", n, strings.Repeat("x", 4000)))
			}
		}
	})
	for range 300 {
		before := -1
		out, _, notes := show(t, openDir(t, dir.Name()), Options{Tail: -1})
		for line := range strings.Lines(out) {
			var n int
			if _, err := fmt.Sscan(line, &n); err != nil || before >= 0 && n != before+1 {
				t.Errorf("got line %.20q after %d", line, before)
			}
			before = n
		}
		if len(notes) > 0 {
			t.Errorf("got notes %q, want none", notes)
		}
	}
	close(stop)
	writer.Wait()
}
