package manual

import (
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
	b.WriteString(below.String() + "\tend\nend\n" + fishHead)
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

const fishHead = `
# __unc_walk prints the command that the words so far name, how many arguments it has
# got, and then, if there are any, the words of the command that it runs.
function __unc_walk
	set -l words (commandline -opc)
	set -l command ''
	set -l count 0
	set -l value no
	set -l dashes no
	set -e words[1]
	while set -q words[1]
		set -l word $words[1]
		if test $value = yes
			set value no
		else if test $dashes = no; and string match -q -- -- "$word"
			set dashes yes
		else if test $dashes = no; and string match -qr -- '^--[^=]+$' "$word"
			contains -- "$word" (__unc_takes "$command"); and set value yes
		else if test $dashes = no; and string match -qr -- '^-[^-]' "$word"
			# Several letters, of which the first that takes a value ends the flags.
			set -l letters (string split '' -- (string sub -s 2 -- "$word"))
			for i in (seq (count $letters))
				if contains -- -$letters[$i] (__unc_takes "$command")
					test $i -eq (count $letters); and set value yes
					break
				end
			end
		else if not string match -q -- '-*' "$word"; or test $dashes = yes
			set -l below (__unc_below "$command")
			if set -q below[1]
				contains -- "$word" $below; or return 1
				set command (string trim -- "$command $word")
			else if test $count -ge (__unc_places "$command")
				printf '%s\n' "$command" program $words
				return
			else
				set count (math $count + 1)
			end
		end
		set -e words[1]
	end
	printf '%s\n' "$command" $count
end

# __unc_is COMMAND [N [more]] tells whether this is the place of a flag of the command's,
# of its argument N, or of those after it; COMMAND program: of what the command runs.
function __unc_is
	set -l at (__unc_walk); or return 1
	test "$at[1]" = "$argv[1]"; or return 1
	if not set -q argv[2]
		test "$at[2]" != program
	else if test "$argv[3]" = more; and test "$at[2]" != program
		test "$at[2]" -ge "$argv[2]"
	else
		test "$at[2]" = "$argv[2]"
	end
end

# __unc_program completes the command that a container runs, as fish would by itself.
function __unc_program
	set -l at (__unc_walk)
	set -l line (string join ' ' -- (string escape -- $at[3..-1]) (commandline -ct))
	# A flag that no command is before is unc's.
	string match -q -- '-*' $line; or complete -C $line
end

function __unc_containers
	set -l unc (commandline -opc)[1]
	set -l names ($unc ps $argv[2] --format '{{.Name}}' 2>/dev/null)
	for name in $names
		printf '%s%s\tcontainer\n' $argv[1] $name
	end
end

complete -c unc -f
`
