package cli

import (
	"errors"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"unc/internal/idmap"
	"unc/internal/netplumb"
	"unc/internal/nsexec"
)

// unshareCmd runs a command in the ids that containers have by default, without a container.
type unshareCmd struct {
	Userns string `enum:"auto,single" default:"auto" placeholder:"KIND"`

	Command []string `arg:"" passthrough:""`
}

// Validate checks the command, which is all that there is.
func (u *unshareCmd) Validate() error {
	return checkCommand(u.Command)
}

// run stays with the command to its end.
func (u *unshareCmd) run(*netplumb.Helper) (code int, err error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	ids := idmap.Single(uid, gid, 0, 0)
	if u.Userns == autoIDs {
		// As in run, one's own files are all there can be without subordinate ids.
		if all, err := idmap.Subordinate(uid, gid, 0, 0); err == nil {
			ids = all
		}
	}
	// An interrupt or a stop of the terminal's reaches the command as well, which is in
	// the same process group: only the command decides what becomes of it.
	signal.Ignore(unix.SIGINT, unix.SIGQUIT)
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGTERM, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2)

	path := os.Getenv("PATH")
	if path == "" {
		path = nsexec.Path
	}
	child, err := nsexec.Unshare(ids, afterDashes(u.Command), callersEnvironment(), path)
	if err != nil {
		return 0, err
	}
	go func() {
		for sig := range signals {
			_ = child.Signal(sig.(unix.Signal))
		}
	}()
	failed := child.Started()
	code, err = child.Wait()
	return code, errors.Join(failed, err)
}
