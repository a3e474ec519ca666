package cli

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"unc/internal/netplumb"
	"unc/internal/nsexec"
)

// runCmd makes a container and runs a command in it.
type runCmd struct {
	Rootfs   string `placeholder:"DIR"`
	Hostname string `placeholder:"NAME"`
	NoInit   bool   `name:"no-init"`

	fileFlags     `group:"Files:"`
	identityFlags `group:"Identity:"`
	networkFlags  `group:"Network:"`
	limitFlags    `group:"Limits:"`
	securityFlags `group:"Security:"`

	Command []string `arg:"" passthrough:""`
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
	code, err = r.contain(sv, setup)
	setup.Close() // if that did not come so far, it has touched nothing
	return code, err
}

// contain makes the container, and stays with it to its end.
func (r *runCmd) contain(sv *supervisor, setup *netplumb.Helper) (code int, err error) {
	spec, err := r.spec(sv.term)
	if err != nil {
		return 0, err
	}
	group, err := r.group()
	if err != nil {
		return 0, err
	}
	if group != nil {
		spec.Cgroup = group.Dir()
	}
	defer r.endGroup(group)
	defer sv.term.restore() // before the above has something to say
	if sv.child, err = nsexec.Start(spec); err != nil {
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
	// Before the addresses are there, which takes longer.
	if err := r.writeNames(inside, hostname); err != nil {
		return err
	}
	n, err := r.connect(setup, inside)
	if err != nil {
		return err
	}
	if err := r.writeHosts(n, inside, hostname); err != nil {
		return err
	}
	if n != nil {
		for _, text := range n.Warnings {
			warn(text)
		}
		for _, text := range tellPicked(r.published, n.Sockets) {
			tell(text)
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
		sv.serve, sv.ended = func() error { return r.serve(n, inside) }, inside.LetGo
	}
	return sv.release()
}

// Validate checks the command, and each group of flags by itself.
func (r *runCmd) Validate() error {
	if err := checkCommand(r.Command); err != nil {
		return err
	}
	for _, flags := range []interface{ Validate() error }{
		&r.fileFlags, &r.identityFlags, &r.networkFlags, &r.limitFlags, &r.securityFlags,
	} {
		if err := flags.Validate(); err != nil {
			return err
		}
	}
	return r.checkJoin()
}

// spec turns the flags into what nsexec is to make.
func (r *runCmd) spec(term *terminal) (s *nsexec.Spec, err error) {
	s = &nsexec.Spec{
		Rootfs: r.Rootfs, Hostname: r.Hostname, Args: afterDashes(r.Command), NoInit: r.NoInit, Terminal: term.is,
		Network: r.kind(), Capabilities: r.kept, Ambient: r.added, Limits: r.ulimits,
	}
	if s.Rootfs == "" {
		switch holds, safe := nsexec.HoldsRootfs(".", s.Args[0]); {
		case holds && safe:
			s.Rootfs = "."
		case holds:
			warn("what looks like a root file system here may be somebody else's, and is not used: --rootfs . does")
		}
	}
	if s.Hostname == "" && !strings.Contains(r.Name, "_") { // which no host's has
		s.Hostname = r.Name
	}
	if s.Hostname == "" {
		s.Hostname = fmt.Sprintf("unc-%08x", rand.Uint32())
	}
	if s.Join, err = r.join(); err != nil {
		return nil, err
	}
	var home string
	if s.Join != nil {
		s.IDs = s.Join.IDs
		s.User, home, err = r.idsIn(s.IDs, s.Rootfs)
	} else {
		s.IDs, s.User, home, err = r.ids(s.Rootfs)
	}
	if err != nil {
		return nil, err
	}
	if err = r.apply(s); err != nil {
		return nil, err
	}
	if s.Filter, err = r.filter(); err != nil {
		return nil, err
	}
	s.KeysRefused = r.profile == "" // by the default one
	s.Env, err = r.environment([]string{"HOME=" + home, "PATH=" + nsexec.Path, "TERM=" + term.kind(), "HOSTNAME=" + s.Hostname})
	return s, err
}
