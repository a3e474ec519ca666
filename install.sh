#!/bin/sh
# install.sh builds unc, installs it with its one capability and proves that it works. Beside the
# program it installs man pages, completions and a policy to edit, and where NetworkManager,
# systemd-networkd or udev are it tells them to leave the interfaces to unc, and AppArmor, where
# that restricts, to let it work.
# --help tells what it puts where; --uninstall takes all of it away again.
set -eu

account=unc
capability=cap_net_admin
net=/sys/class/net
networkmanager_file=/etc/NetworkManager/conf.d/90-unc.conf
# Sorted before the 10-* that people write: of all that match, the first one counts (systemd.link(5),
# systemd.network(5)).
link_file=/etc/systemd/network/05-unc.link
network_file=/etc/systemd/network/05-unc.network
drop_ins="$networkmanager_file $link_file $network_file"
apparmor_file=/etc/apparmor.d/unc
apparmor_restricts=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
# The first line of each, by which install.sh knows its own.
made_by="# Made by unc's install.sh, which writes and removes it: settings of yours belong into another file."

usage() {
	cat <<'USAGE'
usage: [PREFIX=DIR] [DESTDIR=DIR] sh install.sh [--binary FILE] [--no-proof]
       [PREFIX=DIR] [DESTDIR=DIR] sh install.sh --uninstall [--force]

Builds unc and installs it as PREFIX/bin/unc with the capability cap_net_admin,
makes the system user unc, which containers that root starts belong to, and runs
"unc run true". Start it as yourself: only the steps that need root are done as
root, through sudo or doas. Running it again is harmless.

Besides the program it installs

  PREFIX/share/man/man1/unc*.1 and man5/unc-network.conf.5
  PREFIX/share/bash-completion/completions/unc
  PREFIX/share/zsh/site-functions/_unc
  PREFIX/share/fish/vendor_completions.d/unc.fish
                  man pages and completions: the files of the directory share beside
                  install.sh, and none where there is no such directory
  /etc/unc/network.conf
                  the policy, where root sets subnet, limits and the rest: the file
                  network.conf.sample beside install.sh, which only names the
                  defaults; one that is there already stays as it is
  /etc/NetworkManager/conf.d/90-unc.conf
  /etc/systemd/network/05-unc.link and 05-unc.network
                  where NetworkManager or systemd are: they leave the bridge, unc0 or
                  BRIDGE of the policy, and the containers' uv* to unc. Run install.sh
                  again after a change of BRIDGE.
  /etc/apparmor.d/unc
                  where AppArmor keeps programs without a profile from using user
                  namespaces, as Ubuntu's does: one that allows them to unc

  --binary FILE   install FILE, an unc that is built already, and need no Go
  --no-proof      do not run "unc run true", which makes the bridge
  --uninstall     remove all of it: the program, the bridge and the filter, the files
                  above and the user; a policy that was edited stays
  --force         uninstall although containers are running: they lose their network
  -h, --help      print this

environment:
  PREFIX          where to install, /usr/local unless set
  DESTDIR         for packagers: a directory to put before PREFIX and /etc; no user is
                  made, nothing is run, and a capability that can't be set is only
                  reported. Files for a daemon go where DESTDIR has its directory.
  UNC_BINARY      the same as --binary
USAGE
}

say() { printf '%s\n' "$*"; }

warn() { printf 'install.sh: %s\n' "$*" >&2; }

# die SENTENCE [HINT...]
die() {
	warn "$1"
	shift
	for hint in "$@"; do
		printf 'hint: %s\n' "$hint" >&2
	done
	exit 1
}

