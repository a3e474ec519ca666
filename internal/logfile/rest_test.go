package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A reader that is somewhere in the log when that is removed reads on to its end.
func TestRest(t *testing.T) {
	for _, test := range []struct {
		name      string
		rotations int
		notes     int // of what was overwritten
	}{
		{"at its end", 0, 0},
		{"in what is log.1 by then", 1, 0},
		{"in what is gone", 3, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := t.TempDir()
			dir := openDir(t, path)
			w := newWriter(t, dir, MinSize)
			var notes []string
			out := &gate{open: make(chan struct{}), began: make(chan struct{}, 1)}
			done, end := make(chan *Rest, 1), make(chan error, 1)
			w.write(stdout, []byte("first\n"))
			go func() {
				end <- Read(dir, Options{Tail: -1, Follow: true, Note: func(text string) { notes = append(notes, text) }}, out, out, done)
			}()
			<-out.began // it holds the file that it reads, and is kept from reading on
			for n := 0; n < test.rotations; {
				before := w.base
				w.write(stdout, []byte(fmt.Sprintf("%1000d\n", n)))
				if w.base != before {
					n++
				}
			}
			w.write(stdout, []byte("last\n"))
			want, _, _ := show(t, dir, Options{Tail: -1})
			rest, err := OpenRest(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{current, older} {
				if err := os.Remove(filepath.Join(path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
			done <- rest
			close(out.open)
			if err := <-end; err != nil {
				t.Fatal(err)
			}
			// Of what is gone, it has the file that it held.
			if got := string(out.text); !strings.HasPrefix(got, "first\n") || !strings.HasSuffix(got, want) || len(notes) != test.notes {
				t.Errorf("got %d bytes and the notes %q, want the first, %d at the end, and %d", len(got), notes, len(want), test.notes)
			}
		})
	}
}

// gate is a writer that blocks from its first write on, until it is open.
type gate struct {
	text  []byte
	began chan struct{}
	open  chan struct{}
}

func (g *gate) Write(b []byte) (int, error) {
	select {
	case g.began <- struct{}{}:
	default:
	}
	<-g.open
	g.text = append(g.text, b...)
	return len(b), nil
}
