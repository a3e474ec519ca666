package doctor

import (
	"fmt"

	"unc/internal/idmap"
	"unc/internal/nsexec"
)

// container is a nsexec.Child, as far as the trial goes with it.
type container interface {
	Ready() (*nsexec.Handles, error)
	Abort() error
}

func startContainer(spec *nsexec.Spec) (container, error) { return nsexec.Start(spec) }

// container tries what settings only promise: the namespaces of a container of one's own
// network, with the ids and in the throw-away system that unc run takes by default.
func (m *machine) container() []Finding {
	ids, err := m.ids()
	if err != nil {
		ids = idmap.Single(uint32(m.uid), uint32(m.gid), 0, 0)
	}
	if err := m.try(&nsexec.Spec{IDs: ids}); err != nil {
		return []Finding{found("container", Problem, err)}
	}
	return []Finding{
		fine("container", "its namespaces, ids and mounts can be made: this was tried"),
		m.overlay(),
	}
}

// laid are directories to lay a copy of: overlays of a throw-away system are forgone
// where they can't be had, so they are tried with a directory. Something may be
// mounted below one of them, which would be no reason.
var laid = [...]string{"/etc", "/usr", "/bin"}

func (m *machine) overlay() Finding {
	const name = "overlay"
	var failed error
	for _, dir := range laid {
		err := m.try(&nsexec.Spec{Rootfs: dir, Ephemeral: true, IDs: idmap.Single(uint32(m.uid), uint32(m.gid), 0, 0)})
		if err == nil {
			return fine(name, "a root can be copied on write (-x): this was tried")
		}
		failed = err
	}
	return found(name, Note, fmt.Errorf("without overlays there is no -x, and the throw-away system is read-only: %w", failed))
}

// try makes a container up to where its network would be made, and ends it.
func (m *machine) try(spec *nsexec.Spec) error {
	spec.Hostname, spec.Args = "unc-doctor", []string{"true"}
	c, err := m.start(spec)
	if err != nil {
		return err
	}
	inside, err := c.Ready()
	// What the container itself has to complain about is nearer to the cause.
	if own := c.Abort(); err != nil && own != nil {
		return own
	}
	if err != nil {
		return err
	}
	return inside.Close()
}
