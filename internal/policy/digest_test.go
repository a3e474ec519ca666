package policy

import (
	"net/netip"
	"testing"
)

func digested() *Policy {
	p := defaults()
	p.Subnet6 = netip.MustParsePrefix("fd12:3456:789a:bcde::/64")
	return p
}

// Another process, or another unc, must find the same.
func TestDigestIsStable(t *testing.T) {
	if got, want := digested().Digest(), "4412c30add5882de"; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDigest(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(p *Policy)
		differs bool
	}{
		{"bridge", func(p *Policy) { p.Bridge = "unc1" }, true},
		{"subnet", func(p *Policy) { p.Subnet = netip.MustParsePrefix("10.100.43.0/24") }, true},
		{"length of subnet", func(p *Policy) { p.Subnet = netip.MustParsePrefix("10.100.42.0/25") }, true},
		{"IPv6 subnet", func(p *Policy) { p.Subnet6 = netip.MustParsePrefix("fd12:3456:789a:bcdf::/64") }, true},
		{"no IPv6", func(p *Policy) { p.Subnet6 = netip.Prefix{} }, true},
		{"overlay", func(p *Policy) { p.Overlay = netip.MustParsePrefix("10.100.0.0/16") }, true},
		{"overlay in place of IPv6", func(p *Policy) { p.Subnet6, p.Overlay = p.Overlay, p.Subnet6 }, true},
		{"connections", func(p *Policy) { p.MaxConnections++ }, true},
		{"isolation", func(p *Policy) { p.Isolated = false }, true},
		{"NAT", func(p *Policy) { p.NAT = false }, true},
		{"host access", func(p *Policy) { p.HostAccess = false }, true},
		{"nothing", func(*Policy) {}, false},
		{"what the filter does not depend on", func(p *Policy) {
			p.MTU, p.MaxPerUser, p.MaxPorts, p.Publish = 1280, 1, 0, nil
			p.everybody, p.users, p.groups = false, []uint32{1}, []uint32{2}
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := digested()
			before := p.Digest()
			test.change(p)
			if got := p.Digest(); (got != before) != test.differs {
				t.Errorf("got %v after %v, want another: %v", got, before, test.differs)
			}
		})
	}
}
