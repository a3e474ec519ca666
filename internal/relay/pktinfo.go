package relay

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// A socket that is bound to all addresses has to say of each answer which of them
// it comes from, or the kernel takes the one nearest to the peer, and a client that
// asked another one drops the answer. Control messages tell the address that was
// asked, and take the one to answer from: IP_PKTINFO in ip(7), IPV6_PKTINFO in
// RFC 3542, section 6.

// maxControl is enough for one such message of either family, in bytes.
const maxControl = 64

// askLocal has the kernel tell with every datagram where it was sent to.
func askLocal(fd, family int) error {
	if family == unix.AF_INET {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
}

// localAddr finds the address of this host that a datagram was sent to. For one that
// was sent to many hosts, IPv4 tells an address to answer from and IPv6 does not:
// then it is the zero Addr, as it is when there is no such control message. A
// link-local address has the number of its interface as the zone.
func localAddr(control []byte) netip.Addr {
	for len(control) >= unix.SizeofCmsghdr {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		control = rest
		switch {
		case header.Level == unix.IPPROTO_IP && header.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			// struct in_pktinfo: interface, address to answer from, address in the header
			return usable(netip.AddrFrom4([4]byte(data[4:8])))
		case header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			addr := netip.AddrFrom16([16]byte(data[:16]))
			if addr.IsLinkLocalUnicast() {
				addr = addr.WithZone(strconv.FormatUint(uint64(binary.NativeEndian.Uint32(data[16:])), 10))
			}
			return usable(addr)
		}
	}
	return netip.Addr{}
}

// usable passes on what can be a source address.
func usable(addr netip.Addr) netip.Addr {
	if addr.IsUnspecified() || addr.IsMulticast() {
		return netip.Addr{}
	}
	return addr
}

// fromAddr is the control message that has an answer come from addr, as localAddr gave
// it; nil for the zero Addr.
func fromAddr(addr netip.Addr) []byte {
	switch {
	case addr.Is4():
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: addr.As4()})
	case addr.Is6():
		zone, _ := strconv.ParseUint(addr.Zone(), 10, 32) // none is 0
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: addr.As16(), Ifindex: uint32(zone)})
	}
	return nil
}
