package netplumb

import (
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
// IPv6 the kernel's own reports are soon enough. The port has to be active.
func announce(inside *conn, eth int, addr netip.Addr) error {
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
