package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

	"unc/internal/hint"
)

// flanneld leases this machine a part of a network that spans machines, carries
// packets between the parts, and writes which part it is to subnet.env
// (github.com/flannel-io/flannel, pkg/subnet, WriteSubnetFile):
//
//	FLANNEL_NETWORK=10.244.0.0/16    all parts
//	FLANNEL_SUBNET=10.244.5.1/24     this machine's, with the gateway's address
//	FLANNEL_MTU=1450                 what is left when flannel has wrapped a packet
//	FLANNEL_IPMASQ=true              what flannel does itself; NAT says what unc does
//
// IPv6 is unc's own matter, so what flannel says of that is passed over.
type flannel struct {
	network, subnet netip.Prefix // both masked
	mtu             string       // as it stands there: nobody need use it
}

// followFlannel puts what flannel says into the policy.
func followFlannel(p *Policy, from files) error {
	text, err := readTrusted(from.flannel, from.owner)
	if errors.Is(err, fs.ErrNotExist) {
		return hint.With(fmt.Errorf("flannel has not leased a subnet yet: %w", err), "sudo systemctl start flanneld")
	}
	if err != nil {
		return err
	}
	f, err := parseFlannel(text)
	if err != nil {
		return fmt.Errorf("reading %q, %w", from.flannel, err)
	}
	if err := f.apply(p); err != nil {
		return fmt.Errorf("reading %q: %w", from.flannel, err)
	}
	return nil
}

// parseFlannel reads the text of a subnet.env. Keys that are none of ours are
// passed over: flannel's next version may have more. An error begins with
// "line" and its number.
func parseFlannel(text string) (flannel, error) {
	var f flannel
	_, err := scan(text, func(key, value string) error {
		var to *netip.Prefix
		switch key {
		case "FLANNEL_NETWORK":
			to = &f.network
		case "FLANNEL_SUBNET":
			to = &f.subnet
		case "FLANNEL_MTU":
			f.mtu = value
			return nil
		default:
			return nil
		}
		subnet, err := netip.ParsePrefix(value)
		if err != nil || !subnet.Addr().Is4() {
			return fmt.Errorf("%s=%.64q: want IPv4 addresses as in 10.244.5.1/24", key, value)
		}
		*to = subnet.Masked()
		return nil
	})
	return f, err
}

// apply checks what flannel says as network.conf is checked. An MTU in
// network.conf counts more than flannel's.
func (f flannel) apply(p *Policy) error {
	if !f.network.IsValid() || !f.subnet.IsValid() {
		return errors.New("want FLANNEL_NETWORK and FLANNEL_SUBNET")
	}
	if err := checkSubnet(f.subnet); err != nil {
		return fmt.Errorf("FLANNEL_SUBNET=%v: %w", f.subnet, err)
	}
	// What is in the overlay keeps its address on the way: that must not be the world.
	if f.network.Bits() < 8 || f.network.Bits() > f.subnet.Bits() || !f.network.Contains(f.subnet.Addr()) {
		return fmt.Errorf("FLANNEL_NETWORK=%v: want a network of at most a /8 around FLANNEL_SUBNET=%v", f.network, f.subnet)
	}
	if p.MTU == 0 {
		if err := number(&p.MTU, f.mtu, minMTU, maxMTU); err != nil {
			return fmt.Errorf("FLANNEL_MTU=%.64q: %w", f.mtu, err)
		}
	}
	p.Subnet, p.Overlay = f.subnet, f.network
	return nil
}
