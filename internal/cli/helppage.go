package cli

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// printHelp is what --help does, for the command that it was given to.
func printHelp(_ kong.HelpOptions, ctx *kong.Context) error {
	n := ctx.Selected()
	if n == nil {
		n = ctx.Model.Node
	}
	_, err := io.WriteString(os.Stdout, newPage(n).text(helpWidth(os.Stdout), style(os.Stdout)))
	return err
}

// Columns of a page: lines that are longer are hard to read, however wide the terminal is.
const (
	minWidth, maxWidth, usualWidth = 40, 100, 80

	atText   = 27 // where the sentences about flags begin
	atIndent = 10 // the same, where there is no room for two columns
)

func helpWidth(f *os.File) int {
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil || columns == 0 { // 0 is a terminal that nobody has told its size, a serial line say
		return usualWidth
	}
	return min(max(columns, minWidth), maxWidth)
}

// sheet is a page as it is written.
type sheet struct {
	strings.Builder
	painter
	width int
}

// text is the page for a terminal of that width.
func (p *Page) text(width int, colours painter) string {
	s := &sheet{painter: colours, width: width}
	s.WriteString(s.strong("Usage:") + " " + p.Usage() + "\n\n")
	s.paragraph(0, p.Summary)
	if p.Name == "" {
		s.heading("First steps")
		s.examples(p.Examples)
		s.commands(p)
	}
	if len(p.Arguments) > 0 {
		s.heading("Arguments")
		for _, a := range p.Arguments {
			s.entry("  "+a.Name, a.Text)
		}
	}
	for i, g := range p.Groups {
		if len(g.Flags) == 0 {
			continue
		}
		title, shown := g.Title, []Example{g.Example}
		if i == 0 {
			title, shown = "Flags", p.first()
		}
		s.heading(title)
		for _, f := range g.Flags {
			s.entry(f.spelled(), f.Text)
		}
		if len(shown) > 0 {
			s.WriteByte('\n')
			s.examples(shown)
		}
	}
	if p.Name != "" {
		if len(p.Commands) > 0 {
			s.commands(p)
		}
		if len(p.Groups) == 1 {
			s.heading("Example")
			s.examples(p.Examples)
		}
		return s.String()
	}
	s.WriteByte('\n')
	s.paragraph(0, exitCodes)
	s.WriteByte('\n')
	s.paragraph(0, `"unc COMMAND --help" tells what a command does, with examples.`)
	return s.String()
}

// first are the examples that belong below the flags without a group, where there are
// groups with examples of their own.
func (p *Page) first() []Example {
	if len(p.Groups) == 1 {
		return nil
	}
	return p.Examples
}

// exitCodes are those of run, and of all that runs a command.
const exitCodes = "Exit codes: the command's own, or 128+n when signal n ended it; 125 when unc itself failed, " +
	"126 when the command can't be executed, 127 when it is not found."

// spelled is a flag with its value, as one may type it.
func (o *Option) spelled() string {
	text := "      --" + o.Name
	if o.Short != "" {
		text = "  -" + o.Short + ", --" + o.Name
	}
	if o.Value != "" {
		text += " " + o.Value
	}
	return text
}

func (s *sheet) heading(title string) { s.WriteString("\n" + s.strong(title+":") + "\n") }

func (s *sheet) commands(p *Page) {
	s.heading("Commands")
	for _, c := range p.Commands {
		s.entry("  "+strings.TrimPrefix(c.Name, p.Name+" "), c.Summary)
	}
}

func (s *sheet) examples(list []Example) {
	for _, e := range list {
		for _, line := range wrap(e.Text, s.width-4) {
			s.WriteString("  # " + line + "\n")
		}
		s.WriteString("  " + e.Line + "\n") // in one piece, for pasting
	}
}

// entry writes a name, and beside it, or below it where it is long, what it is.
func (s *sheet) entry(name, text string) {
	at := atText
	if s.width < usualWidth {
		at = atIndent
	}
	lines := wrap(text, s.width-at)
	if utf8.RuneCountInString(name)+2 > at {
		s.WriteString(name + "\n")
	} else {
		s.WriteString(name + strings.Repeat(" ", at-utf8.RuneCountInString(name)) + lines[0] + "\n")
		lines = lines[1:]
	}
	for _, line := range lines {
		s.WriteString(strings.Repeat(" ", at) + line + "\n")
	}
}

func (s *sheet) paragraph(at int, text string) {
	for _, line := range wrap(text, s.width-at) {
		s.WriteString(strings.Repeat(" ", at) + line + "\n")
	}
}

// wrap breaks text into lines of at most that many columns; a word that is longer stays whole.
func wrap(text string, width int) []string {
	line, lines := "", []string(nil)
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}
