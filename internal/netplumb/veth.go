package netplumb

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// pair is a veth pair on its way from nothing to a lease. Its host end has, one
// after the other, a staging name, a slot of its owner's quota, and its address
// as name; doc.go says why in this order.
type pair struct {
	c     *conn
	p     policy
	owner uint32 // uid
	slot  uint32
	index int // of the host end
}

// lease takes an address for the network namespace netns and wires it to the
// bridge. When it fails, nothing is left of it.
func lease(c *conn, p policy, owner uint32, slot uint32, bridge int, netns, mtu int) (netip.Addr, error) {
	for n := range shuffled(hosts(p.subnet)) {
		addr := hostAt(p.subnet, n)
		if _, err := c.index(leaseName(addr)); err == nil {
			continue // taken
		}
		v := &pair{c: c, p: p, owner: owner, slot: slot}
		err := v.acquire(addr, bridge, netns, mtu)
		if err == nil {
			return addr, nil
		}
		v.remove()
		if !errors.Is(err, errAddressTaken) {
			return netip.Addr{}, err
		}
		slot = v.slot
	}
	return netip.Addr{}, hint.With(
		fmt.Errorf("the subnet is full: all %d addresses of %v are leased", hosts(p.subnet), p.subnet),
		"ask the administrator of this machine for a larger subnet, or end a container: ip -o link show master "+p.bridge)
}

// errAddressTaken means that somebody else got the address between two looks.
var errAddressTaken = errors.New("the address was just taken")

func (v *pair) acquire(addr netip.Addr, bridge, netns, mtu int) error {
	if err := v.create(addr, netns, mtu); err != nil {
		return err
	}
	if err := v.takeSlot(); err != nil {
		return err
	}
	return v.takeAddress(addr, bridge)
}

// create makes the pair with one message that carries everything a link can be
// born with, the owner above all: a link is never without one. The far end
// comes to life in netns directly.
func (v *pair) create(addr netip.Addr, netns, mtu int) error {
	for range v.p.maxPerUser {
		name := stagingName(v.owner, v.slot)
		err := v.c.must(v.newLink(name, addr, netns, mtu))
		if err == nil {
			v.index, err = v.c.index(name)
			if err != nil {
				return fmt.Errorf("looking for %q, just created: %w", name, err)
			}
			return nil
		}
		switch {
		case errors.Is(err, unix.EOPNOTSUPP):
			return hint.With(errors.New("this kernel has no veth pairs: its veth module is missing"), "sudo modprobe veth")
		case !errors.Is(err, unix.EEXIST):
			return fmt.Errorf("creating veth %q: %w", name, err)
		}
		if _, err := v.c.index(name); errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("the network namespace has an interface %q already", eth0)
		}
		v.slot = (v.slot + 1) % uint32(v.p.maxPerUser) // another net-setup of this user is at it
	}
	return v.quotaError()
}

func (v *pair) newLink(name string, addr netip.Addr, netns, mtu int) *nl.NetlinkRequest {
	linkinfo := nl.NewRtAttr(unix.IFLA_LINKINFO|unix.NLA_F_NESTED, nil)
	linkinfo.AddRtAttr(unix.IFLA_INFO_KIND, nl.NonZeroTerminated("veth"))
	data := linkinfo.AddRtAttr(unix.IFLA_INFO_DATA|unix.NLA_F_NESTED, nil)
	peer := data.AddRtAttr(nl.VETH_INFO_PEER|unix.NLA_F_NESTED, nil)
	nl.NewIfInfomsgChild(peer, unix.AF_UNSPEC)
	peer.AddRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(eth0))
	peer.AddRtAttr(unix.IFLA_ADDRESS, macOf(insideMAC, addr))
	peer.AddRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(mtu)))
	peer.AddRtAttr(unix.IFLA_NET_NS_FD, nl.Uint32Attr(uint32(netns)))
	return request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL,
		nl.NewIfInfomsg(unix.AF_UNSPEC),
		nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name)),
		nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(v.owner)),
		nl.NewRtAttr(unix.IFLA_ADDRESS, macOf(hostMAC, addr)),
		nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(mtu))),
		linkinfo)
}

