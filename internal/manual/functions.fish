#!/usr/bin/fish
# What fish's completion does with the functions that fish.go writes: __unc_takes and
# __unc_below, which stand before this, and __unc_places, which stands after it.

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
