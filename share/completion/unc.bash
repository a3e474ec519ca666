# Made by internal/manual of unc, from its command line; changes belong there.
#
# It needs nothing but bash itself: bash-completion loads it when unc is completed for
# the first time, and "source unc.bash" does without.

# _unc_command sets, for a command of unc's, its flags, those that take a value, the
# commands below it, and what its arguments are.
_unc_command() {
	case $1 in
	'')
		flags='-h --help --version'
		takes=''
		below='run exec ps logs attach stop kill wait port inspect rm unshare net doctor'
		arguments=()
		;;
	'run')
		flags='--rootfs --hostname --no-init --name -d --detach -i --interactive -t --tty -l --label --log-opt --pidfile --json-status-fd -v --volume --mount --tmpfs --device --read-only -x --ephemeral -w --workdir -u --user --userns -e --env --env-file --network -p --publish --ip --dns --dns-search --add-host -m --memory --memory-swap --cpus --cpuset-cpus --pids-limit --ulimit --cap-add --cap-drop --security-opt -h --help --version'
		takes='--rootfs --hostname --name -l --label --log-opt --pidfile --json-status-fd -v --volume --mount --tmpfs --device -w --workdir -u --user --userns -e --env --env-file --network -p --publish --ip --dns --dns-search --add-host -m --memory --memory-swap --cpus --cpuset-cpus --pids-limit --ulimit --cap-add --cap-drop --security-opt'
		below=''
		arguments=(program)
		;;
	'exec')
		flags='-w --workdir -u --user -i --interactive -t --tty -d --detach -e --env --env-file -h --help --version'
		takes='-w --workdir -u --user -e --env --env-file'
		below=''
		arguments=(containers program)
		;;
	'ps')
		flags='-a --all -q --quiet --format -h --help --version'
		takes='--format'
		below=''
		arguments=()
		;;
	'logs')
		flags='-f --follow -n --tail -t --timestamps -h --help --version'
		takes='-n --tail'
		below=''
		arguments=(remembered)
		;;
	'attach')
		flags='--no-stdin --detach-keys -h --help --version'
		takes='--detach-keys'
		below=''
		arguments=(containers)
		;;
	'stop')
		flags='-t --time -s --signal -a --all -h --help --version'
		takes='-t --time -s --signal'
		below=''
		arguments=(containers again)
		;;
	'kill')
		flags='-s --signal -a --all -h --help --version'
		takes='-s --signal'
		below=''
		arguments=(containers again)
		;;
	'wait')
		flags='-a --all -h --help --version'
		takes=''
		below=''
		arguments=(containers again)
		;;
	'port')
		flags='-h --help --version'
		takes=''
		below=''
		arguments=(containers nothing)
		;;
	'inspect')
		flags='--format -h --help --version'
		takes='--format'
		below=''
		arguments=(remembered again)
		;;
	'rm')
		flags='-f --force -a --all -h --help --version'
		takes=''
		below=''
		arguments=(remembered again)
		;;
	'unshare')
		flags='--userns -h --help --version'
		takes='--userns'
		below=''
		arguments=(program)
		;;
	'net')
		flags='--format -h --help --version'
		takes='--format'
		below='show reload'
		arguments=()
		;;
	'net show')
		flags='--format -h --help --version'
		takes='--format'
		below=''
		arguments=()
		;;
	'net reload')
		flags='-h --help --version'
		takes=''
		below=''
		arguments=()
		;;
	'doctor')
		flags='--format -h --help --version'
		takes='--format'
		below=''
		arguments=()
		;;
	esac
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
	'run --rootfs') _unc_files -d ;;
	'run --pidfile') _unc_files ;;
	'run -v' | 'run --volume') _unc_files ;;
	'run --device') _unc_files ;;
	'run -w' | 'run --workdir') _unc_files -d ;;
	'run --userns') _unc_offer 'auto single keep-id' ;;
	'run --env-file') _unc_files ;;
	'run --network') _unc_offer "bridge none host $(_unc_containers container:)" ;;
	'run --cap-add') _unc_offer 'ALL CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE' ;;
	'run --cap-drop') _unc_offer 'ALL CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE' ;;
	'run --security-opt') _unc_offer 'seccomp=unconfined no-new-privileges' ;;
	'exec -w' | 'exec --workdir') _unc_files -d ;;
	'exec --env-file') _unc_files ;;
	'stop -s' | 'stop --signal') _unc_offer 'TERM KILL INT HUP QUIT USR1 USR2 STOP CONT WINCH' ;;
	'kill -s' | 'kill --signal') _unc_offer 'TERM KILL INT HUP QUIT USR1 USR2 STOP CONT WINCH' ;;
	'unshare --userns') _unc_offer 'auto single' ;;
	'net --format') _unc_offer 'table json' ;;
	'net show --format') _unc_offer 'table json' ;;
	'doctor --format') _unc_offer 'text json' ;;
	esac
}

complete -F _unc unc
