package cli

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"unc/internal/record"
)

// describe is what is recorded of the container.
func (r *runCmd) describe(c *container) *record.Info {
	streams := c.console.streams()
	info := &record.Info{
		Name: c.name, Version: Version(), Supervisor: os.Getpid(), PID: c.child.PID,
		Created: c.created, Started: time.Now(), Command: c.spec.Args, Rootfs: c.spec.Rootfs,
		Hostname: c.spec.Hostname, User: r.User, Network: record.Network{Kind: r.Network},
		Detached: r.Detach, Terminal: slices.Contains(streams[:], true),
		Interactive: !r.Detach || r.Interactive || r.TTY, Cgroup: c.cgroup, Labels: r.labels,
	}
	if path, err := filepath.Abs(c.spec.Rootfs); err == nil && c.spec.Rootfs != "" {
		info.Rootfs = path // else as it was typed: the working directory is gone
	}
	if n := c.network; n != nil {
		info.Network.Address, info.Network.Address6, info.Network.Gateway = n.Address.Addr(), n.Address6.Addr(), n.Gateway
		for _, s := range n.Sockets {
			info.Network.Ports = append(info.Network.Ports, record.Port{
				Host: s.Mapping.Host, HostPort: s.Mapping.HostPort, Port: s.Mapping.Port, Protocol: s.Mapping.Protocol(),
			})
		}
	}
	return info
}