misused() {
	warn "$1"
	printf 'hint: sh install.sh --help\n' >&2
	exit 2
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# is_there: even as a link to nowhere, which -e takes for nothing.
is_there() { [ -e "$1" ] || [ -L "$1" ]; }

# as_root ARG... runs this script once more, as root, with the given arguments. One call for all
# steps: doas may ask for the password at every one.
as_root() {
	if have sudo; then
		runner=sudo
	else
		runner=doas
	fi
	say "as root, through $runner:"
	"$runner" env PREFIX="$prefix" sh "$self" "$@"
}

need_runner() {
	have sudo || have doas ||
		die "$1: that takes root, and there is neither sudo nor doas" \
			"as root: PREFIX=$prefix sh $self $2"
}

package_manager() {
	for manager in apt-get dnf apk pacman zypper; do
		if have "$manager"; then
			say "$manager"
			return
		fi
	done
}

# cleanup runs on every way out. After a success there is nothing that it could remove but the build.
cleanup() {
	if [ -n "$work" ]; then
		rm -rf "$work"
	fi
	unstage
}

# unstage removes the file that is not at its place yet, and what was made of the directory for it.
unstage() {
	if [ -n "$staged" ]; then
		rm -f "$staged"
		staged=
	fi
	if [ -n "$dir_before" ]; then
		made=$room
		while [ "$made" != "$dir_before" ] && rmdir "$made" 2>/dev/null; do
			made=$(dirname "$made")
		done
		dir_before=
	fi
}

# --- the target ---

# mount_of DIR prints the options, type and mount point of the mount that DIR is on. The kernel tells
# which it is (proc_pid_fdinfo(5), mnt_id): the longest matching mount point may be hidden below another.
mount_of() {
	awk '
		FNR == NR { if ($1 == "mnt_id:") id = $2; next }
		$1 == id {
			for (i = 7; i < NF && $i != "-"; i++);
			at = $5
			gsub(/\\040/, " ", at)
			print $6, $(i + 1), at
		}
	' /proc/self/fdinfo/9 /proc/self/mountinfo 9<"$1"
}

# nearest DIR prints DIR or the first directory above it that is there and can be opened.
nearest() {
	found=$1
	until [ -d "$found" ] && [ -r "$found" ]; do
		found=$(dirname "$found")
	done
	say "$found"
}

is_nosuid() {
	case ",$(mount_of "$(nearest "$1")" | cut -d ' ' -f 1)," in
	*,nosuid,*) return 0 ;;
	esac
	return 1
}

# elsewhere prints a PREFIX that would do.
elsewhere() {
	for other in /usr/local /opt/unc /usr; do
		if [ "$other" != "$prefix" ] && ! is_nosuid "$other/bin"; then
			say "PREFIX=$other sh $self"
			return
		fi
	done
	say "PREFIX=/a/directory/on/another/file/system sh $self"
}

check_target() {
	if [ -d "$target" ]; then
		die "installing $target: there is a directory of that name" "$(elsewhere)"
	fi
	# A package is only packed at DESTDIR, never run there.
	if [ -z "$destdir" ] && is_nosuid "$dir"; then
		at=$(mount_of "$(nearest "$dir")" | cut -d ' ' -f 3-)
		die "installing $target: the file system at $at is mounted nosuid, so the kernel would ignore the capability" \
			"$(elsewhere)"
	fi
}

# --- the build ---

# version_of GO prints 1.26.8. GOTOOLCHAIN=local, or Go answers for another one that it would download first.
version_of() {
	GOTOOLCHAIN=local "$1" version 2>/dev/null |
		sed -n 's/^go version \(devel \)\{0,1\}go\([0-9][0-9.]*\).*/\2/p'
}

# at_least HAVE NEED compares by number: 1.9 is older than 1.10.
at_least() {
	awk -v have="$1" -v need="$2" 'BEGIN {
		split(have, h, "."); split(need, n, ".")
		for (i = 1; i <= 3; i++)
			if (h[i] + 0 != n[i] + 0) exit (h[i] + 0 < n[i] + 0)
	}'
}

# find_go sets go to the first one that is new enough: a distribution's old one in PATH is no reason
# to refuse when a newer is at the place where https://go.dev/doc/install puts it.
find_go() {
	need=$(awk '$1 == "go" { print $2 }' "$here/go.mod")
	too_old=
	for go in "$(command -v go || :)" /usr/local/go/bin/go; do
		if [ -z "$go" ] || [ ! -x "$go" ]; then
			continue
		fi
		version=$(version_of "$go")
		if at_least "$version" "$need"; then
			return
		fi
		too_old="$too_old, and $go is ${version:-of no version}"
	done
	case $(package_manager) in
	apt-get) package="apt-get install golang-go" ;;
	dnf) package="dnf install golang" ;;
	apk) package="apk add go" ;;
	pacman) package="pacman -S go" ;;
	zypper) package="zypper install go" ;;
	*) package="your distribution's package for Go" ;;
	esac
	die "building unc: this takes Go $need or newer${too_old:-, and there is none in PATH or /usr/local/go/bin}" \
		"https://go.dev/dl/ has it, unpack it into /usr/local" \
		"$package, if that is Go $need or newer"
}

