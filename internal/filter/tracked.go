package filter

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/nlconn"
)

// IsTracked tells whether a connection that a container with one of these addresses
// has begun still goes on, as the set knows that limits their number: an address is
// in it for as long as one is counted. What comes from the other side of such a
// connection is let in to whoever has the address. It needs CAP_NET_ADMIN.
func IsTracked(addrs ...netip.Addr) (bool, error) {
	c, err := nlconn.Dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return false, err
	}
	defer c.Close()
	var reqs []*nl.NetlinkRequest
	for _, addr := range addrs {
		if addr.IsValid() {
			reqs = append(reqs, findTracked(addr))
		}
	}
	errs, err := c.Ask(reqs, func(int, []byte) {})
	if err != nil {
		return false, fmt.Errorf("looking for an address's connections: %w", err)
	}
	found := false
	for _, err := range errs {
		switch {
		case err == nil:
			found = true
		case !errors.Is(err, unix.ENOENT):
			return false, fmt.Errorf("looking for an address's connections: %w", err)
		}
	}
	return found, nil
}

func findTracked(addr netip.Addr) *nl.NetlinkRequest {
	set := tracked
	if addr.Is6() {
		set = tracked6
	}
	list := nl.NewRtAttr(unix.NFTA_SET_ELEM_LIST_ELEMENTS|unix.NLA_F_NESTED, nil)
	elem := list.AddRtAttr(unix.NFTA_LIST_ELEM|unix.NLA_F_NESTED, nil)
	elem.AddRtAttr(unix.NFTA_SET_ELEM_KEY|unix.NLA_F_NESTED, nil).AddRtAttr(unix.NFTA_DATA_VALUE, addr.AsSlice())
	return nlconn.Request(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETSETELEM, 0, nfgenmsg{byte(nftables.TableFamilyINet)},
		nl.NewRtAttr(unix.NFTA_SET_ELEM_LIST_TABLE, nl.ZeroTerminated(name)),
		nl.NewRtAttr(unix.NFTA_SET_ELEM_LIST_SET, nl.ZeroTerminated(set)), list)
}

// The messages and attributes of linux/netfilter/nfnetlink_conntrack.h.
const (
	ctGet       = 1 // IPCTNL_MSG_CT_GET
	ctDelete    = 2 // IPCTNL_MSG_CT_DELETE
	ctTupleOrig = 1
	ctID        = 12
	ctZone      = 18
	ctTupleIP   = 1
	ctIPv4Src   = 1
	ctIPv6Src   = 3
)

// Forget deletes the connections that these addresses have begun from the host's
// table. It lists the table, which takes milliseconds. Not by the kernel's own
// filter: that came with Linux 5.8, and compares IPv6 addresses the wrong way round
// (ctnetlink_filter_match_tuple). It needs CAP_NET_ADMIN.
func Forget(addrs ...netip.Addr) error {
	c, err := nlconn.Dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, addr := range addrs {
		if !addr.IsValid() {
			continue
		}
		if err := forget(c, addr); err != nil {
			return fmt.Errorf("ending the connections of %v: %w", addr, err)
		}
	}
	return nil
}

func forget(c *nlconn.Conn, addr netip.Addr) error {
	family := byte(unix.AF_INET)
	if addr.Is6() {
		family = unix.AF_INET6
	}
	var found []*nl.NetlinkRequest
	err := c.Dump(func() *nl.NetlinkRequest {
		found = nil
		return nlconn.Request(unix.NFNL_SUBSYS_CTNETLINK<<8|ctGet, 0, nfgenmsg{family})
	}, func(payload []byte) {
		if which, ok := begunBy(payload, addr); ok {
			parts := append([]nl.NetlinkRequestData{nfgenmsg{family}}, which...)
			found = append(found, nlconn.Request(unix.NFNL_SUBSYS_CTNETLINK<<8|ctDelete, 0, parts...))
		}
	})
	if err != nil {
		return err
	}
	for _, req := range found {
		if err := c.Must(req); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

// begunBy tells whether an address has begun a connection, and returns what names that
// one.
func begunBy(payload []byte, addr netip.Addr) (which []nl.NetlinkRequestData, ok bool) {
	key := uint16(ctIPv4Src)
	if addr.Is6() {
		key = ctIPv6Src
	}
	attrs, err := nl.ParseRouteAttr(payload[min(nfgenmsgSize, len(payload)):])
	if err != nil {
		return nil, false
	}
	for _, a := range attrs {
		switch kind := a.Attr.Type &^ unix.NLA_F_NESTED; kind {
		case ctTupleOrig:
			source := nested(nested(a.Value, ctTupleIP), key)
			ok = ok || bytes.Equal(source, addr.AsSlice())
			which = append(which, nl.NewRtAttr(ctTupleOrig|unix.NLA_F_NESTED, bytes.Clone(a.Value)))
		case ctID, ctZone:
			which = append(which, nl.NewRtAttr(int(kind), bytes.Clone(a.Value)))
		}
	}
	return which, ok
}

// nested returns the value of an attribute inside of another, nil when there is none.
func nested(value []byte, key uint16) []byte {
	attrs, err := nl.ParseRouteAttr(value)
	if err != nil {
		return nil
	}
	for _, a := range attrs {
		if a.Attr.Type&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER) == key {
			return a.Value
		}
	}
	return nil
}
