// Package policy is what the machine's administrator says about the network: its
// addresses, who may use it, and how much of it.
//
// # The file
//
// All of it stands in /etc/unc/network.conf. Where there is no such file, or it
// does not name a key, the default counts. One process reads it, net-setup, the
// one that acts by it; no environment variable and no flag overrides a line of it,
// for those are the caller's, and this is what the caller is held to.
//
// net-setup has no privilege when it reads, and so reads as its caller: the file
// must be readable by all who are to use the network. It has nothing to hide.
//
// # Whose word it is
//
// The file and the directory that it is in must belong to root, and nobody else
// may be able to write there. Neither the file nor any directory on the way may
// be a symbolic link. What was opened is what is checked, never a name again
// (trusted.go). A file that can't be opened, is not a regular one, or is larger
// than 64 KiB is an error, never a reason for the defaults.
//
// # The format
//
// It is that of systemd's EnvironmentFile (systemd.exec(5)) and of flannel's
// subnet.env, less what nobody needs here:
//
//	# a comment, as is a line that begins with a semicolon
//	SUBNET=10.100.42.0/24
//	ALLOW = "alice bob @users"
//
// A value may be in single or double quotes. Spaces around key and value are
// dropped. There are no continued lines, no escapes, nothing is expanded, and a
// comment has a line of its own.
//
//	key                 default            value
//	BRIDGE              unc0               name of the bridge
//	SUBNET              10.100.42.0/24     IPv4, /16 to /28; the first address is the gateway. Or flannel.
//	SUBNET6             from machine-id(5) IPv6, a /64 of 2000::/3 or fc00::/7. Or none.
//	MTU                 the host's         bytes, 1280 to 65535
//	MAX_PER_USER        128                containers of one user on the network, 1 to 1022
//	MAX_PORTS_PER_USER  128                published ports of one user, 0 to 1024
//	MAX_CONNECTIONS     8192               tracked connections of one container, 64 to 1048576
//	ISOLATION           user               user: only one's own containers; none: all of them
//	PUBLISH             1024-65535         host ports that may be published: 80,443,8000-8999. Or none.
//	NAT                 yes                forward and masquerade to the outside: yes or no
//	HOST_ACCESS         yes                services of the host through the gateway: yes or no
//	ALLOW               *                  users and @groups, by name or number; * is everybody
//
// What is not exactly so is refused with the number of its line, and then no
// container gets a network: a line that was meant to forbid something must not
// be passed over. That goes for an unknown key, for a key that stands there
// twice, for an empty value, for a number with leading zeros, for a subnet with
// host bits, and for a name that is neither in /etc/passwd nor in /etc/group.
// Users and groups from elsewhere, such as LDAP, go by their number.
//
// # What is looked up
//
// SUBNET=flannel takes subnet, overlay and MTU from /run/flannel/subnet.env,
// which must be root's in the same way (flannel.go). ALLOW reads /etc/passwd and
// /etc/group only when it has names in it (allow.go). Without SUBNET6 the prefix
// is made from the machine id, such that nobody learns the id from it; a machine
// without one makes it from the boot id, and a bridge lives no longer than that.
// A host whose kernel has no IPv6, or where it is turned off, has none whatever
// SUBNET6 says (subnet6.go).
package policy
