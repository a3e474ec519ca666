package manual

import (
	"fmt"
	"strings"
)

// date is what the pages carry, changed with them: today's would make them differ from
// one day to the next.
const date = "2026-11-24"

// roff is a man page in the making, in the macros of man(7), with .EX as both groff and
// mandoc know it.
type roff struct {
	strings.Builder
	begun bool // a section has, and nothing is in it yet
}

func newRoff(name string, section int, volume string) *roff {
	r := &roff{}
	fmt.Fprintf(r, ".\\\" Made by internal/manual of unc; changes belong there, or where it has them from.\n")
	fmt.Fprintf(r, ".TH %s %d %s unc %q\n.ad l\n", strings.ToUpper(escape(name)), section, date, volume)
	return r
}

func (r *roff) section(title string) {
	fmt.Fprintf(r, ".SH %s\n", quote(title))
	r.begun = true
}

func (r *roff) subsection(title string) { fmt.Fprintf(r, ".SS %s\n", quote(title)) }

// paragraph begins one, but where a section has done so.
func (r *roff) paragraph() {
	if !r.begun {
		r.WriteString(".PP\n")
	}
	r.begun = false
}

// text writes a paragraph, in which *stars* are around what is typed literally.
func (r *roff) text(text string) {
	r.paragraph()
	r.WriteString(body(text) + "\n")
}

// item writes a term, in roff already, and what there is to say about it.
func (r *roff) item(term, text string) {
	fmt.Fprintf(r, ".TP\n%s\n%s\n", term, body(text))
	r.begun = false
}

// example writes lines as they are.
func (r *roff) example(about, lines string) {
	if about != "" {
		r.text(strings.ToUpper(about[:1]) + about[1:] + ":")
	}
	r.paragraph()
	fmt.Fprintf(r, ".RS 4\n.EX\n%s\n.EE\n.RE\n", lineStarts(escape(lines)))
}

func bold(text string) string   { return `\fB` + escape(text) + `\fR` }
func italic(text string) string { return `\fI` + escape(text) + `\fR` }

// body is text with its stars turned to bold.
func body(text string) string {
	parts := strings.Split(text, "*")
	if len(parts)%2 == 0 { // they are stars
		return lineStarts(escape(text))
	}
	for i, part := range parts {
		if i%2 == 1 {
			parts[i] = bold(part)
		} else {
			parts[i] = escape(part)
		}
	}
	return lineStarts(strings.Join(parts, ""))
}

// escape keeps the characters that roff would replace: hyphens, so that flags can be
// searched for and pasted, and its own escape character (groff_char(7)).
func escape(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
}

// lineStarts keeps lines from being taken for requests.
func lineStarts(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// quote makes one argument of a macro of the text.
func quote(text string) string { return `"` + strings.ReplaceAll(escape(text), `"`, `\(dq`) + `"` }
