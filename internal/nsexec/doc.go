// Package nsexec makes a container: its namespaces, its root, its first
// process, and the loss of every privilege in it. It knows nothing of bridges
// or addresses; between Ready and Release somebody else sees to the network.
//
// # The child is a table
//
// Between clone and execve there is no Go program in the child. A forked copy of
// a Go process has one thread and no scheduler, so nothing in it may allocate,
// grow its stack or wait for another goroutine; and to execute a second Go
// program there would cost more than all else that a start does. Instead the
// parent writes down, in ordinary Go, every system call that the child is to
// make (program.go says how; become.go has them in order, and each other file the
// part that it is called after), and the child works off the table (child.go). A call's
// descriptor goes into a slot that later calls name. A call that fails ends the child, which tells
// its parent the number of the step and the errno; the parent knows what the
// step was for, and what makes it fail (failure.go).
//
// This also means that there is no second entry into the binary that a user
// could call with arguments of his own, that what a child is to do is no message that
// has to be parsed, and that pid 1 of a container shares nearly all of its memory with
// the supervisor.
//
// # Stages
//
//	parent (Start)                          child
//	clone3: namespaces, group, pidfd ─────▶ die with the parent; close descriptors
//	newuidmap, newgidmap (full map)         loopback up; DNS and netlink sockets
//	      ──── one byte, when done ───────▶ hostname; keyring; cgroup namespace
//	                                        map uid and gid, or wait
//	                                        all mounts private; volumes' sources cloned
//	(netplumb: veth into the                scratch tmpfs; root: bind, copy or overlays
//	 network namespace meanwhile)           /dev /proc /sys, masks, volumes, /etc files,
//	                                        working directory; read-only root
//	                                        terminal and pipes to the user
//	Ready ◀──── descriptors: root, devpts, /etc files, sockets, terminal ───
//	(address, route; files written)         pivot_root; detach the host's tree
//	                                        lose capabilities, no_new_privs; wait
//	Release ──── one byte ────────────────▶ fork: pid 1 reaps, pid 2 becomes the command:
//	                                        session, terminal, limits, user, filter, execve
//	Started ◀──── end of conversation, or the step and errno of execve ────
//	Exec ──── order, with descriptors ────▶ fork: a later command, in the same way
//	Wait    ◀──── exit of pid 1 with the command's code
//
// Unshare is the same without a container: a user namespace, its ids, and a command.
//
// # Later commands
//
// To run one more command in a container is a message to its pid 1, not a second way in
// (setns(2)): what it has of namespaces, bounding set, no_new_privs, session keyring and
// control group it inherits, and the rest of its program is written by what writes the
// first one's (writeCommand). Orders go over a socket of their own (orders.go): pid 1
// waits for them and for signals at the same time (reap.go), forks (obey.go), and tells
// later how the process ended.
//
// The new process works off a table, too. pid 1 has its memory from the clone, and nothing
// that the supervisor writes since is in it; so the table comes as a file in memory, with
// all that it points to, and is mapped where both processes have kept addresses free
// (arena.go). It reports over a conversation of its own, as the first one does.
//
// All that comes back may be a hostile container's word, should one ever get hold of pid 1:
// answers have one size, no descriptors, and a slot that the supervisor has given out; the
// first that makes no sense ends the listening (processtable.go). Only who asks for a command waits for
// a pid 1 that is stopped. A command that is process 1 itself takes no orders.
//
// # Ids
//
// The caller is one id inside, root unless Spec.IDs has it otherwise, and may write a
// map of that one himself. For a map of more, newuidmap(1) and newgidmap(1) run
// beside the child, which meanwhile does what makes no files. The command's user, when
// that is another, is taken on last of all, after the terminal has been given to
// that user, and the pipes that it starts with, which stay the caller's, were opened to him.
//
// # Networks
//
// In OwnNetwork, the default, the child opens what its parent needs of the network
// namespace, for a socket stays in the one that it was made in: a netlink socket to
// configure it with, and two that listen on DNSAddress, from which the parent can
// answer the container's questions. NoNetwork has loopback, and of it a
// socket is handed over that only shows which network it is, for others to join
// (Handles.Socket). HostNetwork is no namespace at all: the child leaves everything in it
// as it is, has no right over it, and gets the host's /sys read-only, because the
// kernel makes a new sysfs only for who owns the network that it shows.
//
// # Joining
//
// JoinedNetwork is that of another container of the same user. To enter a network
// namespace takes CAP_SYS_ADMIN in the user namespace that it belongs to (setns(2)), so
// the new container lives in the other's user namespace, with the other's ids, and has
// all other namespaces for itself. The other is named by two descriptors that its
// supervisor offers (Child.Offer): its network, and a pidfd of its pid 1, of which the
// ids are read (OpenTarget). A number would not do: of a process that is not dumpable, as
// pid 1 is, only the host's root can open the namespaces in proc(5).
//
// A process with threads can't enter a user namespace, but a raw clone of it can, and
// there makes the container. It is the joiner (join.go), and does nothing else:
//
//	parent (Start)            joiner                           pid 1
//	clone3: nothing new ────▶ die with the parent; not dumpable
//	                          setns: user, network
//	                          clone3: the other namespaces,
//	                          group, pidfd, CLONE_PARENT ────▶ die with the parent; close
//	      ◀──── its number and pidfd ──── exit                 descriptors; wait
//	compare the ids
//	      ──── one byte ─────────────────────────────────────▶ hostname, and all that follows above
//
// CLONE_PARENT makes pid 1 the parent's child, of the same thread: it is waited for,
// signalled and taken along as any other. Should the parent die before pid 1 can ask to be
// taken along, pid 1 sees the end of the conversation. The wait is there so that the first
// word that the parent hears is the joiner's, and a report always one of a child that it knows.
//
// Until it is confined, pid 1 has every right in a user namespace in which somebody hostile
// is root. It is in a pid namespace that he never sees into, so he has no way to name
// it; and it isn't dumpable, with the supervisor's memory, so CAP_SYS_PTRACE there is
// not enough to look into it. What does reach it is CAP_SYS_ADMIN: with it a
// mount namespace of that user namespace can be found (NS_MNT_GET_NEXT in linux/nsfs.h,
// from Linux 6.12 until that was kept to the host's root) and entered, and that of pid 1
// still has the host's tree in it. So no container with that capability is offered, and none
// that joins gets it, for it would be there when the next one joins.
//
// The joined network, and the user namespace, stay as long as anybody is in them.
//
// # Volumes
//
// What the caller adds is taken from the host's tree before anything covers that, by
// paths that are the caller's to choose, and that his own rights open, or those that root
// inside has over the ids of the container. Where it goes is a
// path inside, which is followed as inside (RESOLVE_IN_ROOT): a link in the rootfs leads
// somewhere else in the container at worst. All volumes are nosuid, and but for devices
// nodev; ro holds for what is mounted below them, too.
//
// # Who holds what
//
// The parent has no capability at any time. What it does to the namespaces, it
// may do as the user who made them (user_namespaces(7)). The child has every
// capability in its own user namespace until its mounts are done. Then the bounding set
// is Spec.Capabilities; pid 1 has them, and what it takes to make another user's
// process and to send it signals (startCaps). The command has them as root, and as
// anybody else only Spec.Ambient. It gets descriptors 0 to 2 and no others.
// pid 1 has two: its end of the orders, and a signalfd(2).
//
// pid 1 is a fork of the supervisor, so it clears its dumpable flag before the
// command exists: nobody inside may read its memory, in which the caller's
// environment lies, or take its descriptors; and so do the processes of later commands,
// up to their execve. The seccomp filter is the command's and its children's: installed
// as the last step before execve, it can't keep unc itself from what a start takes,
// and pid 1 does nothing that anybody inside could choose: it takes orders from who has the
// other end of its socket, which is the supervisor alone. What root inside can do to it is to
// send it signals, as many as he likes, and to lower its resource limits (prlimit(2)): neither
// keeps it from taking in the dead (reap.go).
//
// # What is on the host
//
// Nothing but the processes, and the control group that the caller may have made for
// them. Mounts are made in the child's own mount namespace,
// in-memory filesystems end with it, and the kernel ends it with pid 1, which
// dies with the supervisor (PR_SET_PDEATHSIG). Open sockets keep a network namespace;
// those that were handed over end with the supervisor, too. In a rootfs given as a directory,
// missing mount points are made and stay: proc, sys, dev, etc, empty etc/hosts,
// etc/resolv.conf, etc/hostname, those of volumes, and the working directory; unless it
// is Spec.Ephemeral, when all changes are in memory.
//
// # A hostile rootfs
//
// Every mount point in the rootfs is opened by openat2 with RESOLVE_IN_ROOT, and /dev,
// /proc, /sys and /etc with RESOLVE_NO_SYMLINKS as well. Mounts are attached to the
// descriptor, or to a name in it that is not followed, so whoever owns the rootfs and
// changes it meanwhile changes his own container and nothing else. Files are written only
// into filesystems that the child has made itself.
package nsexec