build() {
	find_go
	# Go fails when git distrusts the tree, as it does when root builds in another user's clone.
	stamp=
	if ! git -C "$here" status >/dev/null 2>&1; then
		stamp=-buildvcs=false
	fi
	say "building unc with Go $version, $go"
	work=$(mktemp -d)
	# purego: the only assembler in unc is for a hash of one line, and asks the processor what it
	# can do when a program starts, which in a virtual machine takes a tenth of a millisecond.
	(cd "$here" && CGO_ENABLED=0 "$go" build -tags purego -trimpath ${stamp:+"$stamp"} -o "$work/unc" .) ||
		die "building unc in $here: $go build did not succeed, and says why above"
	binary=$work/unc
}

# --- the installation, as root ---

need_setcap() {
	if have setcap && have getcap; then
		return
	fi
	manager=$(package_manager)
	case $manager in
	apt-get) packages=libcap2-bin ;;
	dnf | pacman) packages=libcap ;;
	# Alpine has moved the two programs from package to package.
	apk) packages="libcap-setcap libcap-getcap libcap-utils libcap" ;;
	zypper) packages=libcap-progs ;;
	*)
		die "setting the capability of $target: there is no setcap or no getcap, and no package manager that install.sh knows" \
			"install the package that has them, often called libcap"
		;;
	esac
	for package in $packages; do
		say "installing $package with $manager, for setcap"
		case $manager in
		apt-get)
			# The lists may be missing, as in an image, or name a version that is no longer there.
			apt-get install -y "$package" || { apt-get update && apt-get install -y "$package"; }
			;;
		dnf) dnf install -y "$package" ;;
		apk) apk add "$package" ;;
		pacman) pacman -S --noconfirm "$package" ;;
		zypper) zypper --non-interactive install "$package" ;;
		esac || continue
		if have setcap && have getcap; then
			return
		fi
	done
	die "setting the capability of $target: there is no setcap or no getcap, and $manager could not install it from $packages"
}

# has_capability FILE: the capability, and no other. Older getcaps write "FILE = NAME+ep".
has_capability() {
	case $(getcap "$1" 2>/dev/null) in
	"$1 $capability=ep" | "$1 = $capability+ep") return 0 ;;
	esac
	return 1
}

# is_installed: the very binary is at its place, and is as it should be.
is_installed() {
	[ -f "$target" ] &&
		[ "$(stat -c '%u:%g %a' "$target")" = "0:0 755" ] &&
		cmp -s "$binary" "$target" && has_capability "$target"
}

# stage puts the program beside its place, complete but for the name, so that renaming it is all that
# is left to do: a running unc keeps the file it was started from, and nobody ever starts half of one.
stage() {
	room=$dir
	dir_before=$(nearest "$dir")
	mkdir -p "$dir"
	staged=$(mktemp "$dir/.unc.XXXXXX")
	cp "$binary" "$staged"
	capable=yes
	if is_root; then
		chown 0:0 "$staged"
	fi
	chmod 0755 "$staged"
	# After chown, which takes a file's capabilities away (chown(2)).
	if ! why=$(setcap "$capability+ep" "$staged" 2>&1) || ! has_capability "$staged"; then
		capable=no
		if [ -z "$destdir" ]; then
			type=$(mount_of "$dir" | cut -d ' ' -f 2)
			die "setting the capability of $target: the file system there ($type) does not keep it, or root may not set it here${why:+: $why}" \
				"$(elsewhere)"
		fi
	fi
}

commit() {
	mv -f "$staged" "$target"
	staged=
	dir_before=
}

# put FILE makes FILE of its standard input, for everyone to read: whole or not at all.
put() {
	room=$(dirname "$1")
	dir_before=$(nearest "$room")
	if mkdir -p "$room" && staged=$(mktemp "$room/.unc.XXXXXX") && cat >"$staged" &&
		chmod 0644 "$staged" && { ! is_root || chown 0:0 "$staged"; } && mv -f "$staged" "$1"; then
		staged=
		dir_before=
		return
	fi
	unstage
	return 1
}

install_package() {
	stage
	commit
	if [ "$capable" = yes ]; then
		say "installed $target, mode 0755, $capability=ep"
	else
		say "installed $target, mode 0755, without the capability, which can't be set here"
		say "left to the package: setcap $capability+ep $prefix/bin/unc"
	fi
	install_share
	install_policy
	install_drop_ins
	install_profile
	is_root || say "left to the package: owner root:root"
	say "left to the package: the system user $account"
}

# install_here is for root, on a live system. The user comes before the name, so that a program that
# can be started has the user that it may have to become.
install_here() {
	need_setcap
	if is_installed; then
		make_account
		say "already installed: $target, root:root 0755, $capability=ep"
	else
		stage
		make_account
		commit
		say "installed $target, root:root 0755, $capability=ep"
	fi
	install_share
	install_policy
	install_drop_ins
	install_profile
}

