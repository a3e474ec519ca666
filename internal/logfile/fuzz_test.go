package logfile

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// What was written comes out, byte for byte, of each stream, however it was cut.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("a line\nand another"), uint8(3), uint8(1))
	f.Add([]byte("\x00\r\n\xff\n\n"), uint8(1), uint8(2))
	f.Add(bytes.Repeat([]byte("x"), maxPiece+1), uint8(255), uint8(200))
	f.Fuzz(func(t *testing.T, text []byte, size, other uint8) {
		dir := openDir(t, t.TempDir())
		w := newWriter(t, dir, 64<<20)
		var want [2][]byte
		for i, rest := 0, text; len(rest) > 0; i++ {
			s := stdout
			if i%(int(other)+1) == int(other) {
				s = stderr
			}
			length := min(len(rest), (int(size)+1)*(1+i%100))
			want[s] = append(want[s], rest[:length]...)
			w.write(s, rest[:length])
			rest = rest[length:]
		}
		out, errs, notes := show(t, dir, Options{Tail: -1})
		if out != string(want[stdout]) || errs != string(want[stderr]) || len(notes) > 0 {
			t.Fatalf("got %q, %q and %q, want %q, %q", out, errs, notes, want[stdout], want[stderr])
		}
		// A last line without an end may be on both.
		count := func(text string) int { return len(slices.Collect(strings.Lines(text))) }
		whole := count(out) + count(errs)
		out, errs, _ = show(t, dir, Options{Tail: whole / 2})
		if got := count(out) + count(errs); got != whole/2 {
			t.Errorf("tail %d: got %d lines of %q", whole/2, got, text)
		}
		if !bytes.HasSuffix(want[stdout], []byte(out)) || !bytes.HasSuffix(want[stderr], []byte(errs)) {
			t.Errorf("tail %d: got %q and %q, want what is last", whole/2, out, errs)
		}
	})
}

// Whatever is in the files, they are read to their ends, and nothing is shown that is not in them.
func FuzzRead(f *testing.F) {
	line := "2026-11-23T23:40:00.123456789Z stdout F text\n"
	f.Add([]byte(line), []byte("2026-11-23T23:40:00.123456789Z unc F begins at 45\n"+line))
	f.Add([]byte("2026-11-23T23:40:00.123456789Z unc F lost 1 28\n"), []byte("2026-99-99T99:99:99.999999999Z stderr P x"))
	f.Add(bytes.Repeat([]byte("x"), 3*maxLine), []byte("\n\n"))
	f.Fuzz(func(t *testing.T, old, now []byte) {
		path := t.TempDir()
		for name, text := range map[string][]byte{older: old, current: now} {
			if err := os.WriteFile(path+"/"+name, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, o := range []Options{{Tail: -1, Timestamps: true}, {Tail: 3}, {Tail: -1, Since: epoch}} {
			out, errs, notes := show(t, openDir(t, path), o)
			if len(out)+len(errs) > len(old)+len(now) {
				t.Errorf("got %d bytes of %d", len(out)+len(errs), len(old)+len(now))
			}
			for _, note := range notes {
				if strings.ContainsFunc(note, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Errorf("got the note %q", note)
				}
			}
		}
	})
}
