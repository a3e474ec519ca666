package netplumb

import (
	"errors"
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
	errs, err := c.do(
		setLink(eth, noLinkLocal()),
		newAddress(eth, n.Address),
		setUp(eth),
		defaultRoute(eth, n.Gateway),
	)
	if err != nil {
		return err
	}
	for i, doing := range []string{"turning link-local addresses off on eth0", "giving eth0 its address", "bringing up eth0", "setting the default route"} {
		if errs[i] != nil && !(i == 0 && errors.Is(errs[i], unix.EAFNOSUPPORT)) {
			return fmt.Errorf("%s: %w", doing, errs[i])
		}
	}
	return nil
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
