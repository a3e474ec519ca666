package manual

// item is a name and what there is to say about it.
type item struct{ name, text string }

// What the command line itself does not say. Between stars is what is typed.

var about = []string{
	"*unc* gives an ordinary user a container with a real network: a bridge, a veth pair and an address of its own, names, and published ports. It is one program with one file capability, *cap_net_admin*. It needs no daemon and no setuid program, and nothing of a container is left when it has ended, however it ended.",
	"A container's root file system is a directory: that of *--rootfs*, or the current one if it holds a root file system of yours, or else a throw-away copy of this machine's own system. There are no images.",
	"Inside, the command is root of a user namespace, which on this machine is you or, with the ids of */etc/subuid*, nobody else. Containers of yours reach each other by name; those of other users are kept apart.",
	"Each command has a page of its own, and tells with *--help* what it does, with examples.",
}

var exitItems = []item{
	{"128+n", "Signal n ended it."},
	{"125", "unc itself failed, and says why on standard error."},
	{"126", "The command can't be executed."},
	{"127", "The command is not found."},
}

// exitsWith is about commands that run none of the user's.
func exitsWith(command string) string {
	switch command {
	case "doctor":
		return "0 when containers can have all that they take; 1 when something is missing; 125 where unc could not find out, and says why on standard error."
	case "attach":
		return "That of the container's command; 0 when the keys to leave it were typed; or 125 where unc could not do it, and says why on standard error."
	}
	return "0, or 125 where unc could not do it, and says why on standard error."
}

var fileItems = []item{
	{"/etc/unc/network.conf", "What root allows and sets for all containers' network: see unc-network.conf(5)."},
	{"/etc/subuid, /etc/subgid", "The ids that a user's containers have beside his own: see subuid(5)."},
	{"$XDG_RUNTIME_DIR/unc/NAME", "What unc keeps of a container of that name while it runs: its record, the socket of its supervisor and, with *--detach*, its log. It goes with the container; that of a detached one which failed stays until *unc rm*."},
	{"/etc/resolv.conf", "Whom unc asks for names that are no container's. It is read again when it changes."},
}

var environmentItems = []item{
	{"NO_COLOR", "With any value, nothing is written in colour. It is never in a pipe or a file."},
	{"TERM", "Passed on to a container that has a terminal. With dumb, nothing is written in colour."},
	{"XDG_RUNTIME_DIR", "Where the records of containers are. Without it they are in /run/user, or in a directory of yours below /tmp."},
	{"PATH", "Where *unc unshare* looks for its command. A container has a PATH of its own."},
	{"SUDO_UID, SUDO_GID", "Whom unc becomes when root calls it: nothing is run as the machine's root. Without them it is the system user unc."},
}
