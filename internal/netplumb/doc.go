// Package netplumb gives a network namespace a leg on the bridge: one end of a
// veth pair, an address, a gateway. It knows nothing of mounts or processes.
//
// # The parts
//
//	Setup      the net-setup process: the only one that ever has a capability (setup.go)
//	Answer     what it says in the end to the unc that has begun it (answer.go)
//	Begin      that unc: starts it, asks, and hears what it did (helper.go)
//	Configure  the container's side, through a socket opened in there (inside.go)
//	Report     asks net-setup for something that no container is made for; and so do
//	           Reload, Examine and Release (ask.go)
//	Directory  who has which name, which anybody may ask the kernel (directory.go)
//
// net-setup is executed from unc's own file, which is what gives it
// CAP_NET_ADMIN. Everything about that process belongs to the user who calls it:
// arguments, environment, descriptors, limits, timing, and signals, SIGKILL and
// SIGSTOP at any moment included. It is built to be killed: setup.go and job.go
// read as the recipe, and each step leaves the host in a state that is complete or that the
// next net-setup completes.
//
//	caps.Hold     permitted only, not dumpable
//	parse         a process number and flags, -, or report, checkup, reload, remove, release NAME (work.go)
//	harden        environment, directory, mask, descriptors, limits
//	checkCaller   not root, not nobody, not in a user namespace
//	policy.Load   what the administrator says, and whether of this user; not for release
//	prepare       look for the bridge and the route to the outside
//	readRequest   for -, the line in which unc run says what is wanted (request.go)
//	openNetns     as the caller; from here on the descriptor counts, never the number
//	openSockets   as the caller, too: ports that are taken or root's the kernel refuses
//	freeSlot      who is over quota is refused before anything is touched, but not
//	              before links that are about to go had a moment to (watch.go)
//	caps.Raise    ┐ on one thread
//	furnish       │ bridge, filter and forwarding, where something is missing (machine.go)
//	obstacles     │ look for other firewalls that drop what containers send
//	takeLease     │ the link with name, number and owner; doors, port of the bridge, up;
//	              │ other names; marks on the sockets. Or nothing of it (veth.go)
//	              ┘
//	caps.Drop     after every descriptor of its own is closed, before a byte is written
//
// The answer is JSON, or for unc run, which gets the sockets of published ports with
// it, a form of its own (answer.go).
//
// report is for everybody, and so is checkup, which does nothing but look, goes on where
// the others give up, and tells all that keeps its caller's containers off the network
// (checkup.go). reload is for whom the policy lets use the network, and remove
// for root alone. release is for the owner of a name, whatever the policy says of him by
// now: he could always delete his end of the pair from inside (release.go).
//
// # The kernel is the database
//
// There is no file, lock or daemon. A link on the bridge is the record of a
// lease, and carries all of it from the one message that creates it:
//
//	its name    the address: uv0a642a07 is 10.100.42.7. The kernel has no two
//	            links of one name, so no two containers have one address.
//	its number  the slot in its owner's quota (lease.Index). The kernel has no two
//	            links of one number either, so a user with a quota of 128 can
//	            have 128 numbers and not one link more, however many net-setups
//	            are run, stopped or killed at once.
//	its group   the owner's uid.
//
// Further names, which the kernel keeps as unique, follow in messages of their own:
//
//	unc-name.UID.NAME  what its owner calls the container; Directory finds it
//	unc-port.UID.N     a slot in the owner's quota of published ports
//
// A published port is a socket on the host that listens there, with a mark that says
// where it leads (filter.Mark). The supervisor holds it, and listMarked finds it.
//
// A free address is found by trying: from a random one on, in random strides; those with
// connections left of their last holders' come last (filter.IsTracked). A name or number
// looked up costs a microsecond and does not depend on how many there are;
// no list of links is read on the way of a start, only by report.
//
// # What is on the host, and what removes it
//
//	uv*          the host end of a pair. The kernel deletes it with the container's
//	             network namespace, that is, with the last process in it, and all its
//	             names with it. TCP connections that were left when unc was killed, and that
//	             nobody answers, keep the namespace for up to two minutes more; release
//	             takes the link from them at once.
//	unc0         the bridge, made by the first container. It stays, down to its fixed
//	             MAC address, until remove or a reboot, as does all that follows.
//	addresses    which MAC address is behind which port, the bridge learns from what the
//	             guard passes, and forgets with the port. No entry is made for it: net-setup
//	             can be stopped until the number it would name is another link's.
//	tables unc   the filter: the same for all containers, but for chains doors-N of links
//	             that have had published ports. The link's successor replaces them, and
//	             deletes them when it publishes nothing.
//	connections  in the host's table of them, until they time out or the address is leased.
//	forwarding   turned on for unc0 and for links that the host has routes through, and
//	             accept_ra, where it has to be. What it was is noted on unc0, as further
//	             names of it (forwarding.go), for remove to take back.
//	sysctls      of unc0 alone (bridgeSysctls); they go with it.
//
// reload puts back what is missing, as the next container does: the filter, with the
// doors that the marks of running containers' sockets tell of. What somebody else has
// turned on for the whole host since is his (yield). remove takes back forwarding,
// while the filter still closes what it opened, then filter and bridge.
//
// A bridge is created with the MAC address that marks it as unc's, so that one
// whose maker was killed is recognized and finished, and a stranger's of the same
// name is never touched. Ports that root adds to it later are root's business.
package netplumb
