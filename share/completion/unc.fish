# Made by internal/manual of unc, from its command line; changes belong there.

function __unc_takes --description 'The flags of a command that take a value'
	switch $argv[1]
		case ''
			printf '%s\n' 
		case 'run'
			printf '%s\n' --rootfs --hostname -v --volume --mount --tmpfs --device -w --workdir -u --user --userns -e --env --env-file --network --name -p --publish --ip --dns --dns-search --add-host -m --memory --memory-swap --cpus --cpuset-cpus --pids-limit --ulimit --cap-add --cap-drop --security-opt
		case 'unshare'
			printf '%s\n' --userns
		case 'net'
			printf '%s\n' --format
		case 'net show'
			printf '%s\n' --format
		case 'net reload'
			printf '%s\n' 
	end
end

function __unc_below --description 'The commands below a command'
	switch $argv[1]
		case ''
			printf '%s\n' run unshare net
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
	set -l names ($unc ps --format '{{.Name}}' 2>/dev/null)
	for name in $names
		printf '%s%s\tcontainer\n' $argv[1] $name
	end
end

complete -c unc -f

function __unc_places --description 'How many arguments come before the command that is run'
	switch $argv[1]
		case 'run'
			echo 0
		case 'unshare'
			echo 0
		case '*'
			echo 1000000 # none is run
	end
end

complete -c unc -n '__unc_is \'\' 0' -a run -d 'Run a command in a new container'
complete -c unc -n '__unc_is \'\' 0' -a unshare -d 'Run a command, without a container, as root of the ids that yours have'
complete -c unc -n '__unc_is \'\' 0' -a net -d 'Show the containers\' network'
complete -c unc -n '__unc_is \'\'' -s h -l help -d 'Show this page'
complete -c unc -n '__unc_is \'\'' -l version -d 'Show the version and exit'

complete -c unc -n '__unc_is \'run\'' -l rootfs -x -a '(__fish_complete_directories)' -d 'Directory that becomes the container\'s root'
complete -c unc -n '__unc_is \'run\'' -l hostname -x -d 'Host name inside the container'
complete -c unc -n '__unc_is \'run\'' -l no-init -d 'Make COMMAND process 1, without a small init that reaps the dead and passes signals on'
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
complete -c unc -n '__unc_is \'run\'' -l name -x -d 'Name that other containers of yours resolve to this one'
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