# --- man pages and completions ---

# each_share COMMAND calls it with each file of share and its place.
each_share() {
	for page in "$here"/share/man/man?/*.?; do
		if [ -f "$page" ]; then
			"$1" "$page" "$data/man/$(basename "$(dirname "$page")")/$(basename "$page")" || return
		fi
	done
	"$1" "$here/share/completion/unc.bash" "$data/bash-completion/completions/unc" &&
		"$1" "$here/share/completion/_unc" "$data/zsh/site-functions/_unc" &&
		"$1" "$here/share/completion/unc.fish" "$data/fish/vendor_completions.d/unc.fish"
}

# is_put FILE PLACE: there is nothing to do.
is_put() { [ ! -f "$1" ] || cmp -s "$1" "$2" || is_foreign "$2"; }

# is_share FILE: unc's generator has made it, which says so in the first two lines.
is_share() { [ -f "$1" ] && [ ! -L "$1" ] && head -n 2 "$1" | grep -q 'internal/manual of unc'; }

is_foreign() { is_there "$1" && ! is_share "$1"; }

install_one() {
	if is_foreign "$2"; then
		say "left alone: $2, which is not of unc"
	elif is_put "$1" "$2"; then
		return
	elif put "$2" <"$1"; then
		share_count=$((share_count + 1))
	else
		warn "installing $2: it can't be written, as said above"
	fi
}

install_share() {
	if [ ! -d "$here/share" ]; then
		say "left out: man pages and completions, as there is no $here/share"
		return
	fi
	share_count=0
	each_share install_one
	if [ "$share_count" -gt 0 ]; then
		say "installed man pages and completions in $data: $share_count files"
	fi
}

# remove_share goes by what is installed: there may be no share beside install.sh any more.
remove_share() {
	share_count=0
	for file in "$data"/man/man1/unc.1 "$data"/man/man1/unc-*.1 "$data"/man/man5/unc-network.conf.5 \
		"$data"/bash-completion/completions/unc "$data"/zsh/site-functions/_unc "$data"/fish/vendor_completions.d/unc.fish; do
		if is_share "$file"; then
			rm -f "$file"
			share_count=$((share_count + 1))
		elif is_there "$file"; then
			say "left alone: $file, which is not of unc"
		fi
	done
	if [ "$share_count" -eq 0 ]; then
		say "already gone: man pages and completions"
		return
	fi
	say "removed man pages and completions in $data: $share_count files"
	for made in man/man1 man/man5 bash-completion/completions bash-completion zsh/site-functions zsh \
		fish/vendor_completions.d fish; do
		rmdir "$data/$made" 2>/dev/null || :
	done
	# These two are everybody's where distributions have them.
	case $prefix in
	/usr | /usr/local) ;;
	*) rmdir "$data/man" "$data" 2>/dev/null || : ;;
	esac
}

# --- the policy ---

# bridge_name prints BRIDGE of the policy, whose lines are those of systemd.exec(5), EnvironmentFile=.
bridge_name() {
	name=
	if [ -f "$policy" ] && [ -r "$policy" ]; then
		name=$(awk '
			/^[ \t]*BRIDGE[ \t]*=/ {
				sub(/^[^=]*=[ \t]*/, "")
				sub(/[ \t\r]+$/, "")
				if (/^".*"$/ || /^\047.*\047$/) $0 = substr($0, 2, length($0) - 2)
				name = $0
			}
			END { print name }
		' "$policy")
	fi
	# It becomes part of paths, patterns and files.
	case $name in
	'') say unc0 ;;
	[!A-Za-z0-9_]* | *[!A-Za-z0-9_.-]* | ????????????????* | uv*)
		warn "reading $policy: BRIDGE \"$name\" is no name for an interface, so unc0 is taken for the bridge"
		say unc0
		;;
	*) say "$name" ;;
	esac
}

install_policy() {
	if is_there "$policy"; then
		if [ -f "$sample" ] && ! cmp -s "$sample" "$policy"; then
			say "left alone: $policy, which is not the sample"
		fi
	elif [ ! -f "$sample" ]; then
		warn "installing $policy: there is no $sample, so there is no policy to edit, and unc goes by its defaults"
	elif put "$policy" <"$sample"; then
		say "installed $policy, which names the defaults"
	else
		warn "installing $policy: it can't be written, as said above, and unc goes by its defaults"
	fi
}

