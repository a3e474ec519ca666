# Made by internal/manual of unc, from its command line; changes belong there.

function __unc_takes --description 'The flags of a command that take a value'
	switch $argv[1]
		case ''
			printf '%s\n' 
		case 'run'
			printf '%s\n' --rootfs --hostname --name -l --label --log-opt --pidfile --json-status-fd -v --volume --mount --tmpfs --device -w --workdir -u --user --userns -e --env --env-file --network -p --publish --ip --dns --dns-search --add-host -m --memory --memory-swap --cpus --cpuset-cpus --pids-limit --ulimit --cap-add --cap-drop --security-opt
		case 'exec'
			printf '%s\n' -w --workdir -u --user -e --env --env-file
		case 'ps'
			printf '%s\n' --format
		case 'logs'
			printf '%s\n' -n --tail
		case 'attach'
			printf '%s\n' --detach-keys
		case 'stop'
			printf '%s\n' -t --time -s --signal
		case 'kill'
			printf '%s\n' -s --signal
		case 'wait'
			printf '%s\n' 
		case 'port'
			printf '%s\n' 
		case 'inspect'
			printf '%s\n' --format
		case 'rm'
			printf '%s\n' 
		case 'unshare'
			printf '%s\n' --userns
		case 'net'
			printf '%s\n' --format
		case 'net show'
			printf '%s\n' --format
		case 'net reload'
			printf '%s\n' 
		case 'doctor'
			printf '%s\n' --format
	end
end

function __unc_below --description 'The commands below a command'
	switch $argv[1]
		case ''
			printf '%s\n' run exec ps logs attach stop kill wait port inspect rm unshare net doctor
		case 'net'
			printf '%s\n' show reload
	end
end

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

function __unc_places --description 'How many arguments come before the command that is run'
	switch $argv[1]
		case 'run'
			echo 0
		case 'exec'
			echo 1
		case 'unshare'
			echo 0
		case '*'
			echo 1000000 # none is run
	end
end

complete -c unc -n '__unc_is \'\' 0' -a run -d 'Run a command in a new container'
complete -c unc -n '__unc_is \'\' 0' -a exec -d 'Run one more command in a container that runs'
complete -c unc -n '__unc_is \'\' 0' -a ps -d 'List your containers'
complete -c unc -n '__unc_is \'\' 0' -a logs -d 'Show what a detached container has written'
complete -c unc -n '__unc_is \'\' 0' -a attach -d 'Watch a detached container, and type into it'
complete -c unc -n '__unc_is \'\' 0' -a stop -d 'Ask containers to end, and after a while make them'
complete -c unc -n '__unc_is \'\' 0' -a kill -d 'Send containers\' commands a signal'
complete -c unc -n '__unc_is \'\' 0' -a wait -d 'Wait until containers have ended, and show their exit codes'
complete -c unc -n '__unc_is \'\' 0' -a port -d 'Show where a container\'s ports are published'
complete -c unc -n '__unc_is \'\' 0' -a inspect -d 'Show all that is known of containers'
complete -c unc -n '__unc_is \'\' 0' -a rm -d 'Forget detached containers that have failed'
complete -c unc -n '__unc_is \'\' 0' -a unshare -d 'Run a command, without a container, as root of the ids that yours have'
complete -c unc -n '__unc_is \'\' 0' -a net -d 'Show the containers\' network'
complete -c unc -n '__unc_is \'\' 0' -a doctor -d 'Look for what keeps unc from working here, and say which commands help'
complete -c unc -n '__unc_is \'\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'\'' -l version -d 'Show the version and exit'

