package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"unc/internal/hint"
)

// Fail prints err and its hints and returns the exit code for it.
func Fail(err error) int {
	p := style(os.Stderr)
	report(os.Stderr, p, p.alarm("unc:"), err)
	return exitCodeOf(err)
}

// warn says in the same way what is not as it should be, and goes on.
func warn(err error) {
	p := style(os.Stderr)
	report(os.Stderr, p, "unc: "+p.caution("warning:"), err)
}

// report is the only place that prints an error.
func report(w io.Writer, p painter, head string, err error) {
	for _, one := range apart(err) {
		fmt.Fprintf(w, "%s %s\n", head, oneLine(one.Error()))
		for _, h := range hint.Of(one) {
			fmt.Fprintf(w, "%s %s\n", p.strong("hint:"), oneLine(h))
		}
	}
}

// apart separates what errors.Join has put together; nothing else has a line for each.
func apart(err error) []error {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok || reflect.TypeOf(err) != reflect.TypeOf(errors.Join(err)) {
		return []error{err}
	}
	return several.Unwrap()
}

// tell says what there is to know, and goes on.
func tell(text string) {
	fmt.Fprintf(os.Stderr, "unc: %s\n", oneLine(text))
}

// oneLine keeps what others wrote, a file's name say, from moving the cursor.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}

// forReader is where to print what a person has asked for of others' words, such as labels: as
// it is for a program, and on a terminal with nothing in it that moves the cursor but the
// person's own line feeds and tabs. What is written to it at once has whole characters.
func forReader(f *os.File) io.Writer {
	if isTerminal(f) {
		return harmless{f}
	}
	return f
}

type harmless struct{ to io.Writer }

func (h harmless) Write(p []byte) (int, error) {
	var b strings.Builder
	for _, r := range string(p) {
		if r == '\n' || r == '\t' {
			b.WriteRune(r)
		} else {
			b.WriteString(oneLine(string(r)))
		}
	}
	if _, err := io.WriteString(h.to, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}
