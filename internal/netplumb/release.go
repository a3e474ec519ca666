package netplumb

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/caps"
	"unc/internal/hint"
	"unc/internal/lease"
	"unc/internal/nlconn"
	"unc/internal/policy"
)

// letGo deletes the link that carries one of the caller's names, and with it all that
// the link holds: address, slot, further names. That is for a container whose supervisor
// was killed: a TCP connection of its that nobody answers any more keeps the network
// namespace for up to two minutes, with nobody left inside who could give the link up.
// As long as there was, the owner could have done the same: the far end is his to delete.
//
// Who may not use the network may let go of it nevertheless, so there is no policy here.
//
// The kernel is told the name, and not number or address of what was looked at, and
// finds and deletes the link in one step (rtnl_dellink in net/core/rtnetlink.c): the
// caller can stop this process in between, and have number and address go to others
// meanwhile, but not the name, which net-setup gives to nobody's links but his. It does
// so by a number of his, and then the look before is what keeps another user's link safe
// for which the same number came out (lease.Index).
func letGo(c *conn, _ *policy.Policy, r Request) (result Result, err error) {
	uid := uint32(unix.Getuid())
	own := nameOf(uid, r.Name)
	l, err := c.byOtherName(own)
	switch {
	case errors.Is(err, unix.ENODEV):
		return result, nil // gone already
	case err != nil:
		return result, fmt.Errorf("looking for the container %q: %w", r.Name, err)
	case l.group != uid || !c.isLease(l):
		return result, hint.With(fmt.Errorf("the interface %q is called %q, and is not as unc made it for a container of user %d", l.name, own, uid),
			"ip -d link show "+hint.Quote(l.name)+"    # what root has changed, root can delete")
	}
	return result, caps.Raise(func() error {
		err := c.Must(nlconn.Request(unix.RTM_DELLINK, 0, nl.NewIfInfomsg(unix.AF_UNSPEC),
			nl.NewRtAttr(unix.IFLA_ALT_IFNAME, nl.ZeroTerminated(own))))
		if err != nil && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("deleting %q, the link of the container %q: %w", l.name, r.Name, err)
		}
		return nil
	})
}

// isLease tells whether a link is the host's end of a container's pair: of its kind,
// called like an address, and a port of a bridge of unc's. The bridge may be an older
// policy's, whose containers can still be running.
func (c *conn) isLease(l *link) bool {
	if _, ok := lease.Addr(l.name); !ok || l.kind != "veth" || l.master == 0 {
		return false
	}
	bridge, err := c.linkByIndex(l.master)
	return err == nil && bridge.kind == "bridge" && lease.IsInsideMAC(net.HardwareAddr(bridge.mac))
}