complete -c unc -n '__unc_is \'run\'' -l rootfs -x -a '(__fish_complete_directories)' -d 'Directory that becomes the container\'s root'
complete -c unc -n '__unc_is \'run\'' -l hostname -x -d 'Host name inside the container'
complete -c unc -n '__unc_is \'run\'' -l no-init -d 'Make COMMAND process 1, without a small init that reaps the dead and passes signals on'
complete -c unc -n '__unc_is \'run\'' -l name -x -d 'What the container is called, for unc ps and the like'
complete -c unc -n '__unc_is \'run\'' -s d -l detach -d 'Leave the container running, and print its name once COMMAND has started'
complete -c unc -n '__unc_is \'run\'' -s i -l interactive -d 'With --detach, let COMMAND read what unc attach is given'
complete -c unc -n '__unc_is \'run\'' -s t -l tty -d 'Give COMMAND a terminal, with --detach too'
complete -c unc -n '__unc_is \'run\'' -s l -l label -x -d 'Note for unc ps and unc inspect'
complete -c unc -n '__unc_is \'run\'' -l log-opt -x -d 'How much of a detached container\'s output is kept, such as max-size=10m'
complete -c unc -n '__unc_is \'run\'' -l pidfile -r -F -d 'File to write the number of the container\'s first process to, removed at the end'
complete -c unc -n '__unc_is \'run\'' -l json-status-fd -x -d 'Descriptor to write {"child-pid":N} to when COMMAND has started, and {"exit-code":N} when it has ended'
complete -c unc -n '__unc_is \'run\'' -s v -l volume -r -F -d 'Show the host\'s file or directory SRC as DST inside'
complete -c unc -n '__unc_is \'run\'' -l mount -x -d 'The same in words'
complete -c unc -n '__unc_is \'run\'' -l tmpfs -x -d 'Make DST an empty directory in memory'
complete -c unc -n '__unc_is \'run\'' -l device -r -F -d 'Let the container use a device that you may open, or a directory of them'
complete -c unc -n '__unc_is \'run\'' -l read-only -d 'Make the container\'s root read-only, with a fresh /tmp, /var/tmp, /run and /dev/shm'
complete -c unc -n '__unc_is \'run\'' -s x -l ephemeral -d 'Throw away what the container changes in its root'
complete -c unc -n '__unc_is \'run\'' -s w -l workdir -x -a '(__fish_complete_directories)' -d 'Directory inside that COMMAND starts in, made when it is missing'
complete -c unc -n '__unc_is \'run\'' -s u -l user -x -d 'Who runs COMMAND'
complete -c unc -n '__unc_is \'run\'' -l userns -x -a 'auto single keep-id' -d 'auto'
complete -c unc -n '__unc_is \'run\'' -s e -l env -x -d 'Environment variable'
complete -c unc -n '__unc_is \'run\'' -l env-file -r -F -d 'File with lines as --env has them'
complete -c unc -n '__unc_is \'run\'' -l network -x -a 'bridge none host (__unc_containers container:)' -d 'bridge'
complete -c unc -n '__unc_is \'run\'' -s p -l publish -x -d 'Make a port, or a range of them, reachable at the host\'s'
complete -c unc -n '__unc_is \'run\'' -l ip -x -d 'IPv4 address to have, of the bridge\'s subnet'
complete -c unc -n '__unc_is \'run\'' -l dns -x -d 'Name server to ask instead of the host\'s'
complete -c unc -n '__unc_is \'run\'' -l dns-search -x -d 'Domain to look names up in, instead of the host\'s'
complete -c unc -n '__unc_is \'run\'' -l add-host -x -d 'Entry for the container\'s /etc/hosts'
complete -c unc -n '__unc_is \'run\'' -s m -l memory -x -d 'Memory at most, in bytes or with b, k, m or g behind the number'
complete -c unc -n '__unc_is \'run\'' -l memory-swap -x -d 'Memory and swap space together at most, or -1'
complete -c unc -n '__unc_is \'run\'' -l cpus -x -d 'Processors\' worth of time at most, 1.5 for one and a half'
complete -c unc -n '__unc_is \'run\'' -l cpuset-cpus -x -d 'Processors to run on, as in 0-2,7'
complete -c unc -n '__unc_is \'run\'' -l pids-limit -x -d 'Processes and threads at most'
complete -c unc -n '__unc_is \'run\'' -l ulimit -x -d 'Limit of each process, as in getrlimit(2)'
complete -c unc -n '__unc_is \'run\'' -l cap-add -x -a 'ALL CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE' -d 'Capability inside the container beside the usual ones, as in capabilities(7), or ALL'
complete -c unc -n '__unc_is \'run\'' -l cap-drop -x -a 'ALL CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE' -d 'Capability to do without, or ALL for all but those added'
complete -c unc -n '__unc_is \'run\'' -l security-opt -x -a 'seccomp=unconfined no-new-privileges' -d 'seccomp=FILE'
complete -c unc -n '__unc_is \'run\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'run\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'run\' 0 more' -a '(__unc_program)'
complete -c unc -n '__unc_is \'run\' program' -a '(__unc_program)'

complete -c unc -n '__unc_is \'exec\'' -s w -l workdir -x -a '(__fish_complete_directories)' -d 'Directory inside that COMMAND starts in'
complete -c unc -n '__unc_is \'exec\'' -s u -l user -x -d 'Who runs COMMAND'
complete -c unc -n '__unc_is \'exec\'' -s i -l interactive -d 'For scripts that give it'
complete -c unc -n '__unc_is \'exec\'' -s t -l tty -d 'Insist on a terminal, which COMMAND has anyway when you have one'
complete -c unc -n '__unc_is \'exec\'' -s d -l detach -d 'Leave the command running, and don\'t wait for it'
complete -c unc -n '__unc_is \'exec\'' -s e -l env -x -d 'Environment variable'
complete -c unc -n '__unc_is \'exec\'' -l env-file -r -F -d 'File with lines as --env has them'
complete -c unc -n '__unc_is \'exec\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'exec\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'exec\' 0' -a '(__unc_containers)'
complete -c unc -n '__unc_is \'exec\' 1 more' -a '(__unc_program)'
complete -c unc -n '__unc_is \'exec\' program' -a '(__unc_program)'

