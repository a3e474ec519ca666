package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
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
		Detached: r.Detach, Terminal: slices.Contains(streams[:], true), Interactive: r.Interactive, Labels: r.labels,
	}
	if c.spec.Rootfs != "" {
		info.Rootfs, _ = filepath.Abs(c.spec.Rootfs) // it is one already when there is no telling
	}
	if c.spec.Cgroup != nil {
		info.Cgroup = strings.TrimSuffix(c.spec.Cgroup.Name(), "/container")
	}
	if n := c.network; n != nil {
		info.Network.Address, info.Network.Address6, info.Network.Gateway = n.Address.Addr(), n.Address6.Addr(), n.Gateway
		for _, s := range n.Sockets {
			protocol := "tcp"
			if s.Mapping.UDP {
				protocol = "udp"
			}
			info.Network.Ports = append(info.Network.Ports, record.Port{
				Host: s.Mapping.Host, HostPort: s.Mapping.HostPort, Port: s.Mapping.Port, Protocol: protocol,
			})
		}
	}
	return info
}
