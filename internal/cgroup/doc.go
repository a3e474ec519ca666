// Package cgroup limits what a container takes of the machine, through cgroup v2
// (Documentation/admin-guide/cgroup-v2.rst in the kernel's sources), without root.
//
// # Where a group may be made
//
// A user can't limit anything by himself: somebody has to have given him a part of
// the hierarchy. There are two ways to it, tried in this order.
//
// A delegated group: the nearest one above this process's own in which the user may
// make groups, and which has the controllers that the limits need. The processes of
// a user can only be moved, or born, below a group whose cgroup.procs he may write
// ("Delegation Containment"), so it is above, not anywhere. The own group itself
// won't do: with this process in it, it gives its groups no controllers ("No
// Internal Process Constraint").
//
//	A                     delegated
//	├── shell             this process
//	└── unc-PID-RANDOM    the limits
//	    └── container     born here
//
// A scope of the user's systemd: on a machine that runs it, the groups that hold a
// unit (*.slice, *.service, *.scope) are systemd's alone to write to, even those
// that belong to the user: it takes controllers back as it likes. So the search
// stops at the first unit, and systemd is asked over D-Bus for one of our own, with
// Delegate=, into which it moves this process.
//
//	unc-PID-RANDOM.scope
//	├── supervisor        this process
//	└── unc-PID-RANDOM    the limits
//	    └── container
//
// Where there is neither, New tells what is missing and what root would type. A
// limit that can't be set is an error, never a warning; each is read again once it is
// written, for the kernel takes some numbers to mean none.
//
// # Two groups
//
// The limits hold for a group that the container can't see: it lives in the one below,
// and that is the root of its cgroup namespace. What a container with CAP_SYS_ADMIN
// mounts begins there, and the files of a namespace's root can be written by the
// user that it belongs to unless the machine mounts with nsdelegate. The same limits are
// written there as well, only to be read: programs size themselves by them.
//
// # What is left
//
// Remove removes the groups when the container has ended. A supervisor that is
// killed leaves empty ones. Those in a scope go with it. In a delegated group
// they stay until the next start below it, which removes every empty group that has
// our kind of name and nobody's lock: the supervisor holds a lock (flock(2)) on the
// directory from before it can be told from an abandoned one, and the kernel takes
// the lock away with the process.
package cgroup
