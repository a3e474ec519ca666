package policy

import (
	"errors"
	"fmt"
	"net/netip"
)

// checkSubnet tells whether containers can have these IPv4 addresses. In each
// range that they can't have, a /16 lies wholly or not at all, so looking at
// one address is enough.
func checkSubnet(p netip.Prefix) error {
	if !p.Addr().Is4() {
		return errors.New("want IPv4 addresses")
	}
	if p.Bits() < 16 || p.Bits() > 28 {
		return errors.New("want a prefix from /16 to /28")
	}
	return checkUnicast(p.Addr())
}

// checkUnicast refuses what no interface on a network can have (RFC 6890,
// section 2.2.2).
func checkUnicast(addr netip.Addr) error {
	switch first := addr.As4()[0]; {
	case first == 0:
		return errors.New("0.0.0.0/8 can't be used")
	case addr.IsLoopback():
		return errors.New("127.0.0.0/8 is the host's loopback")
	case addr.IsLinkLocalUnicast():
		return errors.New("169.254.0.0/16 is for link-local addresses")
	case first >= 224:
		return errors.New("224.0.0.0 and above are not for hosts")
	}
	return nil
}

// checkSubnet6 accepts what is given out of the global unicast addresses (RFC
// 4291, section 2.4) and unique local ones (RFC 4193).
func checkSubnet6(p netip.Prefix) error {
	switch first := p.Addr().As16()[0]; {
	case first&0xe0 != 0x20 && first&0xfe != 0xfc:
		return errors.New("want IPv6 addresses of 2000::/3 or fc00::/7")
	case p.Bits() != 64:
		return errors.New("want a prefix of /64")
	}
	return nil
}

// checkMasked refuses a subnet that is written as one of its addresses: it could
// be meant for the gateway's.
func checkMasked(p netip.Prefix) error {
	if masked := p.Masked(); masked != p {
		return fmt.Errorf("want the subnet's own address, %v", masked)
	}
	return nil
}