remove_policy() {
	if ! is_there "$policy"; then
		say "already gone: $policy"
	elif [ ! -f "$sample" ]; then
		say "left alone: $policy, as there is no $sample to tell whether it was edited"
	elif [ -L "$policy" ] || ! cmp -s "$sample" "$policy"; then
		say "left alone: $policy, which is not the sample"
	else
		rm -f "$policy"
		say "removed $policy"
	fi
	rmdir "$(dirname "$policy")" 2>/dev/null || :
}

# --- the daemons that configure interfaces ---

# drop_in FILE prints what is in it.
drop_in() {
	say "$made_by"
	case $1 in
	"$networkmanager_file")
		# Not unmanaged-devices of [keyfile]: that is one list, which another file sets anew; sections
		# add up (NetworkManager.conf(5)).
		cat <<-END
			[device-unc]
			match-device=interface-name:$bridge;interface-name:uv*
			managed=0
		END
		;;
	"$link_file")
		# Of all that match only the first is applied: neither 99-default.link, whose MACAddressPolicy is
		# for virtual interfaces too, nor somebody's for every interface. The filter knows unc's addresses.
		cat <<-END
			[Match]
			OriginalName=$bridge uv*

			[Link]
			NamePolicy=
			MACAddressPolicy=none
		END
		;;
	"$network_file")
		cat <<-END
			[Match]
			Name=$bridge uv*

			[Link]
			Unmanaged=yes
		END
		;;
	esac
}

# is_wanted FILE: somebody is there to read it.
is_wanted() {
	case $1 in
	"$networkmanager_file") set -- /etc/NetworkManager /usr/lib/NetworkManager/conf.d ;;
	*) set -- /etc/systemd/network /usr/lib/systemd/network /lib/systemd/network ;;
	esac
	for place in "$@"; do
		if [ -d "$destdir$place" ]; then
			return
		fi
	done
	return 1
}

# is_own FILE: nobody else made it, nor has masked it with a link to /dev/null.
is_own() {
	[ -f "$1" ] && [ -r "$1" ] && [ ! -L "$1" ] && IFS= read -r first <"$1" && [ "$first" = "$made_by" ]
}

# is_stale FILE: it is wanted, and is missing or for another bridge.
is_stale() {
	is_wanted "$1" || return
	is_there "$destdir$1" || return 0
	is_own "$destdir$1" && [ "$(cat "$destdir$1")" != "$(drop_in "$1")" ]
}

install_drop_ins() {
	touched=
	for file in $drop_ins; do
		at=$destdir$file
		if is_stale "$file"; then
			if put "$at" <<-END; then
				$(drop_in "$file")
			END
				say "installed $at"
				touched="$touched $file"
			else
				warn "installing $at: it can't be written, as said above"
			fi
		elif is_there "$at" && ! is_own "$at"; then
			say "left alone: $at, which install.sh did not make"
		elif [ -n "$destdir" ] && ! is_wanted "$file"; then
			say "left to the package: $file, as there is no $(dirname "$at")"
		fi
	done
	reload_daemons
}

remove_drop_ins() {
	touched=
	for file in $drop_ins; do
		at=$destdir$file
		if is_own "$at"; then
			rm -f "$at"
			say "removed $at"
			touched="$touched $file"
		elif is_there "$at"; then
			say "left alone: $at, which install.sh did not make"
		fi
	done
	reload_daemons
}

# reload_daemons has those that run read what was touched. One that does not will when it starts.
reload_daemons() {
	if [ -n "$destdir" ]; then
		return
	fi
	case $touched in
	*"$networkmanager_file"*)
		if have nmcli && [ "$(LC_ALL=C nmcli -t -f RUNNING general 2>/dev/null)" = running ]; then
			reload nmcli general reload conf
		fi
		;;
	esac
	case $touched in
	*"$network_file"*)
		if have networkctl && have systemctl && systemctl is-active --quiet systemd-networkd.service 2>/dev/null; then
			reload networkctl reload
		fi
		;;
	esac
	case $touched in
	*"$link_file"*)
		if have udevadm && [ -e /run/udev/control ]; then
			reload udevadm control --reload
		fi
		;;
	esac
}

# reload COMMAND...
reload() {
	if ! "$@" </dev/null; then
		warn "having $1 read the files again: it says why above"
		printf 'hint: %s\n' "$*" >&2
	fi
}

# --- AppArmor ---

