package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"unc/internal/hint"
)

func TestReport(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"an error", io.ErrUnexpectedEOF, "unc: unexpected EOF\n"},
		{"a hint", hint.With(io.EOF, "try again"), "unc: EOF\nhint: try again\n"},
		{"two hints, wrapped", fmt.Errorf("reading: %w", hint.With(io.EOF, "a", "b")), "unc: reading: EOF\nhint: a\nhint: b\n"},
		{"two errors", errors.Join(io.EOF, io.ErrClosedPipe), "unc: EOF\nunc: io: read/write on closed pipe\n"},
		{"what others wrote", hint.With(errors.New("no \x1b[2J\nfile"), "rm '\r'"), "unc: no ?[2J?file\nhint: rm '?'\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			report(&b, painter{}, "unc:", test.err)
			if got := b.String(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestWarn(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func(was *os.File) { os.Stderr = was }(os.Stderr)
	os.Stderr = file
	warn(fmt.Errorf("reading: %w", hint.With(errors.New("no \n"), "chmod 700 .")))
	got, err := os.ReadFile(file.Name())
	if want := "unc: warning: reading: no ?\nhint: chmod 700 .\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestOneLine(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"plain", `a "file" of 3 €`, `a "file" of 3 €`},
		{"line ends", "a\nb\r\nc", "a?b??c"},
		{"escape sequence", "\x1b[2J\x1b]0;title\x07", "?[2J?]0;title?"},
		{"delete", "a\x7f", "a?"},
		{"8-bit escape sequence", "\u009b2J\u0085", "?2J?"},
		{"no UTF-8", "a\x9b2J\xff", "a\ufffd2J\ufffd"},
		{"the first that is none", "\u00a0", "\u00a0"},
		{"zero byte", "a\x00b", "a?b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := oneLine(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestReportInColour(t *testing.T) {
	var b bytes.Buffer
	p := painter{colours: true}
	report(&b, p, p.alarm("unc:"), hint.With(errors.New("no \x1b[2J"), "a"))
	if got, want := b.String(), "\x1b[1;31munc:\x1b[0m no ?[2J\n\x1b[1mhint:\x1b[0m a\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHarmless(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a table", "web\tup\nbad\n", "web\tup\nbad\n"},
		{"a title", "\x1b]0;mine\x07\r\n", "?]0;mine??\n"},
		{"an 8-bit sequence", "a\u009b2Jü\x7f", "a?2Jü?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			n, err := harmless{&b}.Write([]byte(test.text))
			if n != len(test.text) || err != nil || b.String() != test.want {
				t.Errorf("got %q, %d, %v; want %q, %d", b.String(), n, err, test.want, len(test.text))
			}
		})
	}
}
