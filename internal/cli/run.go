package cli

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"unc/internal/netplumb"
	"unc/internal/nsexec"
)

type runCmd struct {
	Rootfs   string `placeholder:"DIR" help:"Directory that becomes the container's root. Default: the current directory if it holds a root file system with COMMAND in it, else a throw-away copy of this machine's own system."`
	Hostname string `placeholder:"NAME" help:"Host name inside the container. Default: its --name, or a random one."`
	NoInit   bool   `name:"no-init" help:"Make COMMAND process 1, without a small init that reaps the dead and passes signals on."`

	networkFlags `group:"Network:"`

	Command []string `arg:"" passthrough:"" help:"Command and its arguments. All that follows COMMAND belongs to it."`
}

var knownCodes = []struct {
	err  error
	code int
}{
	{nsexec.ErrNotFound, exitNotFound},
	{nsexec.ErrNotExecutable, exitNotExecutable},
}

// run makes the container, gives it a network, and stays with it to its end. What
// takes time runs side by side: net-setup, which early has begun, starts while
// the namespaces are made, and wires them while the container mounts its file systems.
func (r *runCmd) run(early *netplumb.Helper) (code int, err error) {
	setup := early
	if setup == nil {
		if err := leaveRoot(); err != nil {
			return 0, err
		}
		if r.Network == bridged {
			if setup, err = netplumb.Begin(); err != nil {
				return 0, err
			}
		}
	}
	sv := newSupervisor(findTerminal())
	defer sv.term.restore()
	spec := r.spec(sv.term)
	if sv.child, err = nsexec.Start(spec); err != nil {
		setup.Close()
		return 0, err
	}
	r.request(setup, sv.child.PID)
	// Not before Start: threads that run while a process is copied make it slow.
	go sv.catchSignals()
	err = r.furnish(sv, setup, spec.Hostname)
	setup.Close() // it has answered, and ends while the container starts its command
	if err != nil {
		// What the container itself has to complain about is nearer to the cause.
		if own := sv.child.Abort(); own != nil {
			err = own
		}
		return 0, err
	}
	return sv.supervise()
}

// furnish finishes the container with what net-setup brings, and lets it go.
func (r *runCmd) furnish(sv *supervisor, setup *netplumb.Helper, hostname string) error {
	inside, err := sv.child.Ready()
	if err != nil {
		return err
	}
	n, err := r.connect(setup, inside)
	if err != nil {
		return err
	}
	if err := r.writeEtc(n, inside, hostname); err != nil {
		return err
	}
	if n != nil {
		for _, text := range n.Warnings {
			warn(text)
		}
		for _, text := range tellPicked(r.published, n.Sockets) {
			fmt.Fprintf(os.Stderr, "unc: %s\n", text)
		}
	}
	// The terminal is not changed before every signal that could end unc is caught,
	// nor the command started before its terminal is as it will stay.
	<-sv.caught
	if inside.Terminal != nil {
		if err := sv.term.join(inside.Terminal); err != nil {
			return err
		}
	}
	if n != nil {
		sv.serve = func() error { return r.serve(n, inside) }
	}
	return sv.release()
}

// Validate refuses a command that begins with a dash: to kong, a flag that it does
// not know is the first of the arguments that it passes on.
func (r *runCmd) Validate() error {
	switch command := r.command(); {
	case len(command) == 0:
		return errors.New("there is no command to run")
	case len(command) == len(r.Command) && strings.HasPrefix(command[0], "-"):
		return fmt.Errorf("unknown flag %s; a command of that name goes after --", command[0])
	}
	return r.networkFlags.Validate()
}

// command is what follows the flags, or a "--" that ends them.
func (r *runCmd) command() []string {
	if len(r.Command) > 0 && r.Command[0] == "--" {
		return r.Command[1:]
	}
	return r.Command
}

// spec turns the flags into what nsexec is to make.
func (r *runCmd) spec(term *terminal) *nsexec.Spec {
	s := &nsexec.Spec{
		Rootfs: r.Rootfs, Hostname: r.Hostname, Args: r.command(), NoInit: r.NoInit, Terminal: term.is,
		Network: r.kind(),
	}
	if s.Rootfs == "" && nsexec.HoldsRootfs(".", s.Args[0]) {
		s.Rootfs = "."
	}
	if s.Hostname == "" && !strings.Contains(r.Name, "_") { // which no host's has
		s.Hostname = r.Name
	}
	if s.Hostname == "" {
		s.Hostname = fmt.Sprintf("unc-%08x", rand.Uint32())
	}
	s.Env = []string{"HOME=/root", "PATH=" + nsexec.Path, "TERM=" + term.kind(), "HOSTNAME=" + s.Hostname}
	return s
}
