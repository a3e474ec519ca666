package netplumb

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/filter"
	"unc/internal/hint"
	"unc/internal/lease"
	"unc/internal/nlconn"
	"unc/internal/policy"
)

// wiring says how a veth pair is to be made, but for the namespace it is for.
type wiring struct {
	policy *policy.Policy
	owner  uint32 // uid
	bridge int    // interface number, 0 while there is none
	mtu    int
}

// takeLease takes an address and a slot of the owner's quota, both at once by
// creating the link that is called like the one and numbered like the other, and
// puts it to use. It returns the address's number. When it fails, nothing is left
// of it.
func takeLease(c *conn, w wiring, netns int, slot uint32, r Request, sockets []Socket) (uint32, error) {
	var used []uint32 // free, but with connections of who had them last
	for number := range candidates(w.policy, r.Address, &used) {
		addr := w.policy.Addr(number)
		if _, err := c.index(lease.Name(addr)); err == nil {
			continue // taken
		}
		if later, err := setAside(w.policy, number, &used); later || err != nil {
			if err != nil {
				return 0, err
			}
			continue
		}
		index, err := createWithSlot(c, w, netns, addr, slot)
		if errors.Is(err, errAddressTaken) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if err := putToUse(c, w, index, number, r, sockets); err != nil {
			removeLink(c, index)
			return 0, err
		}
		return number, nil
	}
	if r.Address.IsValid() {
		return 0, explainHeld(c, w.policy, r.Address)
	}
	first, last := w.policy.Numbers()
	return 0, hint.With(
		fmt.Errorf("%w: all %d addresses of %v are leased", errFull, last-first+1, w.policy.Subnet),
		"unc net    # shows who holds them; as root, a larger SUBNET in /etc/unc/network.conf makes room")
}

// putToUse does all that the link's creation could not carry. It comes up when its
// doors are those that it is to have, and the sockets are marked when it is up.
func putToUse(c *conn, w wiring, index int, number uint32, r Request, sockets []Socket) error {
	doors := doorsOf(r.Publish)
	before, err := filter.Generation()
	if err != nil {
		return err
	}
	if err := filter.SetDoors(index, doors); err != nil {
		return err
	}
	if err := connect(c, index, w.policy.Addr(number)); err != nil {
		return err
	}
	if err := enter(c, w, index, r); err != nil {
		return err
	}
	if len(doors) == 0 {
		return nil
	}
	if err := markSockets(sockets, w.policy, number); err != nil {
		return err
	}
	// If another process has written the whole filter meanwhile, it has opened the
	// doors of the sockets that were marked by then.
	if now, err := filter.Generation(); err != nil || now == before+1 {
		return err
	}
	return filter.SetDoors(index, doors)
}

var (
	// There is none left. A link that is about to go may change that.
	errFull  = errors.New("the subnet is full")
	errQuota = errors.New("the quota is used up")
	errHeld  = errors.New("somebody has it")

	// Somebody else, or another net-setup of this user, was faster.
	errAddressTaken = errors.New("the address was just taken")
	errSlotTaken    = errors.New("the slot was just taken")
	errTaken        = errors.New("something was just taken")
)

// held is an errHeld that says what and by whom.
type held struct{ text string }

func (h held) Error() string        { return h.text }
func (h held) Is(target error) bool { return target == errHeld }

// createWithSlot creates the pair with the given slot, or where that is taken by
// now, with another one of the owner's.
func createWithSlot(c *conn, w wiring, netns int, addr netip.Addr, slot uint32) (index int, err error) {
	// What was taken and is free again when looked for is tried again; the third
	// time it must be the one name that can't be looked for.
	for unexplained := 0; unexplained < 3; {
		index, err = createPair(c, w, netns, addr, slot)
		switch {
		case errors.Is(err, errSlotTaken):
			if slot, err = freeSlot(c, w.policy, w.owner); err != nil {
				return 0, err
			}
		case errors.Is(err, errTaken):
			unexplained++
		default:
			return index, err
		}
	}
	return 0, fmt.Errorf("the network namespace has an interface %q already", eth0)
}

