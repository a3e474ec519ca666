#!/bin/sh
# bwrap.sh runs a command in bubblewrap with a network of its own:
#
#	examples/bwrap.sh curl https://example.org
#
# bwrap makes a network namespace with nothing in it; unc net-setup, told which,
# adds eth0 and says which addresses it is to have: packets from any other, such as a
# link-local one that the kernel makes (addrgenmode), go nowhere. UNC is the unc to use.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/info" "$dir/network"

# Beside bwrap, which stays in front: when it has said what its child's number is,
# have that one's network attached. The child reads the answer, or the end of the file.
{
	while read -r key value && [ "$key" != '"child-pid":' ]; do :; done
	"${UNC:-unc}" net-setup "${value%,}"
} <"$dir/info" >"$dir/network" &

# What the child does first: it reads the answer from descriptor 4 and gives eth0 its
# addresses, for which --cap-add leaves it the right in its own network. The IPv6
# addresses are missing where there is no IPv6.
# shellcheck disable=SC2016 # for the shell in there
inside='
	read -r answer <&4 || exit 125
	field() { printf "%s\n" "$answer" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
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
	exec "$@" 3>&- 4<&-
'
bwrap --unshare-user --uid 0 --gid 0 --unshare-net --cap-add CAP_NET_ADMIN --cap-add CAP_NET_RAW \
	--ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --die-with-parent --info-fd 3 \
	sh -euc "$inside" sh "$@" 3>"$dir/info" 4<"$dir/network"