# profile prints what is in the file: what Ubuntu's own profiles allow other programs that make user
# namespaces (apparmor.d(5)). It is for one path, which is the program's real one.
profile() {
	path=$prefix/bin/unc
	if [ -z "$destdir" ] && [ -d "$dir" ]; then
		path=$(cd -P "$dir" && pwd -P)/unc
	fi
	say "$made_by"
	cat <<-END
		abi <abi/4.0>,
		include <tunables/global>

		profile unc "$path" flags=(unconfined) {
		  userns,
		}
	END
}

# is_profile_wanted: a package is for machines that may restrict, where its DESTDIR has the directory.
is_profile_wanted() {
	if [ -n "$destdir" ]; then
		[ -d "$destdir$(dirname "$apparmor_file")" ]
	else
		[ "$(cat "$apparmor_restricts" 2>/dev/null)" = 1 ]
	fi
}

# is_profile_stale: it is wanted, and is missing or for another path.
is_profile_stale() {
	is_profile_wanted || return
	is_there "$destdir$apparmor_file" || return 0
	is_own "$destdir$apparmor_file" && [ "$(cat "$destdir$apparmor_file")" != "$(profile)" ]
}

install_profile() {
	at=$destdir$apparmor_file
	if ! is_profile_stale; then
		if is_there "$at" && ! is_own "$at"; then
			say "left alone: $at, which install.sh did not make"
		elif [ -n "$destdir" ] && ! is_there "$at"; then
			say "left to the package: $apparmor_file, as there is no $(dirname "$at")"
		fi
		return
	fi
	case $prefix in
	*[\"\\*?{}^]* | *\[* | *\]*)
		warn "installing $at: AppArmor would take $prefix for a pattern"
		return
		;;
	esac
	if ! profile | put "$at"; then
		warn "installing $at: it can't be written, as said above"
		return
	fi
	if [ -n "$destdir" ]; then
		say "installed $at"
	elif ! have apparmor_parser; then
		say "installed $at, which counts from the next boot on: there is no apparmor_parser to load it"
	elif apparmor_parser -r "$at" </dev/null; then
		say "installed $at, and loaded it"
	else
		warn "loading $at: apparmor_parser says why above"
		printf 'hint: apparmor_parser -r %s\n' "$at" >&2
	fi
}

# remove_profile unloads it as well. A program that has it keeps it to its end.
remove_profile() {
	at=$destdir$apparmor_file
	if is_own "$at"; then
		if [ -z "$destdir" ] && have apparmor_parser && ! apparmor_parser -R "$at" </dev/null; then
			warn "unloading $at: apparmor_parser says why above; it is gone at the next boot"
		fi
		rm -f "$at"
		say "removed $at"
	elif is_there "$at"; then
		say "left alone: $at, which install.sh did not make"
	fi
}

# --- the system user ---

user_id() { id -u "$account" 2>/dev/null || :; }

# Alpine has getent in a package of its own.
group_id() {
	if have getent; then
		getent group "$account" || :
	else
		grep "^$account:" /etc/group || :
	fi | cut -d : -f 3
}

is_system_id() { [ "$1" -gt 0 ] && [ "$1" -lt 1000 ]; }

make_account() {
	uid=$(user_id)
	if [ -z "$(group_id)" ]; then
		if have groupadd; then
			groupadd --system "$account"
		else
			addgroup -S "$account"
		fi
		say "created system group $account"
	fi
	if [ -n "$uid" ]; then
		say "already there: user $account, uid $uid"
		is_system_id "$uid" ||
			warn "user $account: uid $uid is not a system user's, and whoever that is will own the containers that root starts"
		return
	fi
	shell=/bin/false
	for nologin in /usr/sbin/nologin /sbin/nologin; do
		if [ -x "$nologin" ]; then
			shell=$nologin
			break
		fi
	done
	if have useradd; then
		useradd --system --gid "$account" --no-create-home --home-dir /nonexistent --shell "$shell" "$account"
	else
		adduser -S -D -H -h /nonexistent -s "$shell" -G "$account" "$account"
	fi
	say "created system user $account, uid $(user_id)"
}

delete_user() {
	if have userdel; then
		userdel "$account"
	else
		deluser "$account"
	fi
}

delete_group() {
	if have groupdel; then
		groupdel "$account"
	else
		delgroup "$account"
	fi
}

remove_account() {
	uid=$(user_id)
	if [ -z "$uid" ]; then
		say "already gone: user $account"
	elif ! is_system_id "$uid"; then
		say "left alone: user $account, uid $uid, is not a system user"
	elif delete_user; then
		say "removed user $account"
	else
		incomplete "removing user $account, uid $uid: its processes may still run" "ps -u $uid"
	fi
	# userdel and deluser take the group of the same name along, but not everywhere.
	gid=$(group_id)
	if [ -n "$gid" ] && [ -z "$(user_id)" ]; then
		if ! is_system_id "$gid"; then
			say "left alone: group $account, gid $gid, is not a system group"
		elif delete_group; then
			say "removed group $account"
		else
			incomplete "removing group $account, gid $gid: it may be another user's first group" "getent group $account"
		fi
	fi
}

# --- the proof ---

# prove runs from /, which every user can read: the current directory may be the invoking user's alone.
prove() {
	user=${SUDO_USER:-${DOAS_USER:-}}
	status=0
	if ! is_root; then
		who=$(id -un 2>/dev/null) || who="uid $(id -u)"
		said=$(cd / && "$target" run true </dev/null 2>&1) || status=$?
	elif [ -n "$user" ] && uid=$(id -u "$user" 2>/dev/null) && [ "$uid" -ne 0 ]; then
		# unc would become this user by itself, but the capability has to work for a user who was never root.
		who=$user
		# shellcheck disable=SC2016 # the inner shell expands it, whatever characters are in the path
		said=$(cd / && unc=$target su -s /bin/sh -c 'exec "$unc" run true' "$user" </dev/null 2>&1) || status=$?
	else
		who="root, which becomes user $account for it"
		said=$(cd / && "$target" run true </dev/null 2>&1) || status=$?
	fi
	if [ "$status" -ne 0 ]; then
		if [ -n "$said" ]; then
			printf '%s\n' "$said" >&2
		fi
		die "proving that $target works: \"unc run true\" as $who exited with $status, and what is installed stays installed"
	fi
	say "proof: \"unc run true\" works, as $who"
	if [ -d "$net/$bridge" ]; then
		say "bridge $bridge is up, until a reboot or sh $self --uninstall"
	fi
}

# --- the way back ---

incomplete() {
	left_over=yes
	warn "$1"
	printf 'hint: %s\n' "$2" >&2
}

ports() {
	count=0
	for port in "$net"/uv*; do
		if [ -e "$port" ]; then
			count=$((count + 1))
		fi
	done
	say "$count"
}

# check_idle waits for a container that has just ended: the kernel removes a network namespace in the
# background, so its interfaces outlive the last process by a moment.
check_idle() {
	if [ "$force" = yes ]; then
		return
	fi
	for _ in 1 2 3; do
		if [ "$(ports)" -eq 0 ]; then
			return
		fi
		sleep 1
	done
	die "uninstalling unc: containers are running, interfaces uv*: $(ports)" \
		"ip -o link show master $bridge    # one for each; the group is the owner's uid" \
		"sh $self --uninstall --force takes their network away"
}

# ask_program has the installed program undo what it did to the kernel: filter, forwarding, bridge.
# Nobody but root can start it from here on, so that no container makes all of it anew.
ask_program() {
	had_bridge=no
	if [ -e "$net/$bridge" ]; then
		had_bridge=yes
	fi
	# Root runs only what root installed; 700 is what an uninstallation that was interrupted leaves.
	case $(stat -c '%F %u:%g %a' "$target" 2>/dev/null) in
	"regular file 0:0 755" | "regular file 0:0 700") ;;
	*) return ;;
	esac
	chmod 0700 "$target"
	status=0
	# Without SUDO_UID, at which unc would become that user.
	(cd / && env -i PATH="$PATH" "$target" net-setup remove </dev/null) || status=$?
	if [ "$status" -ne 0 ]; then
		incomplete "removing the filter: \"unc net-setup remove\" exited with $status, so until a reboot it may stay" \
			"nft delete table inet unc; nft delete table bridge unc"
	fi
}

