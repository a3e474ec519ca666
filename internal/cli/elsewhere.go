package cli

// elsewhere is what people type who know podman and Docker, and what unc has instead:
// commands, and flags of run. The hint, if there is one, is a command to paste.
var elsewhere = [...]struct{ typed, text, hint string }{
	{"images", noImages, aRootfs},
	{"image", noImages, aRootfs},
	{"pull", noImages, aRootfs},
	{"push", noImages, aRootfs},
	{"build", noImages, aRootfs},
	{"buildx", noImages, aRootfs},
	{"commit", noImages, aRootfs},
	{"export", noImages, aRootfs},
	{"import", noImages, aRootfs},
	{"load", noImages, aRootfs},
	{"save", noImages, aRootfs},
	{"tag", noImages, aRootfs},
	{"rmi", noImages, aRootfs},
	{"search", noImages, aRootfs},
	{"login", noImages, aRootfs},
	{"logout", noImages, aRootfs},

	{"create", startsWithRun, "unc run --help"},
	{"start", startsWithRun, "unc run --help"},
	{"restart", startsWithRun, "unc run --help"},
	{"pause", "unc does not freeze containers; a signal stops their processes", ""},
	{"unpause", "unc does not freeze containers; a signal stops their processes", ""},
	{"rename", "a container keeps the name that it was started with", "unc run --name NAME COMMAND"},
	{"update", "a container keeps the limits that it was started with", "unc run --memory SIZE COMMAND"},
	{"top", "unc has no top of its own: run one in the container", "unc exec NAME ps"},
	{"stats", "unc has no statistics of its own: run a program in the container that has", "unc exec NAME top"},
	{"pod", "unc has no pods; a container can share the network of another", "unc run --network container:NAME COMMAND"},
	{"ls", "ps lists containers", "unc ps"},
	{"list", "ps lists containers", "unc ps"},
	{"enter", "exec runs a command in a container", "unc exec NAME sh"},
	{"shell", "exec runs a command in a container", "unc exec NAME sh"},
	{"info", "what unc has and what it lacks on this machine, doctor tells", "unc doctor"},
	{"system", "what unc has and what it lacks on this machine, doctor tells", "unc doctor"},
	{"cp", "unc copies no files: lend the container a directory", "unc run -v ./DIR:/DIR COMMAND"},
	{"diff", "what a container changes is in its own root file system, or thrown away", "unc run --rootfs DIR COMMAND"},
	{"volume", "unc keeps no volumes: lend the container a directory", "unc run -v ./DIR:/DIR COMMAND"},
	{"network", "there is one network, and all containers of yours are on it", "unc net"},
	{"compose", "unc starts one container at a time; those of yours find each other by name", "unc run --name NAME COMMAND"},
	{"version", "the version is a flag", "unc --version"},

	{"--privileged", "no container of unc's has more rights than you; of its own it can have all capabilities", "unc run --cap-add ALL --security-opt seccomp=unconfined COMMAND"},
	{"--entrypoint", "without images there is no entrypoint: what COMMAND says is run", ""},
	{"--pull", noImages, aRootfs},
	{"--platform", noImages, aRootfs},
	{"--restart", "unc does not start a command again; a service manager does", ""},
	{"--init", "a small init is always there, unless --no-init leaves it out", ""},
	{"--publish-all", "without images nothing names ports; -p 80 takes one of the host's that is free", "unc run -p 80 COMMAND"},
	{"-P", "without images nothing names ports; -p 80 takes one of the host's that is free", "unc run -p 80 COMMAND"},
	{"--expose", "all ports can be reached by containers of yours; -p publishes one at the host's", "unc run -p 8080:80 COMMAND"},
	{"--link", "containers of yours find each other by name", "unc run --name NAME COMMAND"},
	{"--network-alias", "a container has one name", "unc run --name NAME COMMAND"},
	{"--gpus", "a device is lent by its path", "unc run --device /dev/dri COMMAND"},
	{"--shm-size", "the size of /dev/shm is a mount's", "unc run --tmpfs /dev/shm:size=64m COMMAND"},
	{"--sysctl", "a container can't change the kernel's settings", ""},
	{"--pid", "each container has process ids of its own", ""},
	{"--ipc", "each container has an IPC namespace of its own", ""},
	{"--uts", "each container has a host name of its own", "unc run --hostname NAME COMMAND"},
	{"--mac-address", "a container's MAC address follows its IPv4 address", "unc run --ip ADDRESS COMMAND"},
	{"--ip6", "a container's IPv6 address follows its IPv4 address", "unc run --ip ADDRESS COMMAND"},
	{"--volumes-from", "each container is lent its directories by itself", "unc run -v ./DIR:/DIR COMMAND"},
	{"--cpu-shares", "processors are limited by how much of them there is at most", "unc run --cpus 1.5 COMMAND"},
}

const (
	noImages      = "unc has no images: it runs what is in a directory, or in this machine's own system"
	aRootfs       = "unc run --rootfs DIR COMMAND"
	startsWithRun = "a container starts with run, and with it its command; it can't be started again"
)
