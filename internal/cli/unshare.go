package cli

import (
	"errors"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

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
func (u *unshareCmd) run() (code int, err error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	// Those of a container in which nobody is asked to be another; its rootfs is not read for that.
	ids, _, _, err := (&identityFlags{Userns: u.Userns}).ids("")
	if err != nil {
		return 0, err
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
