#!/bin/sh
# runc.sh runs an OCI bundle with rootless runc, or crun, on unc's network:
#
#	runc spec --rootless    # in a directory that has a rootfs
#	examples/runc.sh . my-container
#
# It adds itself to a copy of the bundle's config.json as a hook, which the runtime
# calls in the container's namespaces while the host's files are still in sight. The
# hook says who it is, unc net-setup attaches its network, and says in turn which
# addresses eth0 is to have. UNC is the unc to use, RUNTIME the runtime, with flags if
# it needs any.
set -eu

# The hook. This /proc is still the host's, and so is the number in it.
if [ "${1-}" = hook ]; then
	read -r pid rest </proc/self/stat
	echo "$pid" >"$2/pid"
	read -r answer <"$2/network"
	field() { printf '%s\n' "$answer" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
	ip link set lo up
	ip address add "$(field address)" dev eth0
	if [ "$(field address6)" ]; then
		ip address add "$(field address6)" dev eth0 nodad
		ip address add "$(field link_local)" dev eth0 nodad
	fi
	ip link set eth0 addrgenmode none
	ip link set eth0 up
	ip route add default via "$(field gateway)"
	if [ "$(field gateway6)" ]; then ip route add default via "$(field gateway6)"; fi
	exit
fi

bundle=$(cd "$1" && pwd) name=$2
self=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
dir=$(mktemp -d)
trap 'kill "$!" 2>/dev/null || :; rm -rf "$dir"' EXIT
mkfifo "$dir/pid" "$dir/network"

# The copy has the hook, and a network namespace of its own; the bundle stays as it is.
hook="{\"createContainer\": [{\"path\": \"$self\", \"args\": [\"runc.sh\", \"hook\", \"$dir\"], \"env\": [\"PATH=$PATH\"]}]}"
network='{ "type": "network" },'
if grep -q '"type": *"network"' "$bundle/config.json"; then network=; fi
sed -e '1s|{|{ "hooks": '"$hook"',|' \
	-e 's|"namespaces": *\[|&'"$network"'|' \
	-e 's|"path": *"rootfs"|"path": "'"$bundle"'/rootfs"|' \
	"$bundle/config.json" >"$dir/config.json"

# Beside the runtime, which stays in front. Without an answer, the hook sees the end of the file.
{
	read -r pid
	"${UNC:-unc}" net-setup "$pid"
} <"$dir/pid" >"$dir/network" &

# shellcheck disable=SC2086 # RUNTIME may have flags
${RUNTIME:-runc} --root "$dir/state" run --bundle "$dir" "$name"
