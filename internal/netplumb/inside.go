package netplumb

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/nlconn"
)

// Configure does the container's side: eth0's addresses and the default routes.
// route is a netlink socket that was opened inside the container's network
// namespace: a socket stays in the one it was made in, and the kernel lets the
// owner of the user namespace above use it (netlink_ns_capable), so no process has
// to be inside for it, and none needs a capability.
func Configure(route *os.File, n *Network) error {
	c := &conn{nlconn.Use(int(route.Fd()))}
	eth, err := c.index(n.Interface)
	if err != nil {
		return fmt.Errorf("looking for %q: %w", n.Interface, err)
	}
	const addressing, routing = "giving its address to", "setting the default route through"
	tasks := []nlconn.Task{
		withoutLinkLocal(eth),
		announced(eth),
		{Doing: addressing, Req: newAddress(eth, n.Address)},
		{Doing: "bringing up", Req: setUp(eth)},
		{Doing: routing, Req: defaultRoute(eth, n.Gateway)},
	}
	if n.Address6.IsValid() {
		tasks = append(tasks,
			nlconn.Task{Doing: addressing, Req: newAddress(eth, n.LinkLocal)},
			nlconn.Task{Doing: addressing, Req: newAddress(eth, n.Address6)},
			nlconn.Task{Doing: routing, Req: defaultRoute(eth, n.Gateway6)},
		)
	}
	return c.Perform(n.Interface, tasks...)
}

// devconfARPNotify is IPV4_DEVCONF_ARP_NOTIFY of linux/ip.h.
const devconfARPNotify = 22

// announced has the kernel say the link's IPv4 address when it comes up (arp_notify in
// Documentation/networking/ip-sysctl.rst). The bridge learns from the first frame where an address
// is, and drops what is for one that it does not know: who remembers the address from the
// container that had it before, would ask nobody and reach nobody for half a minute.
func announced(index int) nlconn.Task {
	spec := nl.NewRtAttr(unix.IFLA_AF_SPEC|unix.NLA_F_NESTED, nil)
	inet := spec.AddRtAttr(unix.AF_INET|unix.NLA_F_NESTED, nil)
	conf := inet.AddRtAttr(unix.IFLA_INET_CONF|unix.NLA_F_NESTED, nil)
	conf.AddRtAttr(devconfARPNotify, nl.Uint32Attr(1))
	return nlconn.Task{Doing: "having its address announced by", Req: setLink(index, spec)}
}

func defaultRoute(out int, gateway netip.Addr) *nl.NetlinkRequest {
	family := uint8(familyOf(gateway))
	msg := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family: family, Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_BOOT,
		Scope: unix.RT_SCOPE_UNIVERSE, Type: unix.RTN_UNICAST,
	}}
	return nlconn.Request(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, msg,
		nl.NewRtAttr(unix.RTA_GATEWAY, gateway.AsSlice()),
		nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(out))))
}
