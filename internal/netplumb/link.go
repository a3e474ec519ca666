package netplumb

import (
	"fmt"
	"net/netip"
	"unsafe"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/nlconn"
)

// conn is a route netlink socket (rtnetlink(7)).
type conn struct{ *nlconn.Conn }

func dial() (*conn, error) {
	c, err := nlconn.Dial(unix.NETLINK_ROUTE)
	return &conn{c}, err
}

// index returns the number of the link called name, which must be shorter than
// IFNAMSIZ; unix.ENODEV when there is none. It costs a fraction of a GETLINK.
func (c *conn) index(name string) (int, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, fmt.Errorf("interface name %q: %w", name, err)
	}
	if err := unix.IoctlIfreq(c.FD(), unix.SIOCGIFINDEX, ifr); err != nil {
		return 0, err
	}
	return int(ifr.Uint32()), nil
}

// hasIndex tells whether a link has this number.
func (c *conn) hasIndex(index int) bool {
	_, err := c.name(index)
	return err == nil
}

// link is what unc needs to know of a network interface.
type link struct {
	index  int
	name   string
	up     bool
	kind   string
	mac    string
	mtu    int
	master int      // the number of the bridge that it is a port of, or 0
	group  uint32   // the owner's uid
	names  []string // further ones
}

// link looks one up by its name.
func (c *conn) link(name string) (*link, error) {
	return c.getLink(nl.NewIfInfomsg(unix.AF_UNSPEC), nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name)))
}

// byOtherName looks a link up by one of its further names.
func (c *conn) byOtherName(name string) (*link, error) {
	return c.getLink(nl.NewIfInfomsg(unix.AF_UNSPEC), nl.NewRtAttr(unix.IFLA_ALT_IFNAME, nl.ZeroTerminated(name)))
}

func (c *conn) linkByIndex(index int) (*link, error) {
	return c.getLink(ifinfo(index))
}

// skipStats is RTEXT_FILTER_SKIP_STATS: filling them in is most of the cost.
const skipStats = 1 << 3

func (c *conn) getLink(info *nl.IfInfomsg, attrs ...nl.NetlinkRequestData) (*link, error) {
	parts := append([]nl.NetlinkRequestData{info, nl.NewRtAttr(unix.IFLA_EXT_MASK, nl.Uint32Attr(skipStats))}, attrs...)
	payload, err := c.Get(nlconn.Request(unix.RTM_GETLINK, 0, parts...))
	if err != nil {
		return nil, err
	}
	return parseLink(payload)
}

func parseLink(payload []byte) (*link, error) {
	if len(payload) < unix.SizeofIfInfomsg {
		return nil, fmt.Errorf("a link message of %d bytes", len(payload))
	}
	info := nl.DeserializeIfInfomsg(payload)
	l := &link{index: int(info.Index), up: info.Flags&unix.IFF_UP != 0}
	attrs, err := nl.ParseRouteAttr(payload[unix.SizeofIfInfomsg:])
	if err != nil {
		return nil, fmt.Errorf("reading a link message: %w", err)
	}
	for _, a := range attrs {
		switch a.Attr.Type &^ unix.NLA_F_NESTED {
		case unix.IFLA_IFNAME:
			l.name = nl.BytesToString(a.Value)
		case unix.IFLA_ADDRESS:
			l.mac = string(a.Value)
		case unix.IFLA_MTU:
			l.mtu = int(number(a.Value))
		case unix.IFLA_MASTER:
			l.master = int(number(a.Value))
		case unix.IFLA_GROUP:
			l.group = number(a.Value)
		case unix.IFLA_PROP_LIST:
			err = inner(a.Value, unix.IFLA_ALT_IFNAME, func(v []byte) { l.names = append(l.names, nl.BytesToString(v)) })
		case unix.IFLA_LINKINFO:
			err = inner(a.Value, unix.IFLA_INFO_KIND, func(v []byte) { l.kind = nl.BytesToString(v) })
		}
		if err != nil {
			return nil, fmt.Errorf("reading a link message: %w", err)
		}
	}
	return l, nil
}

// addresses calls f for each address of the link with this number, or of all links
// when it is 0. The kernel leaves out links that have none.
func (c *conn) addresses(index int, f func(index int, addr netip.Addr)) error {
	err := c.Dump(func() *nl.NetlinkRequest {
		info := nl.NewIfAddrmsg(unix.AF_UNSPEC)
		info.Index = uint32(index)
		return nlconn.Request(unix.RTM_GETADDR, 0, info)
	}, func(payload []byte) {
		if len(payload) < unix.SizeofIfAddrmsg {
			return
		}
		info := nl.DeserializeIfAddrmsg(payload)
		attrs, err := nl.ParseRouteAttr(payload[unix.SizeofIfAddrmsg:])
		if err != nil {
			return
		}
		var found netip.Addr
		for _, a := range attrs {
			// Of a point-to-point link IFA_ADDRESS is the other side's (rtnetlink(7)).
			if a.Attr.Type == unix.IFA_LOCAL || a.Attr.Type == unix.IFA_ADDRESS && !found.IsValid() {
				found, _ = netip.AddrFromSlice(a.Value)
			}
		}
		if found.IsValid() {
			f(int(info.Index), found)
		}
	})
	if err != nil {
		return fmt.Errorf("listing addresses: %w", err)
	}
	return nil
}

// name returns the name of the link with this number (netdevice(7), SIOCGIFNAME);
// unix.ENODEV when there is none.
func (c *conn) name(index int) (string, error) {
	var ifr struct {
		name  [unix.IFNAMSIZ]byte
		index int32
		_     [20]byte
	}
	ifr.index = int32(index)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.FD()), unix.SIOCGIFNAME, uintptr(unsafe.Pointer(&ifr))); errno != 0 {
		return "", errno
	}
	return unix.ByteSliceToString(ifr.name[:]), nil
}
