package filter

import (
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

// The attributes of linux/netfilter/nfnetlink_conntrack.h.
const (
	ctDelete          = 2 // IPCTNL_MSG_CT_DELETE
	ctTupleOrig       = 1
	ctTupleIP         = 1
	ctIPv4Src         = 1
	ctIPv6Src         = 3
	ctFilter          = 25
	ctFilterOrigFlags = 1
	ctFilterIPSrc     = 1 // CTA_FILTER_F_CTA_IP_SRC
)

// Forget deletes the connections that these addresses have begun from the host's
// table. That walks the table, which takes milliseconds. Kernels before 5.8 refuse.
// It needs CAP_NET_ADMIN.
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
		family, key := byte(unix.AF_INET), ctIPv4Src
		if addr.Is6() {
			family, key = unix.AF_INET6, ctIPv6Src
		}
		tuple := nl.NewRtAttr(ctTupleOrig|unix.NLA_F_NESTED, nil)
		tuple.AddRtAttr(ctTupleIP|unix.NLA_F_NESTED, nil).AddRtAttr(key, addr.AsSlice())
		filter := nl.NewRtAttr(ctFilter|unix.NLA_F_NESTED, nil)
		filter.AddRtAttr(ctFilterOrigFlags, nl.Uint32Attr(ctFilterIPSrc))
		filter.AddRtAttr(ctFilterOrigFlags+1, nl.Uint32Attr(0))
		// Version 1: the family counts (ctnetlink_del_conntrack).
		msg := rawMessage{family, 1, 0, 0}
		err := c.Must(nlconn.Request(unix.NFNL_SUBSYS_CTNETLINK<<8|ctDelete, 0, msg, tuple, filter))
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("ending the connections of %v: %w", addr, err)
		}
	}
	return nil
}

// rawMessage is the beginning of a message as it stands.
type rawMessage []byte

func (m rawMessage) Len() int          { return len(m) }
func (m rawMessage) Serialize() []byte { return m }
