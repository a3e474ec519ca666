package netplumb

import (
	"fmt"
	"net/netip"
	"unsafe"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// index returns the number of the link called name, which must be shorter than
// IFNAMSIZ; unix.ENODEV when there is none. It costs a fraction of a GETLINK.
func (c *conn) index(name string) (int, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, fmt.Errorf("interface name %q: %w", name, err)
	}
	if err := unix.IoctlIfreq(c.fd, unix.SIOCGIFINDEX, ifr); err != nil {
		return 0, err
	}
	return int(ifr.Uint32()), nil
}

// hasIndex tells whether a link has this number (netdevice(7), SIOCGIFNAME).
func (c *conn) hasIndex(index int) bool {
	var ifr struct {
		name  [unix.IFNAMSIZ]byte
		index int32
		_     [20]byte
	}
	ifr.index = int32(index)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.fd), unix.SIOCGIFNAME, uintptr(unsafe.Pointer(&ifr)))
	return errno == 0
}

// link is what unc needs to know of a network interface.
type link struct {
	index int
	name  string
	up    bool
	kind  string
	mac   string
	mtu   int
}

// link looks one up by its name.
func (c *conn) link(name string) (*link, error) {
	return c.getLink(nl.NewIfInfomsg(unix.AF_UNSPEC), nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name)))
}

func (c *conn) linkByIndex(index int) (*link, error) {
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index = int32(index)
	return c.getLink(info)
}

func (c *conn) getLink(info *nl.IfInfomsg, attrs ...nl.NetlinkRequestData) (*link, error) {
	const skipStats = 1 << 3 // RTEXT_FILTER_SKIP_STATS: filling them in is most of the cost
	parts := append([]nl.NetlinkRequestData{info, nl.NewRtAttr(unix.IFLA_EXT_MASK, nl.Uint32Attr(skipStats))}, attrs...)
	payload, err := c.get(request(unix.RTM_GETLINK, 0, parts...))
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
		switch a.Attr.Type {
		case unix.IFLA_IFNAME:
			l.name = nl.BytesToString(a.Value)
		case unix.IFLA_ADDRESS:
			l.mac = string(a.Value)
		case unix.IFLA_MTU:
			if len(a.Value) >= 4 {
				l.mtu = int(nl.NativeEndian().Uint32(a.Value))
			}
		case unix.IFLA_LINKINFO:
			inner, err := nl.ParseRouteAttr(a.Value)
			if err != nil {
				return nil, fmt.Errorf("reading a link message: %w", err)
			}
			for _, i := range inner {
				if i.Attr.Type == unix.IFLA_INFO_KIND {
					l.kind = nl.BytesToString(i.Value)
				}
			}
		}
	}
	return l, nil
}

// setLink builds an RTM_SETLINK for the link with this number.
func setLink(index int, attrs ...nl.NetlinkRequestData) *nl.NetlinkRequest {
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index = int32(index)
	return request(unix.RTM_SETLINK, 0, append([]nl.NetlinkRequestData{info}, attrs...)...)
}

// setUp builds an RTM_SETLINK that brings a link up.
func setUp(index int) *nl.NetlinkRequest {
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index, info.Flags, info.Change = int32(index), unix.IFF_UP, unix.IFF_UP
	return request(unix.RTM_SETLINK, 0, info)
}

// newAddress builds an RTM_NEWADDR.
func newAddress(index int, address netip.Prefix) *nl.NetlinkRequest {
	info := nl.NewIfAddrmsg(unix.AF_INET)
	info.Index, info.Prefixlen = uint32(index), uint8(address.Bits())
	ip := address.Addr().AsSlice()
	return request(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, info,
		nl.NewRtAttr(unix.IFA_LOCAL, ip), nl.NewRtAttr(unix.IFA_ADDRESS, ip))
}
