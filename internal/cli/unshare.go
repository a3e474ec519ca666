package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/idmap"
	"unc/internal/netplumb"
	"unc/internal/nsexec"
)

type unshareCmd struct {
	Command []string `arg:"" passthrough:""`
}

// Validate is runCmd's, for there are no flags here either.
func (u *unshareCmd) Validate() error {
	return checkCommand(u.Command)
}

// run runs a command in the ids that containers have by default, without a container.
func (u *unshareCmd) run(*netplumb.Helper) (code int, err error) {
	if err := leaveRoot(); err != nil {
		return 0, err
	}
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	ids, err := idmap.Subordinate(uid, gid, 0, 0)
	if err != nil { // as in run, files of one's own are all there can be then
		ids = idmap.Single(uid, gid, 0, 0)
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

// callersEnvironment is all of it but what the Go runtime has added: a program with a
// file capability runs with GOTRACEBACK=none.
func callersEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return v == "GOTRACEBACK=none" })
}

// checkCommand refuses a command that begins with a dash: to kong, a flag that it does
// not know is the first of the arguments that it passes on.
func checkCommand(args []string) error {
	switch command := afterDashes(args); {
	case len(command) == 0:
		return errors.New("there is no command to run")
	case len(command) == len(args) && strings.HasPrefix(command[0], "-"):
		return fmt.Errorf("unknown flag %s; a command of that name goes after --", command[0])
	}
	return nil
}

// afterDashes is what follows the flags, or a "--" that ends them.
func afterDashes(args []string) []string {
	if len(args) > 0 && args[0] == "--" {
		return args[1:]
	}
	return args
}
