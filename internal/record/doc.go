// Package record keeps what is known of a user's containers: a directory for each, in a
// directory of the user's own. There is no daemon that could tell instead, and nothing
// that would have to be repaired after a crash or a reboot.
//
// # The lock is the container
//
//	$XDG_RUNTIME_DIR/unc/      the store: of one user, mode 0700
//	    web/                   a record; its supervisor holds flock(2) on the directory
//	        record.json        Info, replaced as a whole whenever it changes
//	        control            the socket at which the supervisor is asked
//	        log, log.1         what a detached container wrote (package logfile)
//
// A name is claimed by making the directory and locking it, and is held until the
// descriptor is closed: by Close and Keep, or by the kernel with the process, however
// that ends. Whether a container is alive is therefore the kernel's to say, and not what
// is written anywhere: a record that nobody holds is one of a supervisor that was killed, and is
// swept when somebody claims the name or lists the store. The container itself has ended by
// then: the kernel kills it with its supervisor.
//
// The lock is on the directory, not on a file in it. So there is no moment at which a
// record has no lock, no lock file that could be something else, and systemd-tmpfiles keeps
// its hands off what is locked (tmpfiles.d(5), on age), when the store is in /tmp.
//
// # Who waits for whom
//
// The store itself is locked as well, for the microseconds that a change of the set of names takes:
// exclusively to claim, sweep and remove, shared to look. This is why looking, which takes the
// record's lock shared for a moment, never makes a name appear taken to who claims it. A sweep
// holds it while the caller's function releases what a dead container had on the network
// (milliseconds, after a crash only): the name can't be claimed anew before it is free there, too.
//
// Close needs no lock but its own. It takes the name away first, in one step (rename(2), to "." and
// the inode's number), and then what is in the directory: a reader finds all of a record or none,
// and whoever has the directory open finds out that it is not the one of that name any more. What a
// supervisor that was killed just then has left under such a name is swept as well.
//
//	Claim ──▶ Held ── Put, Listen ──▶ Close      nothing is left
//	            │                 └──▶ Keep       Ended is in it, socket and lock are gone
//	            └─ killed ──▶ dead, swept by the next Claim of the name, or List
//
// Keep is for a detached container that failed, of which nobody would know why. The
// latest 16 stay, until they are removed or their name is claimed.
//
// # Where
//
// The first of these that is a directory of the effective user's, which others have no access to:
//
//	$XDG_RUNTIME_DIR/unc     when that is set, absolute and no symbolic link
//	/run/user/UID/unc
//	/tmp/unc-UID             made when it is missing; an error when it is somebody else's
//
// A variable that leads elsewhere is passed over without a word: after sudo(8) it is often
// another user's, and the next place is the one that this user's other
// processes use. What was chosen is not given up when something is wrong with "unc" in it, though:
// with two stores, containers would be running that can't be found.
//
// A runtime directory ends with its user's last session unless he lingers (loginctl(1)), also
// under a container that runs on. That has no record then, and can only be signalled.
//
// # What is trusted
//
// Only the directory's owner can write there, which is checked on descriptors, without following
// symbolic links; all else is found relative to those. What is read may still be anything, for the
// user may have written it: sizes are bounded, only regular files are read, and nothing is opened
// that could wait. No privileged step reads any of it. Strings of an Info can contain control
// characters; who prints them sees to that.
//
// Not on a filesystem without flock(2) on directories, as NFS is.
package record
