// Package netplumb gives a network namespace a leg on the bridge: one end of a
// veth pair, an address, a gateway. It knows nothing of mounts or processes.
//
// # Three parts
//
//	Setup      the net-setup process: the only one that ever has a capability (setup.go)
//	Begin      its caller: starts it and hears what it did (attach.go)
//	Configure  the container's side, through a socket opened in there (inside.go)
//
// net-setup is executed from unc's own file, which is what gives it
// CAP_NET_ADMIN. Everything about that process belongs to the user who calls it:
// arguments, environment, descriptors, limits, timing, and signals, SIGKILL and
// SIGSTOP at any moment included. It is built to be killed: setup.go reads as the
// recipe, and each step leaves the host in a state that is complete or that the
// next net-setup completes.
//
//	caps.Hold     permitted only, not dumpable
//	parseArgs     one process number, or -
//	harden        environment, directory, mask, descriptors, limits
//	checkCaller   not root, not nobody, not in a user namespace
//	prepare       look for the bridge, the route to the outside, the resolvers
//	openNetns     as the caller; from here on the descriptor counts, never the number
//	freeSlot      who is over quota is refused before anything is touched, but not
//	              before links that are about to go had a moment to (watch.go)
//	caps.Raise    ┐ on one thread
//	makeBridge    │ where findBridge found none, or half of one
//	lease         ┘
//	caps.Drop     after every descriptor is closed, before a byte is written
//
// # The kernel is the database
//
// There is no file, lock or daemon. A link on the bridge is the record of a
// lease, and carries all of it from the one message that creates it:
//
//	its name    the address: uv0a642a07 is 10.100.42.7. The kernel has no two
//	            links of one name, so no two containers have one address.
//	its number  the slot in its owner's quota (slotIndex). The kernel has no two
//	            links of one number either, so a user with a quota of 128 can
//	            have 128 numbers and not one link more, however many net-setups
//	            are run, stopped or killed at once.
//	its group   the owner's uid.
//
// A free address is found by trying: from a random one on, in random strides. A
// name or number looked up costs a microsecond and does not depend on how many
// there are; no list of links is ever read.
//
// # What is on the host, and what removes it
//
//	uv*    the host end of a pair. The kernel deletes it with the container's
//	       network namespace, that is, with the last process in it.
//	unc0   the bridge, made by the first container. It stays, down to its fixed
//	       MAC address, until install.sh --uninstall or a reboot.
//	bridgeSysctls   kernel settings of unc0 alone; they go with it.
//
// A bridge is created with the MAC address that marks it as unc's, so that one
// whose maker was killed is recognized and finished, and a stranger's of the same
// name is never touched. Ports that root adds to it later are root's business.
package netplumb