remove_program() {
	if [ -d "$target" ] && [ ! -L "$target" ]; then
		say "left alone: $target, a directory"
	elif [ -e "$target" ] || [ -L "$target" ]; then
		rm -f "$target"
		say "removed $target"
	else
		say "already gone: $target"
	fi
}

is_own_bridge() {
	case $(cat "$net/$bridge/address") in
	02:75:*) [ -d "$net/$bridge/bridge" ] ;;
	*) return 1 ;;
	esac
}

remove_network() {
	if [ -e "$net/$bridge" ]; then
		if ! is_own_bridge; then
			say "left alone: interface $bridge, $(cat "$net/$bridge/address"), is not unc's, which is a bridge whose address begins with 02:75"
			return
		fi
		if ! have ip; then
			incomplete "removing bridge $bridge: there is no ip command, so it stays until a reboot" \
				"install the package iproute2, and sh $self --uninstall"
			return
		fi
		if ! ip link del "$bridge"; then
			incomplete "removing bridge $bridge: ip says why above" "ip link del $bridge"
			return
		fi
		say "removed bridge $bridge"
	elif [ "$had_bridge" = yes ]; then
		say "removed bridge $bridge"
	else
		say "already gone: bridge $bridge"
	fi
}

uninstall() {
	if [ -n "$destdir" ]; then
		remove_program
		remove_share
		remove_drop_ins
		remove_profile
		remove_policy
		return
	fi
	check_idle
	if ! is_root; then
		need_runner "uninstalling $target" --uninstall
		if [ "$force" = yes ]; then
			as_root --uninstall --force
		else
			as_root --uninstall
		fi
		return
	fi
	left_over=no
	# First the program, so that nobody starts a container in between.
	ask_program
	remove_program
	remove_share
	remove_network
	# After the interfaces, which the daemons would take for their own now.
	remove_drop_ins
	remove_profile
	# After the program, which read the bridge's name in it.
	remove_policy
	remove_account
	[ "$left_over" = no ] || exit 1
}

