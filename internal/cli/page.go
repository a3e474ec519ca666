package cli

import (
	"strings"

	"github.com/alecthomas/kong"
)

// Page is all that there is to say about a command: --help prints it, and the man pages
// and completions are written from it, so that none of them says what the others don't.
type Page struct {
	Name      string // as in "net reload"; empty for unc as a whole
	Summary   string // a sentence
	Arguments []Option
	Groups    []Group // of flags; the first one has no title
	Examples  []Example
	Commands  []*Page // below this one
	Default   string  // the one of them that is meant where none is named
}

// Option is a flag or an argument.
type Option struct {
	Short   string // one letter, or empty
	Name    string // without dashes; of an argument as it stands in the usage
	Value   string // what stands for the value; empty for a switch
	Text    string
	Choices []string // all values that there are, or nil
	Rest    bool     // an argument that takes all that follows
	Spare   bool     // an argument that can be left out
	Repeats bool
}

// Group is what flags have in common.
type Group struct {
	Title   string
	Flags   []Option
	Example Example // of using them
}

// Example is a command line and what it is for.
type Example struct{ Text, Line string }

// Pages describes the whole command line.
func Pages() *Page {
	var g grammar
	parser, err := newParser(&g)
	if err != nil {
		panic(err) // the grammar itself is wrong
	}
	return newPage(parser.Model.Node)
}

// newPage describes a command and those below it.
func newPage(n *kong.Node) *Page {
	p := &Page{Name: n.Path(), Summary: n.Help, Groups: []Group{{}}}
	flags := n.Flags
	if n.DefaultCmd != nil {
		p.Default = n.DefaultCmd.Name
		flags = append(flags[:len(flags):len(flags)], n.DefaultCmd.Flags...)
	}
	for _, flag := range flags {
		if !flag.Hidden {
			p.group(flag).add(flag, sentence(n.Name, flag.Name))
		}
	}
	for _, v := range n.Positional {
		name := v.Tag.PlaceHolder
		if name == "" {
			name = strings.ToUpper(v.Name)
		}
		p.Arguments = append(p.Arguments, Option{
			Name: name, Text: sentence(n.Name, "<"+v.Name+">"), Choices: choices(v),
			Rest: v.Passthrough, Spare: !v.Required && !v.Passthrough, Repeats: v.IsCumulative(),
		})
	}
	for _, child := range n.Children {
		if !child.Hidden {
			p.Commands = append(p.Commands, newPage(child))
		}
	}
	p.illustrate()
	return p
}

// group returns the one of the page that the flag belongs to, in the order of the grammar.
func (p *Page) group(flag *kong.Flag) *Group {
	title := ""
	if flag.Group != nil {
		title = strings.TrimSuffix(flag.Group.Key, ":")
	}
	for i := range p.Groups {
		if p.Groups[i].Title == title {
			return &p.Groups[i]
		}
	}
	p.Groups = append(p.Groups, Group{Title: title})
	return &p.Groups[len(p.Groups)-1]
}

func (g *Group) add(flag *kong.Flag, text string) {
	o := Option{Name: flag.Name, Text: text, Choices: choices(flag.Value), Repeats: flag.IsCumulative()}
	if flag.Short != 0 {
		o.Short = string(flag.Short)
	}
	if !flag.IsBool() && !flag.IsCounter() {
		o.Value = flag.PlaceHolder
		if o.Value == "" {
			o.Value = strings.ToUpper(flag.Name)
		}
	}
	g.Flags = append(g.Flags, o)
}

func choices(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}

// sentence is what help says about a flag or an argument of a command.
func sentence(command, name string) string {
	text := ""
	for _, h := range help {
		switch h.name {
		case command + " " + name:
			return h.text
		case name:
			text = h.text
		}
	}
	return text
}

// illustrate gives the page and its groups their examples.
func (p *Page) illustrate() {
	for _, e := range examples {
		if e.command != p.Name {
			continue
		}
		if e.group == "" {
			p.Examples = append(p.Examples, Example{e.text, e.line})
			continue
		}
		for i := range p.Groups {
			if p.Groups[i].Title == e.group {
				p.Groups[i].Example = Example{e.text, e.line}
			}
		}
	}
}

// Usage is the command's form in one line.
func (p *Page) Usage() string {
	words := []string{"unc"}
	if p.Name != "" {
		words = append(words, p.Name)
	}
	switch {
	case len(p.Commands) == 0:
	case p.Default != "":
		words = append(words, "[COMMAND]")
	default:
		words = append(words, "COMMAND")
	}
	words = append(words, "[FLAGS]")
	for _, a := range p.Arguments {
		word := a.Name
		switch {
		case a.Rest:
			word += " [ARG...]"
		case a.Repeats:
			word += "..."
		}
		if a.Spare {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	if p.Name == "" {
		words = append(words, "[ARG...]")
	}
	return strings.Join(words, " ")
}
