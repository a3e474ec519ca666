#!/bin/sh
# install_test.sh tests install.sh. Run it as root: sh test/install_test.sh [CASE...]
#
# Every case runs in a network and a mount namespace of its own, with a copy of /etc, an empty
# /usr/local and an empty /var/log. So no case sees what another did, and none reaches the machine's
# own network, accounts and programs; the last line before the count is the comparison that says so.
#
#   UNC_BIN=FILE       also install this unc and let it run its container
#   UNC_SH="busybox sh"  the shell that runs install.sh, /bin/sh unless set
#   UNC_MUST_WORK=1    what can't run here is a failure, not a skip
set -eu

cases="
	help
	misuse
	fresh_install
	again_is_harmless
	broken_is_repaired
	setgid_directory
	default_prefix
	replaced_by_rename
	running_program_is_replaced
	interrupted_leaves_nothing
	directory_in_the_way
	nosuid_refused
	nosuid_hidden_mounts
	no_extended_attributes_refused
	go_missing
	go_too_old
	go_beside_an_old_one
	go_builds
	go_build_fails
	user_through_sudo
	user_through_doas
	user_already_installed
	user_without_sudo
	user_uninstalls_through_sudo
	destdir_as_user
	destdir_as_root
	destdir_without_attributes
	proof_as_root
	proof_as_the_sudo_user
	proof_fails
	no_proof
	share_is_installed
	share_of_a_release
	share_of_others
	share_destdir
	policy_is_installed
	policy_is_kept
	policy_without_the_sample
	policy_of_the_release
	policy_through_sudo
	policy_destdir
	policy_names_the_bridge
	drop_ins_are_installed
	drop_ins_without_daemons
	drop_ins_follow_the_bridge
	drop_ins_of_others
	drop_ins_through_sudo
	drop_ins_destdir
	daemons_that_do_not_run
	daemons_that_refuse
	profile_where_apparmor_restricts
	profile_where_it_does_not
	profile_follows_the_program
	profile_of_others
	profile_without_a_parser
	profile_that_is_refused
	profile_through_sudo
	profile_destdir
	read_only_etc
	setcap_is_installed
	setcap_cannot_be_installed
	account_of_a_person
	busybox_accounts
	uninstall_removes_everything
	uninstall_removes_the_group
	uninstall_again_is_harmless
	uninstall_leaves_a_foreign_bridge
	uninstall_refuses_while_running
	uninstall_without_ip
	uninstall_leaves_a_person
	uninstall_keeps_an_edited_policy
	uninstall_of_another_bridge
	uninstall_asks_the_program
	uninstall_when_the_program_fails
	uninstall_runs_no_other_program
	real_install_as_root
	real_install_as_user
	readme_shows_it
"

# --- what the cases are written in ---

# Not 1, so that a skip can't be taken for a failed command.
skipped=77

fail() {
	printf '%s\n' "$*"
	exit 1
}

skip() {
	printf '%s\n' "$*"
	exit "$skipped"
}

# try COMMAND... keeps the status in rc and both outputs in $T/out.
try() {
	rc=0
	"$@" >"$T/out" 2>&1 </dev/null || rc=$?
	cat "$T/out"
}

# env -i, so that no variable of whoever runs the tests decides.
root() { try env -i HOME=/root PATH="$path" TMPDIR="$T/tmp" "$@"; }

alice() {
	try setpriv --reuid "$alice" --regid "$alice" --clear-groups \
		env -i HOME="$T/home" PATH="$path" TMPDIR="$T/tmp" "$@"
}

want_rc() { [ "$rc" -eq "$1" ] || fail "got exit status $rc, want $1"; }

want_out() { grep -qF -- "$1" "$T/out" || fail "got no output with \"$1\""; }

want_no_out() { ! grep -qF -- "$1" "$T/out" || fail "got output with \"$1\""; }

want_same() { [ "$1" = "$2" ] || fail "got \"$1\", want \"$2\""; }

want_gone() {
	for name in "$@"; do
		if [ -e "$name" ] || [ -L "$name" ]; then
			fail "$name is there"
		fi
	done
}

# want_file FILE: root's, for everyone to read, and nothing else made on the way.
want_file() {
	want_same "$(stat -c '%F %u:%g %a' "$1")" "regular file 0:0 644"
	want_same "$(find "$(dirname "$1")" -name '.*')" ""
}

want_empty() { want_same "$(find "$1" -mindepth 1)" ""; }

# want_installed FILE AS: all that makes an installation, from the outside.
want_installed() {
	want_same "$(stat -c '%F %u:%g %a' "$1")" "regular file 0:0 755"
	want_same "$(getcap "$1" | sed 's/ = / /; s/+ep$/=ep/')" "$1 cap_net_admin=ep"
	cmp "$1" "$2"
}

want_account() {
	line=$(grep '^unc:' /etc/passwd) || fail "there is no user unc"
	uid=$(printf '%s' "$line" | cut -d : -f 3)
	if [ "$uid" -eq 0 ] || [ "$uid" -ge 1000 ]; then
		fail "uid $uid is not a system user's"
	fi
	case $line in
	*:/nonexistent:*/nologin) ;;
	*) fail "got \"$line\", want no home and no shell" ;;
	esac
	want_same "$(id -gn unc)" unc
	[ "$(id -g unc)" -lt 1000 ] || fail "gid $(id -g unc) is not a system group's"
	want_gone /nonexistent
}

want_no_account() {
	! grep '^unc:' /etc/passwd /etc/group /etc/shadow /etc/gshadow || fail "there is an account unc"
}

# hide NAME... takes programs out of every PATH. A device is not a program to any shell, a file without
# the x bit is one to some.
hide() {
	for name in "$@"; do
		while file=$(PATH=$path:/usr/sbin:/sbin command -v "$name"); do
			mount --bind /dev/null "$(readlink -f "$file")"
		done
	done
}

# need_path NAME skips where the shell is busybox and runs a NAME of its own, whatever is in PATH.
need_path() {
	root "$shell" -c "PATH=/nowhere; command -v $1"
	[ "$rc" -ne 0 ] || skip "the shell has a $1 of its own, which a test can't replace"
}

# few_programs leaves those in PATH that install.sh counts on everywhere.
few_programs() {
	mkdir "$T/few"
	for name in sh awk sed cut cat cp chmod chown mv rm rmdir mkdir mktemp dirname basename id stat cmp \
		grep env getent true su umount; do
		ln -s "$(command -v "$name")" "$T/few/$name"
	done
	path=$T/stub:$T/few
}

# stub NAME makes a program of the script on stdin, which comes first in PATH.
stub() {
	{
		printf '#!/bin/sh\nT=%s\n' "$T"
		cat
	} >"$T/stub/$1"
	chmod 755 "$T/stub/$1"
}

# stub_go VERSION [DIR] makes a Go that builds the program $T/built, and keeps who called it and how.
stub_go() {
	cat >"$T/go" <<'GO'
#!/bin/sh
if [ "$1" = version ]; then
	echo "toolchain ${GOTOOLCHAIN:-}" >>"$T/go.log"
	echo "go version goVERSION linux/amd64"
	exit
fi
echo "$(id -u) cgo=${CGO_ENABLED:-} in=$PWD $*" >>"$T/go.log"
[ ! -e "$T/go.fails" ] || exit 1
while [ "$1" != -o ]; do shift; done
cp "$T/built" "$2"
GO
	mkdir -p "${2:-$T/stub}"
	sed "s/VERSION/$1/; 1a T=$T" "$T/go" >"${2:-$T/stub}/go"
	rm "$T/go"
	chmod 755 "${2:-$T/stub}/go"
	: >"$T/go.log"
	chmod 666 "$T/go.log"
	cp "$T/unc" "$T/built"
	echo "# built" >>"$T/built"
}

# stub_sudo NAME makes a sudo of a setuid setpriv. It can be found only in this mount namespace.
stub_sudo() {
	mkdir -p "$T/suid"
	cp "$(readlink -f "$(command -v setpriv)")" "$T/suid/setpriv"
	chmod 4755 "$T/suid/setpriv"
	: >"$T/sudo.log"
	chmod 666 "$T/sudo.log"
	stub "$1" <<'SUDO'
echo "$*" >>"$T/sudo.log"
exec "$T/suid/setpriv" --reuid 0 --regid 0 --clear-groups \
	env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin SUDO_USER=alice SUDO_UID="$(id -u)" "$@"
SUDO
}

