package cli

// help has a sentence for every flag and argument, and for one that means something else
// with a command another, after the command's name. They are here and not in tags, where
// kong would read them all at every start: for as many flags as run has, that takes as
// long as to make all of a container's namespaces.
var help = [...]struct{ name, text string }{
	{"rootfs", "Directory that becomes the container's root. Default: the current directory if it holds a root file system with COMMAND in it and nobody but you and root can write to it, else a throw-away copy of this machine's own system."},
	{"hostname", "Host name inside the container. Default: its --name, or a random one."},
	{"name", "What the container is called, for unc ps and the like; other containers of yours resolve the name to it. Default: a name of two words."},
	{"detach", "Leave the container running, and print its name once COMMAND has started."},
	{"interactive", "With --detach, let COMMAND read what unc attach is given; in the foreground it reads your standard input anyway."},
	{"tty", "Give COMMAND a terminal, with --detach too; in the foreground it has one when you have."},
	{"label", "Note for unc ps and unc inspect. May be given again."},
	{"log-opt", "How much of a detached container's output is kept, such as max-size=10m. Default: the last megabyte."},
	{"pidfile", "File to write the number of the container's first process to, removed at the end."},
	{"json-status-fd", "Descriptor to write {\"child-pid\":N} to when COMMAND has started, and {\"exit-code\":N} when it has ended."},
	{"no-init", "Make COMMAND process 1, without a small init that reaps the dead and passes signals on."},
	{"<command>", "Command and its arguments. All that follows COMMAND belongs to it."},

	{"volume", "Show the host's file or directory SRC as DST inside; with ro, read-only. May be given again."},
	{"mount", "The same in words: type=bind,src=SRC,dst=DST,ro or type=tmpfs,dst=DST,tmpfs-size=64m. May be given again."},
	{"tmpfs", "Make DST an empty directory in memory; options: size=64m, mode=1777, exec, ro. May be given again."},
	{"device", "Let the container use a device that you may open, or a directory of them. May be given again."},
	{"read-only", "Make the container's root read-only, with a fresh /tmp, /var/tmp, /run and /dev/shm."},
	{"ephemeral", "Throw away what the container changes in its root."},
	{"workdir", "Directory inside that COMMAND starts in, made when it is missing. Default: /."},

	{"user", "Who runs COMMAND: numbers, or names in the container's /etc/passwd and /etc/group. Default: root, and with --userns=keep-id yourself."},
	{"userns", "auto: all user and group ids that /etc/subuid and /etc/subgid give you, and where there are none yours alone; single: yours alone, which is USER inside; keep-id: you are yourself inside. Default: auto."},
	{"env", "Environment variable. NAME alone takes the value that it has here, if any; NAME* all whose names begin so. May be given again."},
	{"env-file", "File with lines as --env has them; comments begin with #. May be given again; --env counts more."},

	{"network", "bridge: an address of its own on this machine's bridge; none: a loopback interface alone; host: the host's own network; container:NAME: that of another container of yours, and its user ids. Default: bridge."},
	{"publish", "Make a port, or a range of them, reachable at the host's. CONTAINER alone: at one that is free. May be given again."},
	{"ip", "IPv4 address to have, of the bridge's subnet."},
	{"dns", "Name server to ask instead of the host's. May be given again."},
	{"dns-search", "Domain to look names up in, instead of the host's. May be given again."},
	{"add-host", "Entry for the container's /etc/hosts; host-gateway as the address is the host. May be given again."},

	{"memory", "Memory at most, in bytes or with b, k, m or g behind the number."},
	{"memory-swap", "Memory and swap space together at most, or -1: as much swap space as there is. Default: twice as much as --memory."},
	{"cpus", "Processors' worth of time at most, 1.5 for one and a half."},
	{"cpuset-cpus", "Processors to run on, as in 0-2,7."},
	{"pids-limit", "Processes and threads at most; -1 or 0: as many as there may be, the default."},
	{"ulimit", "Limit of each process, as in getrlimit(2): nofile, say. -1 is none. Default: the caller's own, but no more than 1024 as the soft one of nofile. May be given again."},

	{"cap-add", "Capability inside the container beside the usual ones, as in capabilities(7), or ALL. May be given again."},
	{"cap-drop", "Capability to do without, or ALL for all but those added. May be given again."},
	{"security-opt", "seccomp=FILE: a filter of system calls in Docker's format; seccomp=unconfined: none. Default: Docker's own."},

	{"exec workdir", "Directory inside that COMMAND starts in. Default: where the container's own started."},
	{"exec user", "Who runs COMMAND: numbers, or names in the container's /etc/passwd and /etc/group. Default: who runs the container's own."},
	{"exec detach", "Leave the command running, and don't wait for it."},
	{"exec interactive", "For scripts that give it: COMMAND has your standard input with and without."},
	{"exec tty", "Insist on a terminal, which COMMAND has anyway when you have one."},
	{"<name>", "What the container is called; unc ps shows it."},

	{"all", "All of your containers that run."},
	{"ps all", "Show those that have failed as well."},
	{"rm all", "All that have failed; with --force those that run as well."},
	{"force", "End those that run first."},
	{"wait all", "All of your containers that run."},
	{"quiet", "Show only the names."},
	{"ps format", "json, or a Go template, such as '{{.Name}} {{.Address}}'; 'table {{.Name}}\\t{{.Address}}' is one with a heading, and in columns; there are Name, PID, Command, Created, Status, Network, Address, Ports, Rootfs and Labels."},
	{"inspect format", "A Go template, such as '{{.Network.Address}}', in place of JSON."},
	{"follow", "Go on until the container ends."},
	{"tail", "Begin with the last N lines; all: with the first. Default: all."},
	{"timestamps", "Show when each line was written."},
	{"no-stdin", "Pass nothing on that is typed."},
	{"detach-keys", "What to type to leave a container that has a terminal running. Default: ctrl-p,ctrl-q."},
	{"time", "How long the command may take before it is killed. Default: 10."},
	{"signal", "Signal to send. Default: KILL, which ends the container."},
	{"stop signal", "Signal that asks the command to end. Default: TERM."},
	{"<port>", "Port of the container's: 80, or 53/udp."},

	{"unshare userns", "auto: all ids that /etc/subuid and /etc/subgid give you, and where there are none yours alone; single: yours alone. Default: auto."},

	{"format", "table or json. Default: table."},
	{"doctor format", "text or json. Default: text."},

	{"help", "Show this page."},
	{"version", "Show the version and exit."},
}