complete -c unc -n '__unc_is \'ps\'' -s a -l all -d 'Show those that have failed as well'
complete -c unc -n '__unc_is \'ps\'' -s q -l quiet -d 'Show only the names'
complete -c unc -n '__unc_is \'ps\'' -l format -x -d 'json, or a Go template, such as \'{{.Name}} {{.Address}}\''
complete -c unc -n '__unc_is \'ps\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'ps\'' -l version -d 'Show the version and exit'

complete -c unc -n '__unc_is \'logs\'' -s f -l follow -d 'Go on until the container ends'
complete -c unc -n '__unc_is \'logs\'' -s n -l tail -x -d 'Begin with the last N lines'
complete -c unc -n '__unc_is \'logs\'' -s t -l timestamps -d 'Show when each line was written'
complete -c unc -n '__unc_is \'logs\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'logs\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'logs\' 0' -a '(__unc_containers "" -a)'

complete -c unc -n '__unc_is \'attach\'' -l no-stdin -d 'Pass nothing on that is typed'
complete -c unc -n '__unc_is \'attach\'' -l detach-keys -x -d 'What to type to leave a container that has a terminal running'
complete -c unc -n '__unc_is \'attach\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'attach\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'attach\' 0' -a '(__unc_containers)'

complete -c unc -n '__unc_is \'stop\'' -s t -l time -x -d 'How long the command may take before it is killed'
complete -c unc -n '__unc_is \'stop\'' -s s -l signal -x -a 'TERM KILL INT HUP QUIT USR1 USR2 STOP CONT WINCH' -d 'Signal that asks the command to end'
complete -c unc -n '__unc_is \'stop\'' -s a -l all -d 'All of your containers that run'
complete -c unc -n '__unc_is \'stop\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'stop\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'stop\' 0 more' -a '(__unc_containers)'

complete -c unc -n '__unc_is \'kill\'' -s s -l signal -x -a 'TERM KILL INT HUP QUIT USR1 USR2 STOP CONT WINCH' -d 'Signal to send'
complete -c unc -n '__unc_is \'kill\'' -s a -l all -d 'All of your containers that run'
complete -c unc -n '__unc_is \'kill\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'kill\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'kill\' 0 more' -a '(__unc_containers)'

complete -c unc -n '__unc_is \'wait\'' -s a -l all -d 'All of your containers that run'
complete -c unc -n '__unc_is \'wait\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'wait\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'wait\' 0 more' -a '(__unc_containers)'

complete -c unc -n '__unc_is \'port\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'port\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'port\' 0' -a '(__unc_containers)'

complete -c unc -n '__unc_is \'inspect\'' -l format -x -d 'A Go template, such as \'{{.Network.Address}}\', in place of JSON'
complete -c unc -n '__unc_is \'inspect\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'inspect\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'inspect\' 0 more' -a '(__unc_containers "" -a)'

complete -c unc -n '__unc_is \'rm\'' -s f -l force -d 'End those that run first'
complete -c unc -n '__unc_is \'rm\'' -s a -l all -d 'All that have failed'
complete -c unc -n '__unc_is \'rm\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'rm\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'rm\' 0 more' -a '(__unc_containers "" -a)'

complete -c unc -n '__unc_is \'unshare\'' -l userns -x -a 'auto single' -d 'auto'
complete -c unc -n '__unc_is \'unshare\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'unshare\'' -l version -d 'Show the version and exit'
complete -c unc -n '__unc_is \'unshare\' 0 more' -a '(__unc_program)'
complete -c unc -n '__unc_is \'unshare\' program' -a '(__unc_program)'

complete -c unc -n '__unc_is \'net\' 0' -a show -d 'Show bridge, filter, addresses, names and published ports'
complete -c unc -n '__unc_is \'net\' 0' -a reload -d 'Put back what is missing after somebody has flushed the host\'s rules, or reloaded a firewall'
complete -c unc -n '__unc_is \'net\'' -l format -x -a 'table json' -d 'table or json'
complete -c unc -n '__unc_is \'net\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'net\'' -l version -d 'Show the version and exit'

complete -c unc -n '__unc_is \'net show\'' -l format -x -a 'table json' -d 'table or json'
complete -c unc -n '__unc_is \'net show\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'net show\'' -l version -d 'Show the version and exit'

complete -c unc -n '__unc_is \'net reload\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'net reload\'' -l version -d 'Show the version and exit'

complete -c unc -n '__unc_is \'doctor\'' -l format -x -a 'text json' -d 'text or json'
complete -c unc -n '__unc_is \'doctor\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'doctor\'' -l version -d 'Show the version and exit'
