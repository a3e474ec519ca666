package manual

import (
	"fmt"
	"strings"

	"unc/internal/cli"
)

// bash writes the completion for bash: a walk over the words, and tables for it.
func bash(root *cli.Page) string {
	var b strings.Builder
	b.WriteString(bashHead)
	every(root, func(p *cli.Page) { bashCommand(&b, root, p) })
	b.WriteString(bashMiddle)
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
		word := bashKinds[kind]
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

var bashKinds = map[source]string{
	nothing: "nothing", words: "words", containers: "containers", remembered: "remembered", program: "program", files: "files", directories: "directories",
}

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
	panic(fmt.Sprintf("no source %d for a flag", kind))
}

const generated = "# Made by internal/manual of unc, from its command line; changes belong there.\n"

const bashHead = generated + `#
# It needs nothing but bash itself: bash-completion loads it when unc is completed for
# the first time, and "source unc.bash" does without.

# _unc_command sets, for a command of unc's, its flags, those that take a value, the
# commands below it, and what its arguments are.
_unc_command() {
	case $1 in
`

const bashMiddle = `	esac
}

# _unc_words sets words to those up to the cursor, as a shell splits them: bash itself
# takes : and = for words as well (COMP_WORDBREAKS).
_unc_words() {
	local i rest=$COMP_LINE
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		if ((i > 0)) && [[ -n $rest && $rest != [[:space:]]* ]] &&
			[[ ${COMP_WORDS[i]} == [:=]* || ${COMP_WORDS[i - 1]} == *[:=] ]]; then
			words[${#words[@]} - 1]+=${COMP_WORDS[i]}
		else
			words+=("${COMP_WORDS[i]}")
		fi
		rest=${rest#"${rest%%[![:space:]]*}"}
		rest=${rest#"${COMP_WORDS[i]}"}
	done
}

# _unc_offer WORDS offers those that begin as what is typed, less what bash regards as
# other words before it.
_unc_offer() {
	local before=${cur%"${cur##*[:=]}"} word
	while IFS= read -r word; do
		COMPREPLY+=("${word#"$before"}")
	done < <(compgen -W "$1" -- "$cur")
}

# _unc_files [-d] offers files, or directories.
_unc_files() {
	local file
	while IFS= read -r file; do
		COMPREPLY+=("$file")
	done < <(compgen "${1:--f}" -- "${cur##*=}")
	compopt -o filenames 2>/dev/null
}

# _unc_containers [PREFIX [-a]] prints the names of containers that run, or of all.
_unc_containers() {
	local name
	"${words[0]}" ps ${2:+"$2"} --format '{{.Name}}' 2>/dev/null | while IFS= read -r name; do
		printf '%s%s ' "$1" "$name"
	done
}

# _unc_takes tells whether the value of a flag, or of the last of several letters, is the
# next word.
_unc_takes() {
	local i
	case $1 in
	--*) [[ " $takes " == *" $1 "* ]] ;;
	-?*)
		for ((i = 1; i < ${#1}; i++)); do
			if [[ " $takes " == *" -${1:i:1} "* ]]; then
				flag=-${1:i:1}
				((i == ${#1} - 1))
				return
			fi
		done
		return 1
		;;
	*) return 1 ;;
	esac
}

_unc() {
	local words cur command='' flags takes below arguments word flag='' dashes='' i n=0
	COMPREPLY=()
	_unc_words
	cur=${words[${#words[@]} - 1]}
	_unc_command ''
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		word=${words[i]} flag=''
		if [[ -z $dashes && $word == -- ]]; then
			dashes=yes
		elif [[ -z $dashes && $word == -?* ]]; then
			if flag=$word && _unc_takes "$word"; then
				((++i < ${#words[@]} - 1)) && flag=''
			else
				flag=''
			fi
		elif [[ -n $below ]]; then
			[[ " $below " == *" $word "* ]] || return
			command="${command:+$command }$word"
			_unc_command "$command"
		elif [[ ${arguments[n]} == program ]]; then
			# From here on all is the command's.
			_unc_files
			return
		elif [[ ${arguments[n + 1]} != again ]]; then
			n=$((n + 1))
		fi
	done
	if [[ -n $flag ]]; then
		_unc_value "$command $flag"
		return
	fi
	case $dashes$cur in
	--*=*)
		_unc_value "$command ${cur%%=*}" "${cur#*=}"
		return
		;;
	-*)
		_unc_offer "$flags"
		return
		;;
	esac
	if [[ -n $below ]]; then
		_unc_offer "$below"
		return
	fi
	case ${arguments[n]} in
	containers) _unc_offer "$(_unc_containers)" ;;
	remembered) _unc_offer "$(_unc_containers '' -a)" ;;
	words:*)
		word=${arguments[n]#words:}
		_unc_offer "${word//:/ }"
		;;
	program)
		if [[ $cur == */* ]]; then
			_unc_files
		else
			while IFS= read -r word; do
				COMPREPLY+=("$word")
			done < <(compgen -c -- "$cur")
		fi
		;;
	esac
}

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
