package manual

import (
	_ "embed"
	"fmt"
	"strings"

	"unc/internal/cli"
)

// fish writes the completion for fish: one complete(1) for each flag and argument, under
// the condition that the words so far lead there.
func fish(root *cli.Page) string {
	var b strings.Builder
	b.WriteString(generated + "\n")
	b.WriteString("function __unc_takes --description 'The flags of a command that take a value'\n\tswitch $argv[1]\n")
	var below strings.Builder
	every(root, func(p *cli.Page) {
		var takes, names []string
		for _, f := range flags(root, p) {
			if valued(f) {
				takes = append(takes, spellings(f)...)
			}
		}
		for _, c := range p.Commands {
			names = append(names, lastWord(c.Name))
		}
		fmt.Fprintf(&b, "\t\tcase %s\n\t\t\tprintf '%%s\\n' %s\n", fishQuote(p.Name), strings.Join(takes, " "))
		if len(names) > 0 {
			fmt.Fprintf(&below, "\t\tcase %s\n\t\t\tprintf '%%s\\n' %s\n", fishQuote(p.Name), strings.Join(names, " "))
		}
	})
	b.WriteString("\tend\nend\n\nfunction __unc_below --description 'The commands below a command'\n\tswitch $argv[1]\n")
	b.WriteString(below.String() + "\tend\nend\n\n" + withoutHead(fishFunctions))
	b.WriteString("\nfunction __unc_places --description 'How many arguments come before the command that is run'\n\tswitch $argv[1]\n")
	every(root, func(p *cli.Page) {
		if runsProgram(p) {
			fmt.Fprintf(&b, "\t\tcase %s\n\t\t\techo %d\n", fishQuote(p.Name), len(p.Arguments)-1)
		}
	})
	b.WriteString("\t\tcase '*'\n\t\t\techo 1000000 # none is run\n\tend\nend\n")
	every(root, func(p *cli.Page) { fishCommand(&b, root, p) })
	return b.String()
}

func fishCommand(b *strings.Builder, root, p *cli.Page) {
	b.WriteString("\n")
	for _, c := range p.Commands {
		fmt.Fprintf(b, "complete -c unc -n %s -a %s -d %s\n", fishQuote("__unc_is "+fishQuote(p.Name)+" 0"), lastWord(c.Name), fishQuote(brief(c.Summary)))
	}
	for _, f := range flags(root, p) {
		fmt.Fprintf(b, "complete -c unc -n %s", fishQuote("__unc_is "+fishQuote(p.Name)))
		if f.Short != "" {
			fmt.Fprintf(b, " -s %s", f.Short)
		}
		fmt.Fprintf(b, " -l %s", f.Name)
		if valued(f) {
			b.WriteString(fishSource(ofFlag(f)))
		}
		fmt.Fprintf(b, " -d %s\n", fishQuote(brief(f.Text)))
	}
	for i, a := range p.Arguments {
		kind, list := ofArgument(p.Name, a)
		if kind == nothing {
			continue
		}
		at := fmt.Sprint(i)
		if a.Repeats || a.Rest {
			at += " more"
		}
		fmt.Fprintf(b, "complete -c unc -n %s%s\n", fishQuote("__unc_is "+fishQuote(p.Name)+" "+at), strings.Replace(fishSource(kind, list), " -x", "", 1))
	}
	if runsProgram(p) {
		fmt.Fprintf(b, "complete -c unc -n %s -a '(__unc_program)'\n", fishQuote("__unc_is "+fishQuote(p.Name)+" program"))
	}
}

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}

func fishSource(kind source, list []string) string {
	switch kind {
	case words:
		return " -x -a " + fishQuote(strings.Join(list, " "))
	case files:
		return " -r -F"
	case directories:
		return " -x -a '(__fish_complete_directories)'"
	case containers:
		return " -x -a '(__unc_containers)'"
	case remembered:
		return " -x -a '(__unc_containers \"\" -a)'"
	case network:
		return " -x -a '" + networks + ` (__unc_containers container:)'`
	case program:
		return " -x -a '(__unc_program)'"
	}
	return " -x"
}

//go:embed functions.fish
var fishFunctions string
