#!/bin/bash
# What bash's completion does with the tables that bash.go writes: _unc_command and
# _unc_value, which stand before this and after it.
# shellcheck disable=SC2119,SC2120 # who calls _unc_files with -d is _unc_value

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