# --- main ---

# is_settled: nothing is left to do beside the program, or nothing that root could do.
is_settled() {
	if ! is_there "$policy" && [ -f "$sample" ]; then
		return 1
	fi
	for file in $drop_ins; do
		if is_stale "$file"; then
			return 1
		fi
	done
	if is_profile_stale; then
		return 1
	fi
	[ ! -d "$here/share" ] || each_share is_put
}

install() {
	check_target
	if [ -z "$destdir" ] && ! is_root; then
		need_runner "installing $target" "--binary FILE"
	fi
	if [ -z "$binary" ]; then
		[ -f "$here/go.mod" ] ||
			die "building unc: there is no go.mod in $here" "sh $self --binary FILE, with an unc that is built already"
		build
	fi
	if [ -n "$destdir" ]; then
		install_package
		return
	fi
	if is_root; then
		install_here
	elif is_installed && is_settled && [ -n "$(user_id)" ] && [ -n "$(group_id)" ]; then
		say "already there: user $account, uid $(user_id)"
		say "already installed: $target, root:root 0755, $capability=ep"
	else
		as_root --binary "$binary" --no-proof
	fi
	if [ "$proof" = yes ]; then
		prove
	fi
}

main() {
	binary=${UNC_BINARY:-}
	proof=yes
	action=install
	force=no
	options=
	while [ $# -gt 0 ]; do
		case $1 in
		--binary=*)
			binary=${1#*=}
			[ -n "$binary" ] || misused "--binary: it takes a file"
			options=yes
			;;
		--binary)
			[ -n "${2:-}" ] || misused "--binary: it takes a file"
			binary=$2
			options=yes
			shift
			;;
		--no-proof)
			proof=no
			options=yes
			;;
		--uninstall) action=uninstall ;;
		--force) force=yes ;;
		-h | --help)
			usage
			return
			;;
		*) misused "unknown argument \"$1\"" ;;
		esac
		shift
	done
	if [ "$action" = uninstall ] && [ -n "$options" ]; then
		misused "--uninstall goes with neither --binary nor --no-proof"
	fi
	if [ "$action" = install ] && [ "$force" = yes ]; then
		misused "--force goes with --uninstall only"
	fi
	prefix=${PREFIX:-/usr/local}
	case $prefix in
	/*) ;;
	*) misused "PREFIX \"$prefix\": it has to begin with /" ;;
	esac

	# The program and the directories made for it are for everyone, whatever the caller's umask.
	umask 022
	# A user's PATH often lacks the directories that setcap and useradd are in.
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
	here=$(cd -P "$(dirname "$0")" && pwd -P)
	self=$here/$(basename "$0")
	destdir=${DESTDIR:-}
	dir=$destdir$prefix/bin
	target=$dir/unc
	data=$destdir$prefix/share
	policy=$destdir/etc/unc/network.conf
	sample=$here/network.conf.sample
	bridge=$(bridge_name)
	work=
	staged=
	room=
	dir_before=
	trap cleanup EXIT
	# A shell that dies of a signal may not run what waits for EXIT.
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM

	if [ "$action" = uninstall ]; then
		uninstall
		return
	fi
	if [ -n "$binary" ]; then
		if [ ! -f "$binary" ] || [ ! -r "$binary" ]; then
			die "installing $binary: it is not a file that can be read"
		fi
		case $binary in
		/*) ;;
		*) binary=$PWD/$binary ;;
		esac
	fi
	install
}

main "$@"
