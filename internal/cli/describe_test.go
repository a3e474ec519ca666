package cli

import (
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/netplumb"
	"unc/internal/nsexec"
	"unc/internal/ports"
	"unc/internal/record"
)

func TestDescribe(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	any6 := netip.IPv6Unspecified()
	for _, test := range []struct {
		name   string
		change func(r *runCmd, c *container)
		want   func(i *record.Info)
	}{
		{"in the foreground", func(*runCmd, *container) {}, func(i *record.Info) { i.Interactive = true }},
		{"detached", func(r *runCmd, _ *container) { r.Detach = true }, func(i *record.Info) { i.Detached = true }},
		{"detached, with an input", func(r *runCmd, _ *container) { r.Detach, r.Interactive = true, true }, func(i *record.Info) { i.Detached, i.Interactive = true, true }},
		{"a terminal", func(r *runCmd, c *container) {
			r.Detach, r.TTY, c.console = true, true, &terminal{is: [3]bool{true, true, true}}
		}, func(i *record.Info) { i.Detached, i.Terminal, i.Interactive = true, true, true }},
		{"a rootfs", func(_ *runCmd, c *container) { c.spec.Rootfs = "." }, func(i *record.Info) { i.Rootfs, i.Interactive = dir, true }},
		{"ports", func(_ *runCmd, c *container) {
			c.network = &netplumb.Network{Sockets: []netplumb.Socket{
				{Mapping: ports.Mapping{Host: any6, HostPort: 53, Port: 5353, UDP: true}},
				{Mapping: ports.Mapping{Host: any6, HostPort: 80, Port: 8080}},
			}}
		}, func(i *record.Info) {
			i.Interactive = true
			i.Network.Ports = []record.Port{{Host: any6, HostPort: 53, Port: 5353, Protocol: "udp"}, {Host: any6, HostPort: 80, Port: 8080, Protocol: "tcp"}}
		}},
		// The last one: nothing can be done in a directory that is gone.
		{"a rootfs of nowhere", func(_ *runCmd, c *container) {
			c.spec.Rootfs = "."
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
		}, func(i *record.Info) { i.Rootfs, i.Interactive = ".", true }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r runCmd
			r.Network = bridged
			c := &container{name: "web", console: &terminal{}, spec: &nsexec.Spec{Args: []string{"sh"}}, child: &nsexec.Child{PID: 7}, cgroup: "/sys/fs/cgroup/x"}
			test.change(&r, c)
			got := r.describe(c)
			want := &record.Info{
				Name: "web", Version: Version(), Supervisor: os.Getpid(), PID: 7, Started: got.Started, Command: []string{"sh"},
				Network: record.Network{Kind: bridged}, Cgroup: "/sys/fs/cgroup/x",
			}
			test.want(want)
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("info (-want +got):\n%s", diff)
			}
		})
	}
}
