package nsexec

import (
	"golang.org/x/sys/unix"

	"unc/internal/idmap"
)

// Unshare starts a command as root of a user namespace with the given ids, in which
// the caller's own is 0, and of a mount namespace. All else is the caller's: files,
// network, processes, terminal, but no descriptor above 2. Mounts that the host makes later are seen, those of
// the command are not: the kernel makes all of them slaves (mount_namespaces(7)). It is
// for trees whose files have these ids outside: nobody else than who may map them can
// look after such a tree.
//
// A command without a slash is looked for in the directories of path, as in PATH.
// Started tells whether it runs; the command does not end with its parent.
func Unshare(ids idmap.Map, args, env []string, path string) (*Child, error) {
	// NoInit: what the table starts is the command itself.
	c := &Child{
		prog: newProgram(&Spec{Network: HostNetwork}),
		spec: &Spec{Args: args, IDs: ids, NoInit: true}, tried: candidates(args[0], path),
	}
	ends, err := c.connect()
	if err != nil {
		return nil, err
	}
	p := c.prog
	p.closeAllBut(ends.conversation)
	p.mapIdentity(ids, ends.conversation)
	p.setup = len(p.steps)
	p.unblockSignals()
	p.exec(c.tried, args, env)
	err = c.begin(ends, cloneArgs{
		flags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_PIDFD, exitSignal: uint64(unix.SIGCHLD),
	})
	if err == nil {
		if err = c.identify(); err != nil {
			_ = c.Abort()
		}
	}
	if err != nil {
		c.sock.Close()
		return nil, err
	}
	return c, nil
}
