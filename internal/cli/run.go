package cli

import (
	"cmp"
	"errors"
	"strings"

	"unc/internal/netplumb"
	"unc/internal/nsexec"
)

// runCmd makes a container and runs a command in it.
type runCmd struct {
	Rootfs   string `placeholder:"DIR"`
	Hostname string `placeholder:"NAME"`
	NoInit   bool   `name:"no-init"`
	Remove   bool   `name:"rm" default:"true" hidden:""` // for podman's and Docker's users: it is always so

	lifeFlags     `group:"Life:"`
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

// run makes the container, gives it a network, and stays with it to its end, or leaves
// that to a process of its own (detach.go). What takes time runs side by side: net-setup,
// which early has begun, starts while the namespaces are made, and wires them while the
// container mounts its file systems.
func (r *runCmd) run(early *netplumb.Helper) (code int, err error) {
	setup := early
	if setup == nil {
		if err := leaveRoot(); err != nil {
			return 0, err
		}
	}
	if r.Detach && !r.Supervise {
		return r.detach()
	}
	if setup == nil && r.Network == bridged {
		if setup, err = netplumb.Begin(); err != nil {
			return 0, err
		}
	}
	c, err := r.newContainer()
	if err == nil {
		code, err = r.contain(c, setup)
		c.close()
	}
	setup.Close() // if that did not come so far, it has touched nothing
	return code, err
}

// contain makes the container, and stays with it to its end.
func (r *runCmd) contain(c *container, setup *netplumb.Helper) (code int, err error) {
	if c.spec, err = r.spec(c); err != nil {
		return 0, err
	}
	group, err := r.group()
	if err != nil {
		return 0, err
	}
	if group != nil {
		c.spec.Cgroup = group.Dir()
	}
	defer r.endGroup(group)
	defer c.console.restore() // before the above has something to say
	if c.child, err = nsexec.Start(c.spec); err != nil {
		return 0, err
	}
	r.request(setup, c.child.PID, c.name)
	sv := newSupervisor(c, c.console)
	// Not before Start: threads that run while a process is copied make it slow.
	go sv.catchSignals()
	err = r.furnish(sv, c, setup)
	setup.Close() // it has answered, and ends while the container starts its command
	if err != nil {
		// What the container itself has to complain about is nearer to the cause.
		if own := c.child.Abort(); own != nil {
			err = own
		}
		return 0, err
	}
	code, err = sv.supervise(c.child.Started())
	if err == nil {
		<-c.begun // or its end would be told before its beginning
		c.end(code)
		err = c.failed
	}
	return code, err
}

// furnish finishes the container with what net-setup brings, and lets it go.
func (r *runCmd) furnish(sv *supervisor, c *container, setup *netplumb.Helper) error {
	if err := c.listen(); err != nil {
		return err
	}
	inside, err := c.child.Ready()
	if err != nil {
		return err
	}
	c.inside = inside
	// Before the addresses are there, which takes longer.
	if err := r.writeNames(inside, c.spec.Hostname); err != nil {
		return err
	}
	n, err := r.connect(setup, inside)
	if err != nil {
		return err
	}
	if c.hosts, err = r.writeHosts(n, inside, c.spec.Hostname, c.name); err != nil {
		return err
	}
	c.network = n
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
		if err := c.console.join(inside.Terminal); err != nil {
			return err
		}
	}
	sv.began = func() error { return r.begin(c) }
	if n != nil {
		sv.ended = inside.LetGo
	}
	return sv.release(c.child.Release)
}

// begin starts what a running container needs of its supervisor.
func (r *runCmd) begin(c *container) error {
	// Before anybody can ask for it, and the resolver takes over what leads to the network.
	c.offer.init, c.offer.netns, c.offer.err = c.child.Offer(c.inside)
	if !c.begin() || c.network == nil {
		return nil
	}
	return r.serve(c.network, c.inside, c.serves)
}

// Validate checks the command, and each group of flags by itself.
func (r *runCmd) Validate() error {
	if err := checkCommand(r.Command); err != nil {
		return err
	}
	if !r.Remove {
		return errors.New("--rm=false means nothing: a container that has ended is never started again")
	}
	for _, flags := range []interface{ Validate() error }{
		&r.lifeFlags, &r.fileFlags, &r.identityFlags, &r.networkFlags, &r.limitFlags, &r.securityFlags,
	} {
		if err := flags.Validate(); err != nil {
			return err
		}
	}
	return r.checkJoin()
}

// spec turns the flags into what nsexec is to make.
func (r *runCmd) spec(c *container) (s *nsexec.Spec, err error) {
	s = &nsexec.Spec{
		Rootfs: r.Rootfs, Hostname: r.Hostname, Args: afterDashes(r.Command), NoInit: r.NoInit, Terminal: c.console.streams(),
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
	if s.Hostname == "" {
		s.Hostname = hostnameFor(c.name)
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
	s.Env, err = r.environment([]string{"HOME=" + home, "PATH=" + nsexec.Path, "TERM=" + c.console.kind(), "HOSTNAME=" + s.Hostname})
	return s, err
}

// hostnameFor makes a host name of a container's, which may have more in it (hostname(7)).
func hostnameFor(name string) string {
	return cmp.Or(strings.Trim(strings.ReplaceAll(name, "_", "-"), "-"), "unc")
}