// takeSlot counts the link against its owner's quota.
func (v *pair) takeSlot() error {
	for range v.p.maxPerUser {
		info := nl.NewIfInfomsg(unix.AF_UNSPEC)
		info.Index = int32(v.index)
		list := nl.NewRtAttr(unix.IFLA_PROP_LIST|unix.NLA_F_NESTED, nil)
		list.AddRtAttr(unix.IFLA_ALT_IFNAME, nl.ZeroTerminated(slotName(v.owner, v.slot)))
		err := v.c.must(request(unix.RTM_NEWLINKPROP, unix.NLM_F_CREATE|unix.NLM_F_EXCL, info, list))
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("naming the link %q: %w", slotName(v.owner, v.slot), err)
		}
		v.slot = (v.slot + 1) % uint32(v.p.maxPerUser)
	}
	return v.quotaError()
}

// takeAddress renames the link to its lease, puts it on the bridge and brings it
// up, in one system call. The port neither learns nor is flooded with what is
// not for it: the one MAC address behind it is in the table from the start.
func (v *pair) takeAddress(addr netip.Addr, bridge int) error {
	port := nl.NewIfInfomsg(unix.AF_BRIDGE)
	port.Index = int32(v.index)
	attrs := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
	attrs.AddRtAttr(nl.IFLA_BRPORT_LEARNING, nl.Uint8Attr(0))
	attrs.AddRtAttr(nl.IFLA_BRPORT_UNICAST_FLOOD, nl.Uint8Attr(0))

	errs, err := v.c.do(
		setLink(v.index,
			nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(leaseName(addr))),
			nl.NewRtAttr(unix.IFLA_MASTER, nl.Uint32Attr(uint32(bridge))),
			noLinkLocal()),
		request(unix.RTM_SETLINK, 0, port, attrs),
		staticNeighbour(v.index, addr),
		setUp(v.index),
	)
	if err != nil {
		return err
	}
	for i, doing := range []string{"putting %q on the bridge", "setting up the bridge port %q", "telling the bridge who is behind %q", "bringing up %q"} {
		switch {
		case errs[i] == nil:
		case i == 0 && errors.Is(errs[i], unix.EEXIST):
			return errAddressTaken
		case i == 0 && errors.Is(errs[i], unix.EXFULL):
			return fmt.Errorf("the bridge %q is full: the kernel allows 1023 ports on one", v.p.bridge)
		default:
			return fmt.Errorf(doing+": %w", leaseName(addr), errs[i])
		}
	}
	return nil
}

// staticNeighbour enters the MAC address of addr into the bridge's table.
func staticNeighbour(port int, addr netip.Addr) *nl.NetlinkRequest {
	msg := &ndMsg{Family: unix.AF_BRIDGE, Ifindex: int32(port), State: unix.NUD_NOARP, Flags: unix.NTF_MASTER}
	return request(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, msg,
		nl.NewRtAttr(unix.NDA_LLADDR, macOf(insideMAC, addr)))
}

// remove undoes what there is of the pair; the far end goes with the near one.
func (v *pair) remove() {
	if v.index == 0 {
		return
	}
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index = int32(v.index)
	// What can't be deleted is gone already, with its namespace.
	_ = v.c.must(request(unix.RTM_DELLINK, 0, info))
}

// freeSlot looks for a slot that nobody has, so that who has no right to another
// lease is refused before anything is touched. What it finds may be taken a
// moment later; takeSlot decides.
func freeSlot(c *conn, p policy, owner uint32) (uint32, error) {
	for slot := range shuffled(uint32(p.maxPerUser)) {
		_, err := c.link(unix.IFLA_ALT_IFNAME, slotName(owner, slot))
		if errors.Is(err, unix.ENODEV) {
			return slot, nil
		}
		if err != nil {
			return 0, fmt.Errorf("looking for a free slot: %w", err)
		}
	}
	return 0, (&pair{p: p, owner: owner}).quotaError()
}

func (v *pair) quotaError() error {
	return hint.With(
		fmt.Errorf("the quota is used up: uid %d has %d containers on the network, as many as a user may have", v.owner, v.p.maxPerUser),
		fmt.Sprintf("end one of them; this lists them: ip -o link show group %d", v.owner))
}
