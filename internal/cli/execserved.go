package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/hint"
	"unc/internal/nsexec"
	"unc/internal/users"
)

// exec runs one more command in the container, for who asks for it with three streams.
func (c *container) exec(conn *control.Conn, asked *control.Command, streams []*os.File) error {
	if asked == nil || len(streams) != 3 {
		return errors.New("a command needs arguments and three streams")
	}
	command, err := c.command(asked)
	if err != nil {
		return err
	}
	command.Streams = [3]*os.File(streams)
	if slices.Contains(asked.Terminal[:], true) {
		tty, err := c.terminalFor(conn)
		if err != nil {
			return err
		}
		defer tty.Close()
		command.Terminal = tty
		for fd, wanted := range asked.Terminal {
			if wanted {
				command.Streams[fd] = nil
			}
		}
	}
	process, err := c.child.Exec(command)
	if err != nil {
		return err
	}
	if !asked.Detach {
		// Before it has started, too, which somebody inside can keep it from.
		go passSignals(conn, process)
	}
	if err := process.Started(); err != nil {
		return err
	}
	heard := c.addWaiter()
	if heard == nil {
		return errOver
	}
	defer heard()
	// The command has copies, and nobody else should keep them from their ends.
	control.CloseFiles(streams)
	if err := conn.Send(control.Reply{Started: true}); err != nil {
		_ = process.Signal(unix.SIGKILL)
	}
	code := process.Wait()
	return conn.Send(control.Reply{Code: &code})
}

// terminalFor makes a terminal in the container and hands its controlling side to who asks,
// who says when his own is ready: the command finds it as it will stay.
func (c *container) terminalFor(conn *control.Conn) (tty *os.File, err error) {
	master, tty, err := c.inside.NewTerminal()
	if err != nil {
		return nil, err
	}
	err = conn.Send(control.Reply{Terminal: true}, master)
	master.Close()
	var order control.Order
	if err == nil {
		order, err = conn.HearOrder()
	}
	if err == nil && !order.Go {
		err = errors.New("the terminal was not joined")
	}
	if err != nil {
		tty.Close()
		return nil, err
	}
	return tty, nil
}

// passSignals passes signals on to the command, and ends it when who asked for it is gone.
func passSignals(conn *control.Conn, process *nsexec.Process) {
	for {
		order, err := conn.HearOrder()
		if err != nil {
			_ = process.Signal(unix.SIGKILL)
			return
		}
		if checkSignal(order.Signal) == nil {
			_ = process.Signal(unix.Signal(order.Signal))
		}
	}
}

// command is what is asked for, in the container's terms.
func (c *container) command(asked *control.Command) (*nsexec.Command, error) {
	if len(asked.Args) == 0 {
		return nil, errors.New("there is no command to run")
	}
	command := &nsexec.Command{Args: asked.Args, Workdir: string(asked.Workdir), User: c.spec.User, Ambient: c.spec.Ambient}
	if command.Workdir == "" {
		command.Workdir = c.spec.Workdir
	}
	env := newEnvironment(c.spec.Env)
	if asked.User != "" {
		who, err := users.Lookup(int(c.inside.Root.Fd()), string(asked.User))
		if hint.Of(err) != nil { // which is about unc run
			err = hint.With(err, "unc exec -u 1000:1000 "+c.name+" COMMAND    # numbers need no entry")
		}
		if err != nil {
			return nil, err
		}
		command.User = nsexec.User{UID: who.UID, GID: who.GID}
		if !c.spec.IDs.IsSingle() {
			command.User.Groups = append([]uint32{}, who.Groups...) // none, rather than the caller's
		}
		env.set("HOME=" + who.Home)
	}
	for _, variable := range asked.Env {
		if name, _, found := strings.Cut(variable, "="); !found || name == "" {
			return nil, fmt.Errorf("%.64q is no variable of an environment", variable)
		}
		env.set(variable)
	}
	command.Env = env.list
	return command, nil
}
