package cli

import (
	"os"

	"golang.org/x/term"
)

// painter dresses words for a terminal. For all else, the zero painter, it returns them
// as they are: no escape sequence gets into a pipe or a file.
type painter struct{ colours bool }

// style finds out what f is, and what its reader wants: NO_COLOR (no-color.org), and TERM
// where the terminal is none that knows ECMA-48's sequences.
func style(f *os.File) painter {
	name := os.Getenv("TERM")
	return painter{os.Getenv("NO_COLOR") == "" && name != "" && name != "dumb" && term.IsTerminal(int(f.Fd()))}
}

func (p painter) strong(text string) string  { return p.paint("1", text) }
func (p painter) good(text string) string    { return p.paint("32", text) }
func (p painter) caution(text string) string { return p.paint("1;33", text) }
func (p painter) alarm(text string) string   { return p.paint("1;31", text) }

// paint takes the parameters of SGR (console_codes(4)).
func (p painter) paint(sgr, text string) string {
	if !p.colours || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}
