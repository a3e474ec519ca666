package manual

import (
	_ "embed"
	"fmt"
	"strings"

	"unc/internal/cli"
)

// zsh writes the completion for zsh: a function for each command, in terms of _arguments
// (zshcompsys(1)).
func zsh(root *cli.Page) string {
	var b strings.Builder
	b.WriteString("#compdef unc\n" + generated + "\n" + strings.Replace(withoutHead(zshFunctions), "NETWORKS", networks, 1))
	every(root, func(p *cli.Page) { zshCommand(&b, root, p) })
	b.WriteString("_unc \"$@\"\n")
	return b.String()
}

func zshCommand(b *strings.Builder, root, p *cli.Page) {
	fmt.Fprintf(b, "\n%s() {\n", zshName(p))
	if p == root {
		b.WriteString("\tlocal unc=$words[1]\n")
	}
	if len(p.Commands) > 0 {
		b.WriteString("\tlocal curcontext=$curcontext state state_descr line\n\ttypeset -A opt_args\n")
	}
	b.WriteString("\t_arguments -s -S -C")
	if runsProgram(p) {
		b.WriteString(" -A '-*'") // flags after the command are the command's
	}
	for _, f := range flags(root, p) {
		b.WriteString(" \\\n\t\t" + zshFlag(f))
	}
	for i, a := range p.Arguments {
		kind, list := ofArgument(p.Name, a)
		at := fmt.Sprint(i + 1)
		switch {
		case a.Rest:
			at = "*::" // the words before it are not the command's
		case a.Repeats:
			at = "*"
		}
		fmt.Fprintf(b, " \\\n\t\t'%s:%s:%s'", at, zshText(strings.ToLower(a.Name)), zshSource(kind, list))
	}
	if len(p.Commands) == 0 {
		b.WriteString("\n}\n")
		return
	}
	b.WriteString(" \\\n\t\t'1: :->command' \\\n\t\t'*:: :->arguments'\n\tcase $state in\n\tcommand)\n\t\tlocal -a commands=(\n")
	for _, c := range p.Commands {
		fmt.Fprintf(b, "\t\t\t'%s:%s'\n", lastWord(c.Name), strings.ReplaceAll(brief(c.Summary), "'", `'\''`))
	}
	b.WriteString("\t\t)\n\t\t_describe -t commands command commands\n\t\t;;\n\targuments)\n\t\tcase $line[1] in\n")
	for _, c := range p.Commands {
		fmt.Fprintf(b, "\t\t%s) %s ;;\n", lastWord(c.Name), zshName(c))
	}
	b.WriteString("\t\tesac\n\t\t;;\n\tesac\n}\n")
}

func zshName(p *cli.Page) string {
	return strings.TrimSuffix("_unc_"+strings.ReplaceAll(p.Name, " ", "_"), "_")
}

// zshFlag is a flag's specification.
func zshFlag(f cli.Option) string {
	tail := "[" + zshText(brief(f.Text)) + "]"
	long, short := "--"+f.Name, "-"+f.Short
	if valued(f) {
		kind, list := ofFlag(f)
		form, _, _ := strings.Cut(f.Value, ":")
		tail += ":" + zshText(strings.ToLower(form)) + ":" + zshSource(kind, list)
		long += "="
		short += "+"
	}
	switch {
	case f.Short == "" && f.Repeats:
		return "'*" + long + tail + "'"
	case f.Short == "":
		return "'" + long + tail + "'"
	case f.Repeats:
		return "'*'{" + short + "," + long + "}'" + tail + "'"
	}
	return fmt.Sprintf("'(-%s --%s)'{%s,%s}'%s'", f.Short, f.Name, short, long, tail)
}

// zshText quotes what stands in a specification between single quotes.
func zshText(text string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, "[", `\[`, "]", `\]`, "'", `'\''`).Replace(text)
}

func zshSource(kind source, list []string) string {
	switch kind {
	case words:
		return "(" + strings.Join(list, " ") + ")"
	case files:
		return "_files"
	case directories:
		return "_files -/"
	case containers:
		return "_unc_containers"
	case remembered:
		return "_unc_containers -a"
	case network:
		return "_unc_networks"
	case program:
		return "_normal"
	}
	return " "
}

//go:embed functions.zsh
var zshFunctions string
