package netplumb

import (
	"net/netip"
	"os"
	"testing"

	"unc/internal/policy"
	"unc/internal/tier"
)

// defaultPolicy is what counts on a machine without a network.conf, whose id made
// this IPv6 subnet.
func defaultPolicy() *policy.Policy {
	p := &policy.Policy{
		Bridge: "unc0", Subnet: netip.MustParsePrefix("10.100.42.0/24"),
		MaxPerUser: 128, MaxPorts: 128, MaxConnections: 8192,
		Isolated: true, NAT: true, HostAccess: true,
		Publish: []policy.Span{{First: 1024, Last: 65535}},
	}
	if kernelHasIPv6() {
		p.Subnet6 = netip.MustParsePrefix("fd42:756e:6300:1::/64")
	}
	return p
}

func kernelHasIPv6() bool {
	_, err := os.Stat("/proc/sys/net/ipv6/conf/all")
	return err == nil
}

func needIPv6(t *testing.T) {
	t.Helper()
	if !kernelHasIPv6() {
		tier.Skip(t, "this kernel has no IPv6")
	}
}
