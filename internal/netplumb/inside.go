package netplumb

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/lease"
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
	if err := c.Perform(n.Interface, tasks...); err != nil {
		return err
	}
	if err := activate(n.Address.Addr()); err != nil || n.Address6.IsValid() {
		return err
	}
	return announce(c, eth, n.Address.Addr())
}

// activate has the port take part at once. It has a carrier now that eth0 is up; but the kernel
// deals with that some time later, and what is sent by way of the port meanwhile is lost, and sent
// again after a second. Or it does so for who asks about the link: linkwatch_sync_dev in
// net/core/rtnetlink.c, since Linux 6.8.
func activate(addr netip.Addr) error {
	outside, err := dial()
	if err != nil {
		return err
	}
	defer outside.Close()
	port := lease.Name(addr)
	if _, err := outside.link(port); err != nil {
		return fmt.Errorf("looking at %q: %w", port, err)
	}
	return nil
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