# stub_daemons makes the directories of all daemons, which run, and keeps what they are asked.
stub_daemons() {
	mkdir -p /etc/NetworkManager/conf.d /etc/systemd/network /run/udev
	: >/run/udev/control
	: >"$T/daemons"
	chmod 666 "$T/daemons"
	stub nmcli <<-'STUB'
		echo "nmcli $*" >>"$T/daemons"
		[ "$*" != "-t -f RUNNING general" ] || echo running
	STUB
	for name in systemctl networkctl udevadm; do
		stub $name <<-STUB
			echo "$name \$*" >>"\$T/daemons"
		STUB
	done
}

# stub_apparmor VALUE makes a kernel whose AppArmor restricts user namespaces, or with 0 does not, and
# a parser that keeps what it is asked.
stub_apparmor() {
	mount -t tmpfs -o mode=755 tmpfs /proc/sys/kernel
	echo "$1" >/proc/sys/kernel/apparmor_restrict_unprivileged_userns
	: >"$T/parsed"
	chmod 666 "$T/parsed"
	stub apparmor_parser <<-'STUB'
		echo "$*" >>"$T/parsed"
		[ ! -e "$T/parser.fails" ] || { echo "it is wrong" >&2; exit 1; }
		[ -r "$2" ]
	STUB
}

profile=/etc/apparmor.d/unc

# all_daemons is what they are asked when all files have changed.
all_daemons="nmcli -t -f RUNNING general
nmcli general reload conf
systemctl is-active --quiet systemd-networkd.service
networkctl reload
udevadm control --reload"

networkmanager=/etc/NetworkManager/conf.d/90-unc.conf
link=/etc/systemd/network/05-unc.link
network=/etc/systemd/network/05-unc.network

# text FILE is what is in it besides the line that says whose it is.
text() { sed 1d "$1"; }

calls() { wc -l <"$1" | tr -d ' '; }

# --- cases ---

help() {
	alice "$script" --help
	want_rc 0
	want_out "usage: "
	want_out "--uninstall"
	root "$script" -h
	want_rc 0
	want_no_account
}

misuse() {
	for arguments in --frobnicate run --force --binary --binary= "--uninstall --no-proof" \
		"--uninstall --binary $T/unc"; do
		# shellcheck disable=SC2086 # they are several
		root PREFIX="$T/p" "$script" $arguments
		want_rc 2
		want_out "install.sh: "
		want_out "hint: "
	done
	root PREFIX=relative "$script" --binary "$T/unc"
	want_rc 2
	root PREFIX="$T/p" "$script" --binary "$T/nowhere"
	want_rc 1
	want_out "$T/nowhere"
	want_gone "$T/p"
	want_no_account
}

fresh_install() {
	umask 077
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_installed "$T/p/bin/unc" "$T/unc"
	want_same "$(stat -c %a "$T/p" "$T/p/bin" | sort -u)" 755
	want_same "$(ls -A "$T/p/bin")" unc
	want_account
	want_out "created system group unc"
	want_out "created system user unc"
	want_out "installed $T/p/bin/unc, root:root 0755, cap_net_admin=ep"
	want_out 'proof: "unc run true" works'
	want_no_out already
	want_gone /usr/local/bin/unc
}

again_is_harmless() {
	root UNC_BINARY="$T/unc" PREFIX="$T/p" "$script"
	want_rc 0
	before=$(stat -c '%i %y %z' "$T/p/bin/unc") accounts=$(cat /etc/passwd /etc/group)
	root UNC_BINARY="$T/unc" PREFIX="$T/p" "$script"
	want_rc 0
	want_out "already there: user unc"
	want_out "already installed: $T/p/bin/unc"
	want_out 'proof: "unc run true" works'
	want_same "$(stat -c '%i %y %z' "$T/p/bin/unc")" "$before"
	want_same "$(cat /etc/passwd /etc/group)" "$accounts"
}

broken_is_repaired() {
	for harm in "chmod 4755" "chmod 700" "chown $alice" "setcap -r" "setcap cap_net_admin+eip" \
		"setcap cap_net_admin,cap_sys_admin+ep" "truncate -s 1" "rm"; do
		root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
		want_rc 0
		# shellcheck disable=SC2086 # a command and its arguments
		$harm "$T/p/bin/unc"
		root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
		want_rc 0
		want_out "installed $T/p/bin/unc"
		want_no_out "already installed"
		want_installed "$T/p/bin/unc" "$T/unc"
	done
	mv "$T/p/bin/unc" "$T/p/bin/other"
	ln -s other "$T/p/bin/unc"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_installed "$T/p/bin/unc" "$T/unc"
}

# Debian's /usr/local/bin has been one: what is made in it gets its group.
setgid_directory() {
	mkdir -p "$T/p/bin"
	chgrp "$alice" "$T/p/bin"
	chmod 2775 "$T/p/bin"
	cp "$T/unc" "$T/-odd"
	cd "$T"
	root PREFIX="$T/p" "$script" --no-proof --binary -odd
	want_rc 0
	want_installed "$T/p/bin/unc" "$T/unc"
}

default_prefix() {
	root "$script" --binary "$T/unc"
	want_rc 0
	want_installed /usr/local/bin/unc "$T/unc"
	root "$script" --uninstall
	want_rc 0
	want_gone /usr/local/bin/unc
}

# What stands at the name is watched from inside the two steps before it changes.
replaced_by_rename() {
	need_path mv
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	cp "$T/unc" "$T/old"
	ln "$T/p/bin/unc" "$T/p/kept"
	echo "# new" >>"$T/unc"
	stub setcap <<-'STUB'
		cmp "$T/old" "$T/p/bin/unc" && echo setcap >>"$T/log"
		PATH=/usr/sbin:/sbin:/usr/bin:/bin setcap "$@"
	STUB
	stub mv <<-'STUB'
		for from; do
			[ "$from" = "$T/p/bin/unc" ] || last=$from
		done
		[ "$(dirname "$last")" = "$T/p/bin" ] && cmp "$T/old" "$T/p/bin/unc" && cmp "$last" "$T/unc" &&
			[ "$(stat -c '%u:%g %a' "$last")" = "0:0 755" ] &&
			PATH=/usr/sbin:/sbin:/usr/bin:/bin getcap "$last" | grep -q cap_net_admin && echo mv >>"$T/log"
		exec /bin/mv "$@"
	STUB
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_installed "$T/p/bin/unc" "$T/unc"
	want_same "$(cat "$T/log")" "setcap
mv"
	cmp "$T/p/kept" "$T/old" || fail "the old file was written to"
}

running_program_is_replaced() {
	# Not cat: where that is many programs in one, it goes by its name.
	cp "$(readlink -f "$(command -v ip)")" "$T/program"
	mkfifo "$T/fifo"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/program"
	want_rc 0
	"$T/p/bin/unc" -batch "$T/fifo" >"$T/said" &
	exec 8>"$T/fifo"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_installed "$T/p/bin/unc" "$T/unc"
	echo link show dev lo >&8
	exec 8>&-
	wait $!
	grep -q LOOPBACK "$T/said" || fail "the running program did not go on"
}

interrupted_leaves_nothing() {
	need_path mv
	for signal in INT TERM HUP; do
		stub mv <<-STUB
			kill -$signal \$PPID
			exit 1
		STUB
		root PREFIX="$T/p/q" "$script" --no-proof --binary "$T/unc"
		[ "$rc" -gt 128 ] || fail "got exit status $rc, want that of a signal"
		want_gone "$T/p"
	done
	stub mv <<-'STUB'
		case $* in *network.conf) kill -TERM $PPID; exit 1 ;; esac
		exec /bin/mv "$@"
	STUB
	root PREFIX="$T/p/q" "$script" --no-proof --binary "$T/unc"
	[ "$rc" -gt 128 ] || fail "got exit status $rc, want that of a signal"
	want_gone /etc/unc
	rm "$T/stub/mv"
	root PREFIX="$T/p/q" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_file /etc/unc/network.conf
}

