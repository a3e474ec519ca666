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
// make (program.go, and the files of rootfs.go's kind that write parts of it),
// and the child works off the table (child.go). A call's descriptor goes into
// a slot that later calls name. A call that fails ends the child, which tells
// its parent the number of the step and the errno; the parent knows what the
// step was for.
//
// This also means that there is no second entry into the binary that a user
// could call with arguments of his own, no message format between parent and
// child to get wrong, and that pid 1 of a container shares nearly all of its
// memory with the supervisor.
//
// # Stages
//
//	parent (Start)                          child
//	clone3: namespaces, pidfd ────────────▶ die with the parent; close descriptors
//	                                        map uid and gid to 0; loopback up; DNS and netlink
//	                                        sockets; hostname; keyring
//	                                        all mounts private
//	(netplumb: veth into the                scratch tmpfs; root: bind or overlays
//	 network namespace meanwhile)           /dev /proc /sys, masks, /etc files, terminal
//	                                        pivot_root
//	Ready ◀──── descriptors: /etc files, sockets, terminal ───
//	(address, route; files written)         detach the host's tree
//	                                        lose capabilities, no_new_privs; wait
//	Release ──── one byte ────────────────▶ fork: pid 1 reaps, pid 2 becomes the command
//	Started ◀──── end of conversation, or the step and errno of execve ────
//	Wait    ◀──── exit of pid 1 with the command's code
//
// # Networks
//
// In OwnNetwork, the default, the child opens what its parent needs of the network
// namespace, for a socket stays in the one that it was made in: a netlink socket to
// configure it with, and two that listen on DNSAddress, from which the parent can
// answer the container's questions. NoNetwork has loopback, and nothing is handed
// over of it. HostNetwork is no namespace at all: the child leaves everything in it
// as it is, has no right over it, and gets the host's /sys read-only, because the
// kernel makes a new sysfs only for who owns the network that it shows.
//
// # Who holds what
//
// The parent has no capability at any time. What it does to the namespaces, it
// may do as the user who made them (user_namespaces(7)). The child has every
// capability in its own user namespace until its mounts are done, then keptCaps,
// the bounding set included. The command gets descriptors 0 to 2 and no others.
//
// pid 1 is a fork of the supervisor, so it clears its dumpable flag before the
// command exists: nobody inside may read its memory, in which the caller's
// environment lies.
//
// # What is on the host
//
// Nothing but the processes. Mounts are made in the child's own mount namespace,
// in-memory filesystems end with it, and the kernel ends it with pid 1, which
// dies with the supervisor (PR_SET_PDEATHSIG). Open sockets keep a network namespace;
// those that were handed over end with the supervisor, too. In a rootfs given as a directory,
// missing mount points are made and stay: proc, sys, dev, etc, and empty
// etc/hosts, etc/resolv.conf, etc/hostname.
//
// # A hostile rootfs
//
// Every mount point in the rootfs is opened by openat2 with RESOLVE_IN_ROOT and
// RESOLVE_NO_SYMLINKS, and mounts are attached to the descriptor, so whoever owns
// the rootfs and changes it meanwhile changes his own container and nothing else.
// Files are written only into filesystems that the child has made itself.
package nsexec
