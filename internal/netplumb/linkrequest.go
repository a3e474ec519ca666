package netplumb

import (
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/nlconn"
)

// ifinfo is the header of a request about the link with this number (rtnetlink(7)).
func ifinfo(index int) *nl.IfInfomsg {
	info := nl.NewIfInfomsg(unix.AF_UNSPEC)
	info.Index = int32(index)
	return info
}

// setLink builds an RTM_SETLINK for the link with this number.
func setLink(index int, attrs ...nl.NetlinkRequestData) *nl.NetlinkRequest {
	return nlconn.Request(unix.RTM_SETLINK, 0, append([]nl.NetlinkRequestData{ifinfo(index)}, attrs...)...)
}

// setUp builds an RTM_SETLINK that brings a link up, with further flags.
func setUp(index int, flags ...uint32) *nl.NetlinkRequest {
	info := ifinfo(index)
	info.Flags = unix.IFF_UP
	for _, f := range flags {
		info.Flags |= f
	}
	info.Change = info.Flags
	return nlconn.Request(unix.RTM_SETLINK, 0, info)
}

// setDown builds an RTM_SETLINK that brings a link down.
func setDown(index int) *nl.NetlinkRequest {
	info := ifinfo(index)
	info.Change = unix.IFF_UP
	return nlconn.Request(unix.RTM_SETLINK, 0, info)
}

// familyOf is the address family of an address (address_families(7)).
func familyOf(addr netip.Addr) int {
	if addr.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// newAddress builds an RTM_NEWADDR. Nobody asks around for an IPv6 address before
// it is used: the kernel's names keep them unique.
func newAddress(index int, address netip.Prefix) *nl.NetlinkRequest {
	family := familyOf(address.Addr())
	info := nl.NewIfAddrmsg(family)
	info.Index, info.Prefixlen = uint32(index), uint8(address.Bits())
	if family == unix.AF_INET6 {
		info.Flags = unix.IFA_F_NODAD
	}
	ip := address.Addr().AsSlice()
	return nlconn.Request(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, info,
		nl.NewRtAttr(unix.IFA_LOCAL, ip), nl.NewRtAttr(unix.IFA_ADDRESS, ip))
}

// addName builds an RTM_NEWLINKPROP that gives a link one more name (ip-link(8), altname).
func addName(index int, name string) *nl.NetlinkRequest {
	return changeName(unix.RTM_NEWLINKPROP, unix.NLM_F_CREATE|unix.NLM_F_EXCL, index, name)
}

// removeName builds an RTM_DELLINKPROP that takes it away again.
func removeName(index int, name string) *nl.NetlinkRequest {
	return changeName(unix.RTM_DELLINKPROP, 0, index, name)
}

func changeName(kind, flags, index int, name string) *nl.NetlinkRequest {
	list := nl.NewRtAttr(unix.IFLA_PROP_LIST|unix.NLA_F_NESTED, nil)
	list.AddRtAttr(unix.IFLA_ALT_IFNAME, nl.ZeroTerminated(name))
	return nlconn.Request(kind, flags, ifinfo(index), list)
}