directory_in_the_way() {
	mkdir -p "$T/p/bin/unc"
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 1
	want_out "$T/p/bin/unc"
	want_empty "$T/p/bin/unc"
	want_no_account
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	[ -d "$T/p/bin/unc" ] || fail "the directory was removed"
}

nosuid_refused() {
	stub_go 1.99
	mkdir "$T/a place"
	mount -t tmpfs -o nosuid tmpfs "$T/a place"
	for who in root alice; do
		$who PREFIX="$T/a place/p" "$script"
		want_rc 1
		want_out "install.sh: installing $T/a place/p/bin/unc: "
		want_out "the file system at $T/a place is mounted nosuid"
		want_out "hint: PREFIX="
	done
	want_same "$(calls "$T/go.log")" 0
	want_empty "$T/a place"
	want_no_account
	# The way out that it offers is one.
	hint=$(sed -n 's/^hint: //p' "$T/out")
	root sh -c "$hint --no-proof --binary '$T/unc'"
	want_rc 0
	want_out "installed "
}

# The mount that counts is the one on top, not the one with the longest name.
nosuid_hidden_mounts() {
	mkdir "$T/m"
	mount -t tmpfs -o nosuid tmpfs "$T/m"
	mkdir "$T/m/in"
	mount -t tmpfs tmpfs "$T/m/in"
	root PREFIX="$T/m/in" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	mount -t tmpfs -o nosuid tmpfs "$T/m"
	mkdir "$T/m/in"
	root PREFIX="$T/m/in" "$script" --no-proof --binary "$T/unc"
	want_rc 1
	want_out nosuid
	want_empty "$T/m/in"
	ln -s "$T/m/in" "$T/link"
	root PREFIX="$T/link" "$script" --no-proof --binary "$T/unc"
	want_rc 1
	want_out nosuid
}

no_extended_attributes_refused() {
	mkdir "$T/r"
	mount -t ramfs ramfs "$T/r"
	mkdir "$T/r/was here"
	root PREFIX="$T/r/was here/p" "$script" --binary "$T/unc"
	want_rc 1
	want_out "install.sh: setting the capability of $T/r/was here/p/bin/unc: the file system there (ramfs)"
	want_out "hint: PREFIX="
	want_same "$(find "$T/r")" "$T/r
$T/r/was here"
	want_no_account
	want_same "$(calls "$T/ran")" 0
}

go_missing() {
	few_programs
	root PREFIX="$T/p" "$script"
	want_rc 1
	want_out "install.sh: building unc: "
	want_out "$(awk '$1 == "go" { print $2 }' "$T/src/go.mod")"
	want_out "hint: https://go.dev/dl/"
	want_gone "$T/p"
	want_no_account
}

go_too_old() {
	few_programs
	for version in 1.10 1.9.7 1.25.99 0.30; do
		stub_go "$version"
		root PREFIX="$T/p" "$script"
		want_rc 1
		want_out "$T/stub/go is $version"
		want_out "hint: https://go.dev/dl/"
		want_same "$(cat "$T/go.log")" "toolchain local"
	done
	want_gone "$T/p"
	want_no_account
}

go_beside_an_old_one() {
	few_programs
	stub_go 1.10
	stub_go 1.100rc1 /usr/local/go/bin
	root PREFIX="$T/p" "$script"
	want_rc 0
	want_out "Go 1.100, /usr/local/go/bin/go"
	want_installed "$T/p/bin/unc" "$T/built"
}

go_builds() {
	stub_go 1.26.0
	cd /
	root PREFIX="$T/p" "$script"
	want_rc 0
	want_installed "$T/p/bin/unc" "$T/built"
	grep -q "^0 cgo=0 in=$T/src build -tags purego -trimpath -buildvcs=false -o .* \.\$" "$T/go.log" || fail "got $(cat "$T/go.log")"
}

go_build_fails() {
	stub_go 1.26.0
	: >"$T/go.fails"
	root PREFIX="$T/p" "$script"
	want_rc 1
	want_out "install.sh: building unc"
	want_gone "$T/p"
	want_no_account
}

user_through_sudo() {
	stub_go 1.27
	stub_sudo sudo
	mkdir "$T/home/private"
	chmod 700 "$T/home/private"
	chown "$alice" "$T/home/private"
	cd "$T/home/private"
	alice PREFIX="$T/p q" "$script"
	want_rc 0
	want_out "as root, through sudo:"
	want_installed "$T/p q/bin/unc" "$T/built"
	want_account
	want_same "$(grep -c "^$alice cgo=0" "$T/go.log")" 1
	want_same "$(calls "$T/sudo.log")" 1
	want_same "$(cat "$T/ran")" "$alice in / run true"
	want_out 'proof: "unc run true" works, as alice'
}

user_through_doas() {
	few_programs
	stub_go 1.27
	stub_sudo doas
	alice PREFIX="$T/p" "$script"
	want_rc 0
	want_out "as root, through doas:"
	want_installed "$T/p/bin/unc" "$T/built"
	want_same "$(calls "$T/sudo.log")" 1
}

user_already_installed() {
	stub_sudo sudo
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	alice PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_out "already installed: $T/p/bin/unc"
	want_out 'proof: "unc run true" works, as alice'
	want_same "$(calls "$T/sudo.log")" 0
	# A missing user is no reason to be content.
	userdel unc
	alice PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_same "$(calls "$T/sudo.log")" 1
	want_account
}

user_without_sudo() {
	few_programs
	stub_go 1.27
	alice PREFIX="$T/p" "$script"
	want_rc 1
	want_out "neither sudo nor doas"
	want_out "hint: as root: PREFIX=$T/p "
	want_same "$(calls "$T/go.log")" 0
	alice PREFIX="$T/p" "$script" --uninstall
	want_rc 1
	want_out "neither sudo nor doas"
	want_gone "$T/p"
}

user_uninstalls_through_sudo() {
	stub_sudo sudo
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	ip link add uv0a642a07 type veth peer name other
	alice PREFIX="$T/p" "$script" --uninstall
	want_rc 1
	want_same "$(calls "$T/sudo.log")" 0
	want_installed "$T/p/bin/unc" "$T/unc"
	alice PREFIX="$T/p" "$script" --uninstall --force
	want_rc 0
	want_same "$(calls "$T/sudo.log")" 1
	want_gone "$T/p/bin/unc"
	want_no_account
}

destdir_as_user() {
	stub_sudo sudo
	alice DESTDIR="$T/home/pkg" PREFIX=/usr "$script" --binary "$T/unc"
	want_rc 0
	want_same "$(stat -c '%u %a' "$T/home/pkg/usr/bin/unc")" "$alice 755"
	cmp "$T/unc" "$T/home/pkg/usr/bin/unc"
	want_out "installed $T/home/pkg/usr/bin/unc, mode 0755, without the capability"
	want_out "left to the package: setcap cap_net_admin+ep /usr/bin/unc"
	want_out "left to the package: owner root:root"
	want_same "$(calls "$T/sudo.log")" 0
	want_same "$(calls "$T/ran")" 0
	want_no_account
	alice DESTDIR="$T/home/pkg" PREFIX=/usr "$script" --uninstall
	want_rc 0
	want_same "$(calls "$T/sudo.log")" 0
	want_gone "$T/home/pkg/usr/bin/unc"
}

destdir_as_root() {
	ip link add unc0 address 02:75:0a:64:2a:01 type bridge
	root DESTDIR="$T/pkg" "$script" --binary "$T/unc"
	want_rc 0
	want_installed "$T/pkg/usr/local/bin/unc" "$T/unc"
	want_out "installed $T/pkg/usr/local/bin/unc, mode 0755, cap_net_admin=ep"
	want_same "$(calls "$T/ran")" 0
	want_no_account
	want_gone /usr/local/bin/unc
	root DESTDIR="$T/pkg" "$script" --uninstall
	want_rc 0
	want_gone "$T/pkg/usr/local/bin/unc"
	[ -d /sys/class/net/unc0 ] || fail "a package's uninstallation removed the machine's bridge"
}

destdir_without_attributes() {
	mkdir "$T/r"
	mount -t ramfs -o nosuid ramfs "$T/r"
	root DESTDIR="$T/r" "$script" --binary "$T/unc"
	want_rc 0
	cmp "$T/unc" "$T/r/usr/local/bin/unc"
	want_out "without the capability"
	hide setcap getcap
	root DESTDIR="$T/r" "$script" --binary "$T/unc"
	want_rc 0
	want_out "without the capability"
}

