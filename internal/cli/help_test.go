package cli

import (
	"slices"
	"strings"
	"testing"
)

// everyPage calls f for unc's page and those of all commands.
func everyPage(p *Page, f func(*Page)) {
	f(p)
	for _, c := range p.Commands {
		everyPage(c, f)
	}
}

// Every flag and argument has a sentence, and every sentence a flag or argument.
func TestHelp(t *testing.T) {
	var found []string
	everyPage(Pages(), func(p *Page) {
		last := p.Name[strings.LastIndexByte(p.Name, ' ')+1:]
		told := func(name, text string) {
			found = append(found, name, last+" "+name)
			if !strings.HasSuffix(text, ".") {
				t.Errorf("unc %s: got %q about %s, want a sentence in help", p.Name, text, name)
			}
		}
		told("", p.Summary)
		for _, a := range p.Arguments {
			told("<"+strings.ToLower(a.Name)+">", a.Text)
		}
		for _, g := range p.Groups {
			for _, f := range g.Flags {
				told(f.Name, f.Text)
			}
		}
	})
	seen := map[string]bool{}
	for _, h := range help {
		if seen[h.name] {
			t.Errorf("%s is described twice", h.name)
		}
		seen[h.name] = true
		if !slices.Contains(found, h.name) {
			t.Errorf("%s is described, and there is no such flag or argument", h.name)
		}
	}
}

// Every command has an example, and so has every group of its flags; each of them is a
// command line that unc understands.
func TestExamples(t *testing.T) {
	used := 0
	everyPage(Pages(), func(p *Page) {
		lines := p.Examples
		for _, g := range p.Groups[1:] {
			lines = append(lines, g.Example)
		}
		if len(p.Examples) == 0 {
			t.Errorf("unc %s has no example", p.Name)
		}
		for _, e := range lines {
			used++
			words := shellWords(e.Line)
			if len(words) < 2 || words[0] != "unc" || !strings.HasPrefix(e.Line, strings.TrimSpace("unc "+p.Name)) {
				t.Errorf("unc %s: got example %q, want one of this command", p.Name, e.Line)
				continue
			}
			if err := understood(words[1:]); err != nil {
				t.Errorf("%s: got error %q, want a line that is understood", e.Line, err)
			}
			if len(e.Text) > maxWidth-usualWidth/4 || e.Text == "" {
				t.Errorf("%s: got %q, want a few words about it", e.Line, e.Text)
			}
			if len(e.Line) > usualWidth-2 {
				t.Errorf("%s: got %d columns, want a line that fits", e.Line, len(e.Line))
			}
		}
	})
	if used != len(examples) {
		t.Errorf("got %d examples on the pages, want all %d", used, len(examples))
	}
}

// shellWords splits a line at spaces that are not between single quotes.
func shellWords(line string) (words []string) {
	quoted, begun := false, false
	for _, r := range line {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == ' ' && !quoted:
			begun = false
		case !begun:
			words, begun = append(words, string(r)), true
		default:
			words[len(words)-1] += string(r)
		}
	}
	return words
}

// understood parses a command line and runs nothing.
func understood(args []string) error {
	var g grammar
	parser, err := newParser(&g)
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	return err
}

func TestPageFits(t *testing.T) {
	for _, width := range []int{minWidth, 60, usualWidth, maxWidth} {
		everyPage(Pages(), func(p *Page) {
			for line := range strings.Lines(p.text(width, painter{})) {
				line = strings.TrimSuffix(line, "\n")
				// An example and a flag's form stay in one piece.
				if len(line) > width && !strings.HasPrefix(line, "  unc ") && !strings.HasPrefix(line, "Usage: ") && strings.Contains(strings.TrimSpace(line), " ") &&
					!strings.HasPrefix(strings.TrimSpace(line), "-") {
					t.Errorf("unc %s at %d columns: got a line of %d: %q", p.Name, width, len(line), line)
				}
				if strings.ContainsRune(line, '\x1b') || strings.HasSuffix(line, " ") {
					t.Errorf("unc %s: got %q, want nothing but words", p.Name, line)
				}
			}
		})
	}
}

func TestHelpWidth(t *testing.T) {
	screen := openTerminal(t)
	for _, test := range []struct {
		name    string
		columns uint16
		want    int
	}{
		{"not told", 0, 80},
		{"narrow", 20, 40},
		{"as it is", 92, 92},
		{"wide", 250, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			setColumns(t, screen, test.columns)
			if got := helpWidth(screen); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
