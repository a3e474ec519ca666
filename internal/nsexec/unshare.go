package nsexec

import (
	"fmt"
	"os"

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
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a socket pair: %w", err)
	}
	// NoInit: what the table starts is the command itself.
	c := &Child{
		sock: os.NewFile(uintptr(ends[0]), "child"),
		prog: newProgram(&Spec{Network: HostNetwork}),
		spec: &Spec{Args: args, IDs: ids, NoInit: true}, tried: candidates(args[0], path),
	}
	p := c.prog
	p.closeAllBut(ends[1])
	p.mapIdentity(ids, ends[1])
	setup := len(p.steps)
	p.unblockSignals()
	p.exec(c.tried, args, env)
	err = c.begin(setup, ends[1], cloneArgs{
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