proof_as_root() {
	root SUDO_USER=root SUDO_UID=0 PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_same "$(cat "$T/ran")" "0 in / run true"
	want_out "as root, which becomes user unc"
}

proof_as_the_sudo_user() {
	root SUDO_USER=alice SUDO_UID="$alice" PREFIX="$T/it's" "$script" --binary "$T/unc"
	want_rc 0
	want_same "$(cat "$T/ran")" "$alice in / run true"
	want_out 'proof: "unc run true" works, as alice'
}

proof_fails() {
	stub_sudo sudo
	echo 'echo "unc: making bridge: why" >&2; echo "hint: do this" >&2; exit 125' >>"$T/unc"
	for who in root alice "root SUDO_USER=alice SUDO_UID=$alice"; do
		# shellcheck disable=SC2086 # a command and its arguments
		$who PREFIX="$T/p" "$script" --binary "$T/unc"
		want_rc 1
		want_out "unc: making bridge: why"
		want_out "hint: do this"
		want_out "install.sh: proving that $T/p/bin/unc works: "
		want_out "exited with 125"
		want_out "stays installed"
		want_no_out "proof: "
		want_installed "$T/p/bin/unc" "$T/unc"
	done
}

no_proof() {
	root PREFIX="$T/p" "$script" --no-proof --binary="$T/unc"
	want_rc 0
	want_same "$(calls "$T/ran")" 0
	want_no_out proof
	want_installed "$T/p/bin/unc" "$T/unc"
}

# shared prints what is installed beside the program, below DIR.
shared() { (cd "$1" && find . -type f | sort); }