// createPair makes the pair with one message that carries everything: a link is
// never without its owner, its slot or its address. The far end comes to life
// in the container's namespace directly.
func createPair(c *conn, w wiring, netns int, addr netip.Addr, slot uint32) (index int, err error) {
	name := lease.Name(addr)
	linkinfo := nl.NewRtAttr(unix.IFLA_LINKINFO|unix.NLA_F_NESTED, nil)
	linkinfo.AddRtAttr(unix.IFLA_INFO_KIND, nl.NonZeroTerminated("veth"))
	data := linkinfo.AddRtAttr(unix.IFLA_INFO_DATA|unix.NLA_F_NESTED, nil)
	peer := data.AddRtAttr(nl.VETH_INFO_PEER|unix.NLA_F_NESTED, nil)
	nl.NewIfInfomsgChild(peer, unix.AF_UNSPEC)
	peer.AddRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(eth0))
	peer.AddRtAttr(unix.IFLA_ADDRESS, lease.InsideMAC(addr))
	peer.AddRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(w.mtu)))
	peer.AddRtAttr(unix.IFLA_NET_NS_FD, nl.Uint32Attr(uint32(netns)))
	// One each: the default is one for every processor, which serves nothing but
	// XDP and makes as many directories in sysfs.
	peer.AddRtAttr(unix.IFLA_NUM_TX_QUEUES, nl.Uint32Attr(1))
	peer.AddRtAttr(unix.IFLA_NUM_RX_QUEUES, nl.Uint32Attr(1))

	index = lease.Index(w.owner, slot)
	err = c.Must(nlconn.Request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, ifinfo(index),
		nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name)),
		nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(w.owner)),
		nl.NewRtAttr(unix.IFLA_MASTER, nl.Uint32Attr(uint32(w.bridge))),
		nl.NewRtAttr(unix.IFLA_ADDRESS, lease.HostMAC(addr)),
		nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(w.mtu))),
		nl.NewRtAttr(unix.IFLA_NUM_TX_QUEUES, nl.Uint32Attr(1)),
		nl.NewRtAttr(unix.IFLA_NUM_RX_QUEUES, nl.Uint32Attr(1)),
		linkinfo))
	switch {
	case err == nil:
		return index, nil
	case errors.Is(err, unix.EEXIST):
		return 0, explainTaken(c, name, index)
	case errors.Is(err, unix.EXFULL):
		return 0, fmt.Errorf("the bridge %q is full: the kernel allows 1023 ports on one", w.policy.Bridge)
	case errors.Is(err, unix.EOPNOTSUPP):
		return 0, hint.With(errors.New("this kernel has no veth pairs: its veth module is missing"), "sudo modprobe veth")
	}
	return 0, fmt.Errorf("creating veth %q: %w", name, err)
}

// explainTaken finds out which of three was taken: the lease's name, the slot's
// number, or the far end's name in its namespace, where nobody can look from here.
// The kernel says EEXIST to all.
func explainTaken(c *conn, name string, index int) error {
	if _, err := c.index(name); err == nil {
		return errAddressTaken
	}
	if c.hasIndex(index) {
		return errSlotTaken
	}
	return errTaken
}

// connect brings the host end to work. The bridge learns which address is behind the
// port from the first frame that the guard lets pass, and so no other than its own;
// it is flooded with nothing that is not for all. No entry is made from here: the
// user can stop this process, delete the link from inside, and have the number for
// another by the time it goes on.
func connect(c *conn, index int, addr netip.Addr) error {
	port := nl.NewIfInfomsg(unix.AF_BRIDGE)
	port.Index = int32(index)
	attrs := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
	attrs.AddRtAttr(nl.IFLA_BRPORT_LEARNING, nl.Uint8Attr(1))
	attrs.AddRtAttr(nl.IFLA_BRPORT_UNICAST_FLOOD, nl.Uint8Attr(0))
	attrs.AddRtAttr(nl.IFLA_BRPORT_MODE, nl.Uint8Attr(1)) // hairpin: see chain passing
	attrs.AddRtAttr(unix.IFLA_BRPORT_GROUP_FWD_MASK, nl.Uint16Attr(pastTheGuard))

	name := lease.Name(addr)
	if err := withoutIPv6(name); err != nil {
		return err
	}
	return c.Perform(strconv.Quote(name),
		withoutLinkLocal(index),
		nlconn.Task{Doing: "setting up the bridge port", Req: nlconn.Request(unix.RTM_SETLINK, 0, port, attrs)},
		// Without ARP: what the host hears as the port's, and not the bridge's, it must not answer.
		nlconn.Task{Doing: "bringing up", Req: setUp(index, unix.IFF_NOARP)},
	)
}

// pastTheGuard has a bit for each of the addresses 01:80:c2:00:00:03 to :0f, which a
// bridge does not forward but hands to the host, with no filter on the way. With
// its bit set a frame takes the ordinary way, by the guard (br_handle_frame in
// net/bridge/br_input.c). The kernel does not allow the first three.
const pastTheGuard = 0xfff8

// removeLink deletes the pair; the far end goes with the near one. What can't be
// deleted is gone already, with its namespace.
func removeLink(c *conn, index int) {
	_ = c.Must(nlconn.Request(unix.RTM_DELLINK, 0, ifinfo(index)))
}

// freeSlot looks for a slot that no link has, so that who has no right to another
// lease is refused before anything is touched. What it finds may be taken a
// moment later; createPair decides.
func freeSlot(c *conn, p *policy.Policy, owner uint32) (uint32, error) {
	for slot := range lease.Shuffled(uint32(p.MaxPerUser)) {
		if !c.hasIndex(lease.Index(owner, slot)) {
			return slot, nil
		}
	}
	return 0, hint.With(
		fmt.Errorf("%w: user %d has %d containers on the network, as many as one user may have", errQuota, owner, p.MaxPerUser),
		"end one of them, see unc net; or as root, raise MAX_PER_USER in /etc/unc/network.conf")
}
