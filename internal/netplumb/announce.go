package netplumb

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
	"unc/internal/nlconn"
)

// announce has the bridge hear from a container's address. It learns from the first frame where
// an address is, and drops what is for one that it does not know; who remembers the address from
// the container that had it before asks nobody, and would reach nobody for half a minute. With
// IPv6 the kernel's own reports are soon enough.
func announce(inside *conn, eth int, addr netip.Addr) error {
	outside, err := dial()
	if err != nil {
		return err
	}
	defer outside.Close()
	// A port takes part when the kernel has dealt with its having a carrier now: some time later,
	// or since Linux 6.8 for who asks (linkwatch_sync_dev in net/core/rtnetlink.c).
	port := lease.Name(addr)
	if _, err := outside.link(port); err != nil {
		return fmt.Errorf("looking at %q: %w", port, err)
	}
	return inside.Perform(strconv.Quote(eth0),
		nlconn.Task{Doing: "turning announcements on for", Req: setLink(eth, arpNotify())},
		nlconn.Task{Doing: "announcing the address of", Req: setLink(eth, nl.NewRtAttr(unix.IFLA_ADDRESS, lease.InsideMAC(addr)))},
	)
}

// arpNotify is the setting by which the kernel says a link's addresses when it is told its MAC
// address, the same one too (inetdev_event in net/ipv4/devinet.c).
func arpNotify() *nl.RtAttr {
	const devconfARPNotify = 22 // IPV4_DEVCONF_ARP_NOTIFY of linux/ip.h
	spec := nl.NewRtAttr(unix.IFLA_AF_SPEC|unix.NLA_F_NESTED, nil)
	inet := spec.AddRtAttr(unix.AF_INET|unix.NLA_F_NESTED, nil)
	conf := inet.AddRtAttr(unix.IFLA_INET_CONF|unix.NLA_F_NESTED, nil)
	conf.AddRtAttr(devconfARPNotify, nl.Uint32Attr(1))
	return spec
}