share_is_installed() {
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "man pages and completions in $T/p/share"
	pages=$(cd "$T/src/share/man" && find . -type f | sed 's|^\.|./man|')
	want_same "$(shared "$T/p/share")" "$(printf '%s\n' "$pages" ./bash-completion/completions/unc \
		./fish/vendor_completions.d/unc.fish ./zsh/site-functions/_unc | sort)"
	for file in man/man1/unc.1 man/man1/unc-run.1 man/man5/unc-network.conf.5 zsh/site-functions/_unc; do
		want_file "$T/p/share/$file"
	done
	cmp "$T/src/share/completion/unc.bash" "$T/p/share/bash-completion/completions/unc"
	# What has changed is replaced, and nothing else.
	before=$(stat -c '%i %n' "$T"/p/share/man/man1/*)
	echo 'complete -W more unc' >>"$T/src/share/completion/unc.bash"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "man pages and completions in $T/p/share: 1 files"
	cmp "$T/src/share/completion/unc.bash" "$T/p/share/bash-completion/completions/unc"
	want_same "$(stat -c '%i %n' "$T"/p/share/man/man1/*)" "$before"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_no_out "man pages"
	rm -r "$T/src/share"
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "man pages and completions"
	want_gone "$T/p/share"
	root PREFIX="$T/p" "$script" --uninstall
	want_out "already gone: man pages and completions"
}

share_of_a_release() {
	rm -r "$T/src/share"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "left out: man pages and completions, as there is no $T/src/share"
	want_installed "$T/p/bin/unc" "$T/unc"
	want_gone "$T/p/share"
}

# Another program of the name may have a page, or a completion.
share_of_others() {
	mkdir -p "$T/p/share/man/man1" "$T/p/share/bash-completion/completions"
	echo '.TH UNC-OTHER 1' >"$T/p/share/man/man1/unc-other.1"
	echo 'complete -f unc' >"$T/p/share/bash-completion/completions/unc"
	ln -s unc-other.1 "$T/p/share/man/man1/unc-run.1"
	before=$(shared "$T/p/share")
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "left alone: $T/p/share/bash-completion/completions/unc"
	want_out "left alone: $T/p/share/man/man1/unc-run.1"
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_same "$(shared "$T/p/share")" "$before"
	want_same "$(cat "$T/p/share/bash-completion/completions/unc")" "complete -f unc"
	[ -L "$T/p/share/man/man1/unc-run.1" ] || fail "a link of somebody's is gone"
}

share_destdir() {
	alice DESTDIR="$T/home/d" PREFIX=/usr "$script" --binary "$T/unc"
	want_rc 0
	cmp "$T/src/share/man/man1/unc.1" "$T/home/d/usr/share/man/man1/unc.1"
	want_same "$(find /usr/share/man/man1 -name 'unc.1*')" ""
	alice DESTDIR="$T/home/d" PREFIX=/usr "$script" --uninstall
	want_rc 0
	want_same "$(find "$T/home/d" -type f)" ""
}

policy_is_installed() {
	umask 077
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "installed /etc/unc/network.conf"
	want_file /etc/unc/network.conf
	want_same "$(stat -c '%u:%g %a' /etc/unc)" "0:0 755"
	want_same "$(ls -A /etc/unc)" network.conf
	cmp "$T/src/network.conf.sample" /etc/unc/network.conf
	before=$(stat -c '%i %y %z' /etc/unc/network.conf)
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_no_out network.conf
	want_same "$(stat -c '%i %y %z' /etc/unc/network.conf)" "$before"
	# One that went missing comes back, although the program is as it should be.
	rm -r /etc/unc
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "already installed: $T/p/bin/unc"
	want_file /etc/unc/network.conf
}

policy_is_kept() {
	mkdir -m 700 /etc/unc
	echo NAT=no >/etc/unc/network.conf
	before=$(stat -c '%i %y %z %a' /etc/unc/network.conf /etc/unc)
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "left alone: /etc/unc/network.conf, which is not the sample"
	want_same "$(stat -c '%i %y %z %a' /etc/unc/network.conf /etc/unc)" "$before"
	rm /etc/unc/network.conf
	ln -s nowhere /etc/unc/network.conf
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_same "$(readlink /etc/unc/network.conf)" nowhere
	want_same "$(ls -A /etc/unc)" network.conf
}

policy_without_the_sample() {
	rm "$T/src/network.conf.sample"
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_out "install.sh: installing /etc/unc/network.conf: there is no $T/src/network.conf.sample"
	want_out 'proof: "unc run true" works'
	want_installed "$T/p/bin/unc" "$T/unc"
	want_gone /etc/unc
	# Nothing that root could do about it.
	stub_sudo sudo
	alice PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_same "$(calls "$T/sudo.log")" 0
	mkdir /etc/unc
	: >/etc/unc/network.conf
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "left alone: /etc/unc/network.conf, as there is no $T/src/network.conf.sample"
	[ -e /etc/unc/network.conf ] || fail "a policy was removed that may have been edited"
}

# The other cases have a sample of their own. The one that is released must change nothing by itself.
policy_of_the_release() {
	cp "$UNC_TEST_SOURCE/network.conf.sample" "$T/src/network.conf.sample"
	want_same "$(grep -v '^#' "$T/src/network.conf.sample" | grep .)" ""
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	cmp "$T/src/network.conf.sample" /etc/unc/network.conf
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "already gone: bridge unc0"
	want_gone /etc/unc
}

policy_through_sudo() {
	stub_sudo sudo
	alice PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_file /etc/unc/network.conf
	alice PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_same "$(calls "$T/sudo.log")" 1
	# A missing policy is no reason to be content.
	rm -r /etc/unc
	alice PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_same "$(calls "$T/sudo.log")" 2
	want_file /etc/unc/network.conf
}

policy_destdir() {
	alice DESTDIR="$T/home/pkg" PREFIX=/usr "$script" --binary "$T/unc"
	want_rc 0
	want_out "installed $T/home/pkg/etc/unc/network.conf"
	cmp "$T/src/network.conf.sample" "$T/home/pkg/etc/unc/network.conf"
	want_same "$(stat -c '%u %a' "$T/home/pkg/etc/unc/network.conf")" "$alice 644"
	want_gone /etc/unc
	alice DESTDIR="$T/home/pkg" PREFIX=/usr "$script" --uninstall
	want_rc 0
	want_out "removed $T/home/pkg/etc/unc/network.conf"
	want_gone "$T/home/pkg/etc/unc"
}

policy_names_the_bridge() {
	mkdir -p /etc/unc /etc/systemd/network
	while IFS='|' read -r bridge line; do
		# The lines around it are no settings of BRIDGE.
		printf 'BRIDGES=no\n%s\n#BRIDGE=no\n;BRIDGE=no\nNAT=BRIDGE=no\n' "$line" >/etc/unc/network.conf
		root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
		want_rc 0
		want_no_out "is no name"
		want_same "$(grep Name "$network")" "Name=$bridge uv*"
	done <<-'TABLE'
		unc0|
		unc0|BRIDGE=
		br1|BRIDGE=br1
		br1|BRIDGE="br1"
		br1|BRIDGE='br1'
		br1|  BRIDGE = br1  
		a-b_c.d|BRIDGE=a-b_c.d
		fifteen-letters|BRIDGE=fifteen-letters
	TABLE
	while read -r name; do
		printf 'BRIDGE=%s\n' "$name" >/etc/unc/network.conf
		root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
		want_rc 0
		want_out "BRIDGE \"$name\" is no name for an interface, so unc0 is taken for the bridge"
		want_same "$(grep Name "$network")" "Name=unc0 uv*"
	done <<-'TABLE'
		..
		../../../tmp
		-br
		br*
		br 1
		br;interface-name:eth0
		$(id)
		sixteen-letters.
		uv0
	TABLE
}

drop_ins_are_installed() {
	stub_daemons
	umask 077
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	for file in "$networkmanager" "$link" "$network"; do
		want_out "installed $file"
		want_file "$file"
	done
	want_same "$(text "$networkmanager")" "[device-unc]
match-device=interface-name:unc0;interface-name:uv*
managed=0"
	want_same "$(text "$link")" "[Match]
OriginalName=unc0 uv*

[Link]
NamePolicy=
MACAddressPolicy=none"
	want_same "$(text "$network")" "[Match]
Name=unc0 uv*

[Link]
Unmanaged=yes"
	want_same "$(cat "$T/daemons")" "$all_daemons"
	: >"$T/daemons"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_no_out 90-unc
	want_no_out 05-unc
	want_same "$(calls "$T/daemons")" 0
	# Only who reads what was missing is asked to.
	rm "$link"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_file "$link"
	want_same "$(cat "$T/daemons")" "udevadm control --reload"
	: >"$T/daemons"
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	for file in "$networkmanager" "$link" "$network"; do
		want_out "removed $file"
		want_gone "$file"
	done
	want_same "$(cat "$T/daemons")" "$all_daemons"
	: >"$T/daemons"
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_same "$(calls "$T/daemons")" 0
}

drop_ins_without_daemons() {
	stub_daemons
	rm -r /etc/NetworkManager /etc/systemd/network
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_gone /etc/NetworkManager /etc/systemd/network
	want_no_out 90-unc
	want_no_out 05-unc
	mkdir /etc/NetworkManager
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_file "$networkmanager"
	want_gone /etc/systemd/network
	want_same "$(cat "$T/daemons")" "nmcli -t -f RUNNING general
nmcli general reload conf"
}

drop_ins_follow_the_bridge() {
	stub_daemons
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	echo BRIDGE=br-unc >>/etc/unc/network.conf
	: >"$T/daemons"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_same "$(grep -h unc "$networkmanager" "$link" "$network" | grep -v '^#')" "[device-unc]
match-device=interface-name:br-unc;interface-name:uv*
OriginalName=br-unc uv*
Name=br-unc uv*"
	want_same "$(cat "$T/daemons")" "$all_daemons"
}

drop_ins_of_others() {
	stub_daemons
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	mv "$network" "$T/network"
	ln -s "$T/network" "$network"
	echo "# mine" >"$networkmanager"
	ln -sf /dev/null "$link"
	: >"$T/daemons"
	for arguments in "--no-proof --binary $T/unc" --uninstall; do
		# shellcheck disable=SC2086 # they are several
		root PREFIX="$T/p" "$script" $arguments
		want_rc 0
		for file in "$networkmanager" "$link" "$network"; do
			want_out "left alone: $file, which install.sh did not make"
		done
		want_same "$(cat "$networkmanager")" "# mine"
		want_same "$(readlink "$link")" /dev/null
		want_same "$(readlink "$network")" "$T/network"
	done
	want_same "$(calls "$T/daemons")" 0
}

drop_ins_through_sudo() {
	stub_daemons
	stub_sudo sudo
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	alice PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_same "$(calls "$T/sudo.log")" 0
	rm "$network"
	alice PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_same "$(calls "$T/sudo.log")" 1
	want_file "$network"
}

# A package has the files of daemons whose directories it has, whatever runs here.
drop_ins_destdir() {
	stub_daemons
	alice DESTDIR="$T/home/none" "$script" --binary "$T/unc"
	want_rc 0
	for file in "$networkmanager" "$link" "$network"; do
		want_out "left to the package: $file, as there is no $T/home/none$(dirname "$file")"
	done
	want_same "$(find "$T/home/none/etc" -type f)" "$T/home/none/etc/unc/network.conf"
	while read -r place files; do
		pkg=$T/home/pkg
		mkdir -p "$pkg$place"
		chown -R "$alice" "$pkg"
		alice DESTDIR="$pkg" "$script" --binary "$T/unc"
		want_rc 0
		for file in $files; do
			want_out "installed $pkg$file"
			want_same "$(stat -c '%u %a' "$pkg$file")" "$alice 644"
		done
		alice DESTDIR="$pkg" "$script" --uninstall
		want_rc 0
		for file in $files; do
			want_out "removed $pkg$file"
		done
		want_same "$(find "$pkg" -type f)" ""
		rm -r "$pkg"
	done <<-TABLE
		/etc/NetworkManager $networkmanager
		/usr/lib/NetworkManager/conf.d $networkmanager
		/etc/systemd/network $link $network
		/usr/lib/systemd/network $link $network
		/lib/systemd/network $link $network
	TABLE
	want_gone "$networkmanager" "$link" "$network"
	want_same "$(calls "$T/daemons")" 0
}

daemons_that_do_not_run() {
	stub_daemons
	rm /run/udev/control
	stub nmcli <<-'STUB'
		echo "nmcli $*" >>"$T/daemons"
		echo not running
	STUB
	stub systemctl <<-'STUB'
		echo "systemctl $*" >>"$T/daemons"
		exit 3
	STUB
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_no_out "install.sh: "
	want_file "$networkmanager"
	want_file "$link"
	want_file "$network"
	want_same "$(cat "$T/daemons")" "nmcli -t -f RUNNING general
systemctl is-active --quiet systemd-networkd.service"
}

daemons_that_refuse() {
	stub_daemons
	stub nmcli <<-'STUB'
		[ "$*" = "-t -f RUNNING general" ] && echo running && exit
		echo "nmcli: I would rather not" >&2
		exit 1
	STUB
	for name in networkctl udevadm; do
		stub $name <<-'STUB'
			exit 1
		STUB
	done
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_out "nmcli: I would rather not"
	want_out "install.sh: having nmcli read the files again"
	want_out "hint: nmcli general reload conf"
	want_out "hint: networkctl reload"
	want_out "hint: udevadm control --reload"
	want_out 'proof: "unc run true" works'
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_no_account
}

# Where /etc is kept by other means the program works all the same.
profile_where_apparmor_restricts() {
	umask 077
	stub_apparmor 1
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_file "$profile"
	want_out "installed $profile, and loaded it"
	want_same "$(text "$profile")" "abi <abi/4.0>,
include <tunables/global>

profile unc \"$T/p/bin/unc\" flags=(unconfined) {
  userns,
}"
	want_same "$(cat "$T/parsed")" "-r $profile"
	# Before the proof, which would fail without it.
	want_same "$(grep -n 'loaded it\|^proof' "$T/out" | cut -d : -f 2 | cut -c 1-5)" "insta
proof"
	before=$(stat -c '%i %y %z' "$profile")
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_no_out apparmor
	want_same "$(stat -c '%i %y %z' "$profile")" "$before"
	want_same "$(calls "$T/parsed")" 1
	# One that went missing comes back, although the program is as it should be.
	rm "$profile"
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_out "already installed: $T/p/bin/unc"
	want_file "$profile"
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "removed $profile"
	want_gone "$profile"
	want_same "$(tail -n 1 "$T/parsed")" "-R $profile"
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_no_out apparmor
}

profile_where_it_does_not() {
	stub_apparmor 0
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	rm /proc/sys/kernel/apparmor_restrict_unprivileged_userns
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_no_out apparmor
	want_gone "$profile"
	want_same "$(calls "$T/parsed")" 0
}

# The path is the one that the kernel will see.
profile_follows_the_program() {
	stub_apparmor 1
	mkdir -p "$T/original/bin" "$T/a place"
	ln -s "$T/original" "$T/link"
	for prefix in "$T/link" "$T/a place" "$T/original"; do
		root PREFIX="$prefix" "$script" --no-proof --binary "$T/unc"
		want_rc 0
		want_same "$(grep '^profile' "$profile")" "profile unc \"$(readlink -f "$prefix")/bin/unc\" flags=(unconfined) {"
	done
	want_same "$(calls "$T/parsed")" 3
	root PREFIX="$T/p*" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "AppArmor would take $T/p* for a pattern"
	want_same "$(calls "$T/parsed")" 3
}

profile_of_others() {
	stub_apparmor 1
	mkdir -p /etc/apparmor.d
	for make in "echo profile unc /opt/unc {}" "echo"; do
		$make >"$profile"
		before=$(stat -c '%i %y %z' "$profile")
		root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
		want_rc 0
		want_out "left alone: $profile, which install.sh did not make"
		root PREFIX="$T/p" "$script" --uninstall
		want_rc 0
		want_out "left alone: $profile, which install.sh did not make"
		want_same "$(stat -c '%i %y %z' "$profile")" "$before"
	done
	rm "$profile"
	ln -s /dev/null "$profile"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_same "$(readlink "$profile")" /dev/null
	want_same "$(calls "$T/parsed")" 0
}

profile_without_a_parser() {
	stub_apparmor 1
	rm "$T/stub/apparmor_parser"
	hide apparmor_parser
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "installed $profile, which counts from the next boot on"
	want_file "$profile"
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_gone "$profile"
}

profile_that_is_refused() {
	stub_apparmor 1
	: >"$T/parser.fails"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "it is wrong"
	want_out "install.sh: loading $profile: apparmor_parser says why above"
	want_out "hint: apparmor_parser -r $profile"
	want_installed "$T/p/bin/unc" "$T/unc"
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "install.sh: unloading $profile"
	want_gone "$profile"
}

profile_through_sudo() {
	stub_sudo sudo
	stub_apparmor 1
	# The stub of sudo has a PATH of its own, in which a real one may be.
	mkdir -p /usr/local/sbin
	ln -s "$T/stub/apparmor_parser" /usr/local/sbin/apparmor_parser
	if real=$(PATH=/usr/sbin:/sbin command -v apparmor_parser); then
		mount --bind "$T/stub/apparmor_parser" "$real"
	fi
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	# All is installed but this.
	rm "$profile"
	alice PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_out "as root, through sudo:"
	want_out "installed $profile, and loaded it"
	want_file "$profile"
	alice PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_no_out "as root"
}

profile_destdir() {
	stub_apparmor 1
	alice DESTDIR="$T/home/none" PREFIX=/usr "$script" --binary "$T/unc"
	want_rc 0
	want_out "left to the package: $profile, as there is no $T/home/none/etc/apparmor.d"
	mkdir -p "$T/home/pkg/etc/apparmor.d"
	chown -R "$alice" "$T/home/pkg"
	alice DESTDIR="$T/home/pkg" PREFIX=/usr "$script" --binary "$T/unc"
	want_rc 0
	want_out "installed $T/home/pkg$profile"
	want_same "$(grep '^profile' "$T/home/pkg$profile")" 'profile unc "/usr/bin/unc" flags=(unconfined) {'
	want_same "$(calls "$T/parsed")" 0
	alice DESTDIR="$T/home/pkg" PREFIX=/usr "$script" --uninstall
	want_rc 0
	want_gone "$T/home/pkg$profile"
	want_same "$(calls "$T/parsed")" 0
}

read_only_etc() {
	stub_daemons
	mkdir /etc/unc
	for place in /etc/unc /etc/NetworkManager /etc/systemd; do
		mkdir -p "$T/r$place"
		cp -a "$place/." "$T/r$place"
		mount --bind "$T/r$place" "$place"
		mount -o remount,ro,bind "$place"
	done
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_out "install.sh: installing /etc/unc/network.conf: it can't be written"
	for file in "$networkmanager" "$link" "$network"; do
		want_out "install.sh: installing $file: it can't be written"
	done
	want_out 'proof: "unc run true" works'
	want_same "$(calls "$T/daemons")" 0
}

# Each stub knows the packages of its distribution only, and uncovers the real setcap.
setcap_is_installed() {
	few_programs
	setcap=$(readlink -f "$(command -v setcap)")
	while read -r manager package arguments; do
		rm -f "$T"/stub/*
		mount --bind /dev/null "$setcap"
		stub "$manager" <<-STUB
			echo "\$*" >>"\$T/packages"
			[ "\$*" = "$arguments" ] && umount "$setcap"
		STUB
		root PREFIX="$T/$package" "$script" --no-proof --binary "$T/unc"
		want_rc 0
		want_out "installing $package with $manager, for setcap"
		want_installed "$T/$package/bin/unc" "$T/unc"
		rm -r "${T:?}/$package"
	done <<-TABLE
		apt-get libcap2-bin install -y libcap2-bin
		dnf libcap install -y libcap
		apk libcap-setcap add libcap-setcap
		apk libcap-utils add libcap-utils
		apk libcap add libcap
		pacman libcap -S --noconfirm libcap
		zypper libcap-progs --non-interactive install libcap-progs
	TABLE
	want_same "$(grep -c update "$T/packages" || :)" 0
	# With lists that are out of date apt-get finds the package the second time.
	rm -f "$T"/stub/*
	mount --bind /dev/null "$setcap"
	stub apt-get <<-STUB
		[ "\$1" != update ] || exec cp "\$0" "\$T/updated"
		[ -e "\$T/updated" ] && umount "$setcap"
	STUB
	root PREFIX="$T/stale" "$script" --no-proof --binary "$T/unc"
	want_rc 0
}

setcap_cannot_be_installed() {
	few_programs
	hide setcap
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 1
	want_out "install.sh: setting the capability of $T/p/bin/unc: there is no setcap"
	want_out "hint: "
	for manager in apt-get apk; do
		stub "$manager" <<-STUB
			exit 1
		STUB
		root PREFIX="$T/p" "$script" --binary "$T/unc"
		want_rc 1
		want_out "$manager could not install it"
		rm "$T/stub/$manager"
	done
	want_gone "$T/p"
	want_no_account
}

account_of_a_person() {
	echo "unc:x:1500:1500::/home/unc:/bin/sh" >>/etc/passwd
	echo "unc:x:1500:" >>/etc/group
	accounts=$(cat /etc/passwd /etc/group)
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_out "install.sh: user unc: uid 1500 is not a system user's"
	want_same "$(cat /etc/passwd /etc/group)" "$accounts"
	# A group alone is used, not made twice.
	sed -i /^unc:/d /etc/passwd
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_no_out "created system group"
	want_same "$(id -g unc)" 1500
}

# Alpine's programs, as far as install.sh uses them; anything else they refuse.
busybox_accounts() {
	hide useradd userdel groupadd groupdel
	few_programs
	stub addgroup <<-'STUB'
		[ "$*" = "-S unc" ] && echo unc:x:901: >>/etc/group
	STUB
	stub adduser <<-'STUB'
		[ "$*" = "-S -D -H -h /nonexistent -s /usr/sbin/nologin -G unc unc" ] &&
			echo unc:x:900:901::/nonexistent:/usr/sbin/nologin >>/etc/passwd
	STUB
	stub deluser <<-'STUB'
		[ "$*" = unc ] && sed -i /^unc:/d /etc/passwd
	STUB
	stub delgroup <<-'STUB'
		[ "$*" = unc ] && sed -i /^unc:/d /etc/group
	STUB
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	want_account
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_no_account
}

# state is what install.sh and unc change on a machine.
state() {
	cat /etc/passwd /etc/group
	ip -br link
	find "$T/p" /usr/local "$T/tmp"
	find /etc -type d -o -name '*unc*'
}

uninstall_removes_everything() {
	mkdir -p "$T/p/bin" /etc/NetworkManager/conf.d /etc/systemd/network
	ip link add unc0 address 02:75:00:00:00:01 type bridge
	ip link set lo up
	ip link del unc0
	before=$(state)
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	want_rc 0
	# What "unc run true" would have made.
	ip link add unc0 address 02:75:0a:64:2a:01 type bridge
	ip link add port type veth peer name other
	ip link set port master unc0
	ip link set unc0 up
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "removed $T/p/bin/unc"
	want_out "removed bridge unc0"
	want_out "removed /etc/unc/network.conf"
	want_out "removed user unc"
	ip link del port
	want_same "$(state)" "$before"
	want_no_account
}

# Where users have no groups of their own, userdel leaves the group to groupdel.
uninstall_removes_the_group() {
	sed -i /USERGROUPS_ENAB/d /etc/login.defs
	echo "USERGROUPS_ENAB no" >>/etc/login.defs
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	want_rc 0
	want_account
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_no_account
}

uninstall_again_is_harmless() {
	before=$(cat /etc/passwd /etc/group)
	root PREFIX="$T/p" "$script" --binary "$T/unc"
	for _ in 1 2; do
		root PREFIX="$T/p" "$script" --uninstall
		want_rc 0
	done
	want_out "already gone: $T/p/bin/unc"
	want_out "already gone: bridge unc0"
	want_out "already gone: user unc"
	want_no_out removed
	want_same "$(cat /etc/passwd /etc/group)" "$before"
}

uninstall_leaves_a_foreign_bridge() {
	ip link add unc0 address 02:76:0a:64:2a:01 type bridge
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "left alone: interface unc0, 02:76:0a:64:2a:01, is not unc's"
	want_out "removed $T/p/bin/unc"
	[ -d /sys/class/net/unc0 ] || fail "a foreign bridge was removed"
	ip link del unc0
	ip link add unc0 address 02:75:0a:64:2a:01 type veth peer name other
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "left alone: interface unc0"
	[ -d /sys/class/net/unc0 ] || fail "an interface that is no bridge was removed"
}

uninstall_refuses_while_running() {
	need_path sleep
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	ip link add unc0 address 02:75:0a:64:2a:01 type bridge
	ip link add uv0a642a07 type veth peer name other
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 1
	want_out "install.sh: uninstalling unc: containers are running"
	want_out "hint: sh $script --uninstall --force"
	want_installed "$T/p/bin/unc" "$T/unc"
	want_account
	[ -d /sys/class/net/unc0 ] || fail "the bridge was removed"
	# One that goes away meanwhile is no reason to refuse.
	stub sleep <<-'STUB'
		ip link del uv0a642a07
	STUB
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_gone "$T/p/bin/unc" /sys/class/net/unc0
	rm "$T/stub/sleep"
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	ip link add unc0 address 02:75:0a:64:2a:01 type bridge
	ip link add uv0a642a07 type veth peer name other
	root PREFIX="$T/p" "$script" --uninstall --force
	want_rc 0
	want_gone "$T/p/bin/unc" /sys/class/net/unc0
	want_no_account
}

uninstall_without_ip() {
	need_path ip
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	ip link add unc0 address 02:75:0a:64:2a:01 type bridge
	hide ip
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 1
	want_out "install.sh: removing bridge unc0: there is no ip command"
	want_gone "$T/p/bin/unc"
	want_no_account
	[ -d /sys/class/net/unc0 ] || fail "the bridge is gone"
}

uninstall_leaves_a_person() {
	echo "unc:x:1500:1500::/home/unc:/bin/sh" >>/etc/passwd
	echo "unc:x:901:" >>/etc/group
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "left alone: user unc, uid 1500"
	grep -q ^unc: /etc/passwd || fail "a person's account was removed"
	grep -q ^unc: /etc/group || fail "a person's group was removed"
}

uninstall_keeps_an_edited_policy() {
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	echo NAT=no >>/etc/unc/network.conf
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "left alone: /etc/unc/network.conf, which is not the sample"
	want_same "$(tail -n 1 /etc/unc/network.conf)" NAT=no
	# A file that install.sh knows nothing of keeps its directory.
	cp "$T/src/network.conf.sample" /etc/unc/network.conf
	: >/etc/unc/notes
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "removed /etc/unc/network.conf"
	want_same "$(ls -A /etc/unc)" notes
	ln -s "$T/src/network.conf.sample" /etc/unc/network.conf
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "left alone: /etc/unc/network.conf"
	[ -L /etc/unc/network.conf ] || fail "a link of the administrator's was removed"
}

uninstall_of_another_bridge() {
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	echo BRIDGE=br-unc >>/etc/unc/network.conf
	ip link add unc0 address 02:75:0a:64:2a:02 type bridge
	ip link add br-unc address 02:75:0a:64:2a:01 type bridge
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "removed bridge br-unc"
	want_gone /sys/class/net/br-unc
	[ -d /sys/class/net/unc0 ] || fail "a bridge was removed that is not the policy's"
}

# stub_program has the unc that is installed next run the commands on stdin.
stub_program() {
	stub program
	mv "$T/stub/program" "$T/unc"
}

# What the program finds when it is asked: nobody else can start it, and the policy is there.
uninstall_asks_the_program() {
	need_path ip
	stub_program <<-STUB
		echo "\$(id -u) in \$PWD \$*, sudo \${SUDO_UID-none}, mode \$(stat -c %a "\$0"), \$(ls /etc/unc)" >>"\$T/ran"
		$(command -v ip) link del br-unc
	STUB
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	echo BRIDGE=br-unc >/etc/unc/network.conf
	ip link add br-unc address 02:75:0a:64:2a:01 type bridge
	# The program it is that removes the bridge.
	stub ip <<-'STUB'
		exit 1
	STUB
	root SUDO_USER=alice SUDO_UID="$alice" PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_out "removed bridge br-unc"
	want_same "$(cat "$T/ran")" "0 in / net-setup remove, sudo none, mode 700, network.conf"
	want_gone "$T/p/bin/unc" /sys/class/net/br-unc
}

uninstall_when_the_program_fails() {
	stub_program <<-'STUB'
		echo "unc: removing the filter: why" >&2
		exit 125
	STUB
	root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
	ip link add unc0 address 02:75:0a:64:2a:01 type bridge
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 1
	want_out "unc: removing the filter: why"
	want_out 'install.sh: removing the filter: "unc net-setup remove" exited with 125'
	want_out "hint: nft delete table"
	want_out "removed bridge unc0"
	want_gone "$T/p/bin/unc" /sys/class/net/unc0 /etc/unc
	want_no_account
}

# As root, only what root installed.
uninstall_runs_no_other_program() {
	for harm in "chown $alice" "chgrp $alice" "chmod 775" "chmod 4755" ln; do
		root PREFIX="$T/p" "$script" --no-proof --binary "$T/unc"
		want_rc 0
		if [ "$harm" = ln ]; then
			mv "$T/p/bin/unc" "$T/p/bin/other"
			ln -s other "$T/p/bin/unc"
		else
			# shellcheck disable=SC2086 # a command and its arguments
			$harm "$T/p/bin/unc"
		fi
		root PREFIX="$T/p" "$script" --uninstall
		want_rc 0
		want_gone "$T/p/bin/unc"
		want_same "$(calls "$T/ran")" 0
	done
	want_same "$(stat -c %a "$T/p/bin/other")" 755
}

need_real() { [ -e "$T/real" ] || skip "UNC_BIN is not set"; }

want_network() {
	case $(cat /sys/class/net/unc0/address) in
	02:75:*) ;;
	*) fail "got $(cat /sys/class/net/unc0/address), want an address that install.sh takes for unc's" ;;
	esac
}

want_no_network() {
	want_gone /sys/class/net/unc0
	want_same "$(nft list tables 2>/dev/null | grep unc || :)" ""
}

# need_remove skips with an unc that is older than install.sh. It asks where there is nothing to remove.
need_remove() {
	(cd / && unshare --net env -i "$T/real" net-setup remove) || skip "this unc has no \"net-setup remove\""
}

real_install_as_root() {
	need_real
	root PREFIX="$T/p" "$script" --binary "$T/real"
	want_rc 0
	want_installed "$T/p/bin/unc" "$T/real"
	want_network
	root SUDO_USER=alice SUDO_UID="$alice" PREFIX="$T/p" "$script" --binary "$T/real"
	want_rc 0
	want_out "works, as alice"
	need_remove
	root PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_no_network
}

real_install_as_user() {
	need_real
	stub_sudo sudo
	alice PREFIX="$T/p" "$script" --binary "$T/real"
	want_rc 0
	want_installed "$T/p/bin/unc" "$T/real"
	want_network
	alice PREFIX="$T/p" "$script" --binary "$T/real"
	want_rc 0
	want_out "already installed"
	need_remove
	alice PREFIX="$T/p" "$script" --uninstall
	want_rc 0
	want_no_network
}

# readme_shows_it: what README.md shows of a user who installs and removes unc is what he sees. Numbers,
# and where Go and the sources are, are other ones on every machine.
readme_shows_it() {
	need_real
	need_remove
	stub_sudo sudo
	stub_go 1.26
	cp "$T/real" "$T/built"
	cd "$T/src"
	for typed in ./install.sh "./install.sh --uninstall"; do
		# shellcheck disable=SC2086 # a command and its argument
		alice $typed
		want_rc 0
		anywhere <"$T/out" >"$T/got"
		awk -v typed="$typed" '/^(```|\$ )/ { on = 0 } on; $0 == "$ " typed { on = 1 }' "$UNC_TEST_SOURCE/README.md" | anywhere >"$T/want"
		diff "$T/want" "$T/got" || fail "$typed prints something else than README.md has"
	done
}

anywhere() { sed 's|[^ ]*/install\.sh|install.sh|; s|[^ ]*/go$|go|; s/ [0-9][0-9.]*/ N/g'; }

# --- one case, in its namespaces ---

# furnish makes the case's own machine. It refuses to begin on the real one.
furnish() {
	for ns in net mnt; do
		if [ "$(readlink /proc/self/ns/$ns)" = "$(readlink "/proc/$1/ns/$ns")" ]; then
			fail "the case is not in a $ns namespace of its own"
		fi
	done
	cp -R "$UNC_TEST_SOURCE/install.sh" "$UNC_TEST_SOURCE/go.mod" "$UNC_TEST_SOURCE/share" "$T"
	if [ -n "${UNC_BIN:-}" ]; then
		cp "$UNC_BIN" "$T/real"
	fi
	# Before the tmpfs hides them, and a second tmpfs may be nosuid where /tmp is one.
	mkdir -m 755 "$T/machine"
	mount -t tmpfs -o mode=755 tmpfs "$T/machine"
	mkdir "$T/machine/src"
	mv "$T/install.sh" "$T/go.mod" "$T/share" "$T/machine/src"
	printf '# The policy.\n\n# BRIDGE=unc0\n' >"$T/machine/src/network.conf.sample"
	if [ -n "${UNC_BIN:-}" ]; then
		mv "$T/real" "$T/machine/real"
	fi
	chmod 755 "$T"
	T=$T/machine
	script=$T/src/install.sh
	shell=$T/sh
	program=${UNC_SH:-sh}
	printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v "${program%% *}")${program#"${program%% *}"}" >"$shell"
	sed -i "1s|.*|#!$shell|" "$script"
	chmod 755 "$shell" "$script"

	mount -t tmpfs -o mode=755 tmpfs /usr/local
	mkdir /usr/local/bin
	mount -t tmpfs -o mode=755 tmpfs /var/log
	# useradd replaces its files by renaming, so it takes a directory that can be written.
	cp -a /etc "$T/etc"
	sed -i '/^unc:/d; /^alice:/d' "$T/etc/passwd" "$T/etc/group" "$T/etc/shadow" "$T/etc/gshadow"
	rm -rf "$T/etc/unc" "$T/etc/NetworkManager" "$T/etc/systemd/network"
	mount --bind "$T/etc" /etc
	# The machine's daemons are neither found nor asked anything: their directories and their sockets.
	for dir in /usr/lib/NetworkManager /usr/lib/systemd /lib/systemd; do
		if [ -d "$dir" ]; then
			mount -t tmpfs -o mode=755 tmpfs "$dir"
		fi
	done
	mount -t tmpfs -o mode=755 tmpfs /run
	# The old /sys goes on showing the interfaces of the namespace it was mounted in.
	mount -t sysfs sysfs /sys
	ip link set lo up

	alice=4242
	echo "alice:x:$alice:$alice::$T/home:/bin/sh" >>/etc/passwd
	echo "alice:x:$alice:" >>/etc/group
	echo "alice:*:19000:0:99999:7:::" >>/etc/shadow
	mkdir "$T/home" "$T/tmp" "$T/stub"
	chown "$alice" "$T/home"
	chmod 1777 "$T/tmp"
	: >"$T/ran"
	chmod 666 "$T/ran"
	stub unc <<-'STUB'
		echo "$(id -u) in $PWD $*" >>"$T/ran"
	STUB
	mv "$T/stub/unc" "$T/unc"
	path=$T/stub:/usr/local/bin:/usr/bin:/bin
}

run_case() {
	furnish "$2"
	PATH=$PATH:/usr/sbin:/sbin
	"$1"
	want_empty "$T/tmp"
	want_same "$(find "$T" /usr/local -name '.unc.*')" ""
}

# --- all cases ---

# machine is what must be the same afterwards, of what a case could reach: interfaces and mounts of
# others may come and go meanwhile.
machine() {
	cksum /etc/passwd /etc/group /etc/shadow /etc/gshadow 2>/dev/null || :
	ls -lA /usr/local/bin /etc/unc /etc/NetworkManager/conf.d /etc/systemd/network /run/udev 2>/dev/null || :
	ip -br link | grep -E '^(unc0|uv|other|port)' || :
	grep -E " ($T|/etc|/sys|/usr/local|/var/log)[ /]" /proc/self/mountinfo || :
}

cannot() {
	printf 'skip: %s\n' "$1"
	if [ "${UNC_MUST_WORK:-}" = 1 ]; then
		echo "0 passed, 1 failed"
		exit 1
	fi
	echo "0 passed, 0 failed"
	exit
}

main() {
	PATH=$PATH:/usr/sbin:/sbin
	if [ "$(id -u)" -ne 0 ]; then
		cannot "install_test.sh takes root"
	fi
	for program in unshare setpriv setcap getcap ip su useradd; do
		command -v "$program" >/dev/null || cannot "there is no $program"
	done
	unshare --net --mount --propagation private true || cannot "there are no namespaces to be had"

	UNC_TEST_SOURCE=$(cd -P "$(dirname "$0")/.." && pwd -P)
	export UNC_TEST_SOURCE
	if [ -n "${UNC_BIN:-}" ]; then
		UNC_BIN=$(readlink -f "$UNC_BIN")
		export UNC_BIN
	fi
	T=$(mktemp -d)
	chmod 755 "$T"
	trap 'rm -rf "$T"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	passed=0
	failed=0
	before=$(machine)
	if [ $# -gt 0 ]; then
		cases=$*
	fi
	for name in $cases; do
		mkdir "$T/case"
		rc=0
		T="$T/case" unshare --net --mount --propagation private \
			sh "$0" --case "$name" "$$" >"$T/log" 2>&1 </dev/null || rc=$?
		if [ "$rc" -eq "$skipped" ] && [ "${UNC_MUST_WORK:-}" != 1 ]; then
			printf 'skip %s: %s\n' "$name" "$(tail -n 1 "$T/log")"
		elif [ "$rc" -eq 0 ]; then
			printf 'ok   %s\n' "$name"
			passed=$((passed + 1))
		else
			printf 'FAIL %s\n' "$name"
			sed 's/^/     | /' "$T/log"
			failed=$((failed + 1))
		fi
		rm -rf "$T/case"
	done
	after=$(machine)
	if [ "$after" = "$before" ]; then
		printf 'ok   machine_untouched\n'
		passed=$((passed + 1))
	else
		printf 'FAIL machine_untouched\n%s\nbefore it was\n%s\n' "$after" "$before"
		failed=$((failed + 1))
	fi
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ]
}

if [ "${1:-}" = --case ]; then
	run_case "$2" "$3"
else
	main "$@"
fi
