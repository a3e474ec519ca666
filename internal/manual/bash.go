package manual

import (
	_ "embed"
	"fmt"
	"strings"

	"unc/internal/cli"
)

// bash writes the completion for bash: a walk over the words, and tables for it.
func bash(root *cli.Page) string {
	var b strings.Builder
	b.WriteString(bashHead)
	every(root, func(p *cli.Page) { bashCommand(&b, root, p) })
	b.WriteString("\tesac\n}\n\n" + withoutHead(bashFunctions) + bashValues)
	seen := map[string]bool{}
	every(root, func(p *cli.Page) {
		for _, f := range flags(root, p) {
			kind, list := ofFlag(f)
			if !valued(f) || kind == nothing {
				continue
			}
			var names []string
			for _, name := range spellings(f) {
				names = append(names, "'"+p.Name+" "+name+"'")
			}
			line := fmt.Sprintf("\t%s) %s ;;\n", strings.Join(names, " | "), bashSource(kind, list))
			if !seen[line] {
				b.WriteString(line)
			}
			seen[line] = true
		}
	})
	b.WriteString(bashTail)
	return b.String()
}

// spellings are -v and --volume.
func spellings(f cli.Option) []string {
	if f.Short == "" {
		return []string{"--" + f.Name}
	}
	return []string{"-" + f.Short, "--" + f.Name}
}

// bashCommand writes what the walk has to know of a command.
func bashCommand(b *strings.Builder, root, p *cli.Page) {
	var all, takes, args, below []string
	for _, f := range flags(root, p) {
		all = append(all, spellings(f)...)
		if valued(f) {
			takes = append(takes, spellings(f)...)
		}
	}
	for _, a := range p.Arguments {
		kind, list := ofArgument(p.Name, a)
		word := string(kind)
		if len(list) > 0 {
			word += ":" + strings.Join(list, ":")
		}
		args = append(args, word)
		if a.Repeats && !a.Rest {
			args = append(args, "again")
		}
	}
	for _, c := range p.Commands {
		below = append(below, lastWord(c.Name))
	}
	fmt.Fprintf(b, "\t'%s')\n\t\tflags='%s'\n\t\ttakes='%s'\n\t\tbelow='%s'\n\t\targuments=(%s)\n\t\t;;\n",
		p.Name, strings.Join(all, " "), strings.Join(takes, " "), strings.Join(below, " "), strings.Join(args, " "))
}

func lastWord(name string) string { return name[strings.LastIndexByte(name, ' ')+1:] }

func bashSource(kind source, list []string) string {
	switch kind {
	case words:
		return "_unc_offer '" + strings.Join(list, " ") + "'"
	case files:
		return "_unc_files"
	case directories:
		return "_unc_files -d"
	case containers:
		return `_unc_offer "$(_unc_containers)"`
	case network:
		return `_unc_offer "` + networks + ` $(_unc_containers container:)"`
	}
	panic(fmt.Sprintf("no source %q for a flag", kind))
}

// bashFunctions is a script of its own, for shellcheck to see.
//
//go:embed functions.bash
var bashFunctions string

const generated = "# Made by internal/manual of unc, from its command line; changes belong there.\n"

const bashHead = generated + `#
# It needs nothing but bash itself: bash-completion loads it when unc is completed for
# the first time, and "source unc.bash" does without.

# _unc_command sets, for a command of unc's, its flags, those that take a value, the
# commands below it, and what its arguments are.
_unc_command() {
	case $1 in
`

const bashValues = `
# _unc_value COMMAND-AND-FLAG [TYPED] completes a flag's value.
_unc_value() {
	if (($# > 1)); then
		cur=$2
	fi
	case $1 in
`

const bashTail = `	esac
}

complete -F _unc unc
`
