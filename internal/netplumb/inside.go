package netplumb

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Configure does the container's side: eth0's IPv4 address, the default route. route is a netlink socket that was opened inside the container's
// network namespace: a socket stays in the one it was made in, and the kernel
// lets the owner of the user namespace above use it (netlink_ns_capable), so no
// process has to be inside for it, and none needs a capability.
func Configure(route *os.File, n *Network) error {
	c := &conn{int(route.Fd())}
	eth, err := c.index(n.Interface)
	if err != nil {
		return fmt.Errorf("looking for %q: %w", n.Interface, err)
	}
	return c.perform(n.Interface,
		withoutLinkLocal(eth),
		task{"giving its address to", newAddress(eth, n.Address), 0},
		task{"bringing up", setUp(eth), 0},
		task{"setting the default route through", defaultRoute(eth, n.Gateway), 0},
	)
}

func defaultRoute(out int, gateway netip.Addr) *nl.NetlinkRequest {
	msg := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family: unix.AF_INET, Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_BOOT,
		Scope: unix.RT_SCOPE_UNIVERSE, Type: unix.RTN_UNICAST,
	}}
	return request(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, msg,
		nl.NewRtAttr(unix.RTA_GATEWAY, gateway.AsSlice()),
		nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(out))))
}
