package manual

import (
	"fmt"
	"strings"

	"unc/internal/cli"
)

const volume = "User Commands"

// overview is unc(1).
func overview(root *cli.Page) string {
	r := newRoff("unc", 1, volume)
	r.section("NAME")
	fmt.Fprintf(r, "unc \\- %s\n", body(phrase(root.Summary)))
	r.section("SYNOPSIS")
	r.WriteString(synopsis(root) + "\n")
	r.section("DESCRIPTION")
	for _, text := range about {
		r.text(text)
	}
	r.section("COMMANDS")
	for _, p := range root.Commands {
		r.item(`\fB`+escape(pageName(p))+`\fR(1)`, p.Summary)
	}
	r.section("OPTIONS")
	options(r, root.Groups[0].Flags)
	r.section("EXAMPLES")
	for _, e := range root.Examples {
		r.example(e.Text, e.Line)
	}
	exitStatus(r, root)
	items(r, "FILES", fileItems)
	items(r, "ENVIRONMENT", environmentItems)
	seeAlso(r, root, root)
	return r.String()
}

// command is the page of one command, and of those below it.
func command(root, p *cli.Page) string {
	r := newRoff(pageName(p), 1, volume)
	r.section("NAME")
	fmt.Fprintf(r, "%s \\- %s\n", escape(pageName(p)), body(phrase(p.Summary)))
	r.section("SYNOPSIS")
	r.WriteString(synopsis(p) + "\n")
	for _, c := range p.Commands {
		if lastWord(c.Name) != p.Default {
			r.WriteString(".br\n" + synopsis(c) + "\n")
		}
	}
	r.section("DESCRIPTION")
	r.text(p.Summary)
	for _, c := range p.Commands {
		text := c.Summary
		if lastWord(c.Name) == p.Default {
			text += " This is what is done where no command is named."
		}
		r.item(bold("unc "+c.Name), text)
	}
	for _, a := range p.Arguments {
		r.item(italic(a.Name), a.Text)
	}
	r.section("OPTIONS")
	for _, g := range p.Groups {
		if len(g.Flags) == 0 {
			continue
		}
		if g.Title != "" {
			r.subsection(g.Title)
		}
		options(r, g.Flags)
	}
	options(r, root.Groups[0].Flags[:1]) // --help
	r.section("EXAMPLES")
	every(p, func(p *cli.Page) {
		for _, e := range p.Examples {
			r.example(e.Text, e.Line)
		}
		for _, g := range p.Groups {
			if g.Example.Line != "" {
				r.example(g.Example.Text, g.Example.Line)
			}
		}
	})
	exitStatus(r, p)
	if p.Name == "run" {
		items(r, "FILES", fileItems)
		items(r, "ENVIRONMENT", environmentItems)
	}
	seeAlso(r, root, p)
	return r.String()
}

// phrase is a sentence as the line of NAME has it, by which whatis(1) finds the page.
func phrase(text string) string {
	text = strings.TrimSuffix(text, ".")
	return strings.ToLower(text[:1]) + text[1:]
}

// synopsis is the usage with names in bold and what stands for something in italics.
func synopsis(p *cli.Page) string {
	var list []string
	for _, word := range strings.Fields(p.Usage()) {
		if strings.ToLower(word) == word {
			list = append(list, bold(word))
		} else {
			list = append(list, italic(word))
		}
	}
	return strings.Join(list, " ")
}

func options(r *roff, flags []cli.Option) {
	for _, f := range flags {
		var names []string
		for _, name := range spellings(f) {
			names = append(names, bold(name))
		}
		term := strings.Join(names, ", ")
		if valued(f) {
			term += " " + italic(f.Value)
		}
		r.item(term, f.Text)
	}
}

func exitStatus(r *roff, p *cli.Page) {
	r.section("EXIT STATUS")
	if p.Name != "" && !runsProgram(p) {
		r.text(exitsWith(p.Name))
		return
	}
	r.text("That of the command which is run, or")
	for _, e := range exitItems {
		r.item(bold(e.name), e.text)
	}
}

func items(r *roff, title string, list []item) {
	r.section(title)
	for _, e := range list {
		r.item(bold(e.name), e.text)
	}
}

func seeAlso(r *roff, root, p *cli.Page) {
	r.section("SEE ALSO")
	var pages []string
	add := func(name, section string) { pages = append(pages, `\fB`+escape(name)+`\fR(`+section+")") }
	if p != root {
		add("unc", "1")
	}
	for _, c := range root.Commands {
		if c != p {
			add(pageName(c), "1")
		}
	}
	add("unc-network.conf", "5")
	if p == root || runsProgram(p) {
		for _, name := range []string{"capabilities", "user_namespaces"} {
			add(name, "7")
		}
	}
	r.WriteString(strings.Join(pages, ",\n") + "\n")
}
