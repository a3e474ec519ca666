package main

import "golang.org/x/sys/unix"

// socketTries: each family is a part of the kernel that a container reaches or not.
func socketTries() []try {
	var all []try
	for _, s := range []struct {
		name                   string
		family, kind, protocol uintptr
	}{
		{"AF_UNIX", unix.AF_UNIX, unix.SOCK_STREAM, 0},
		{"AF_INET", unix.AF_INET, unix.SOCK_STREAM, 0},
		{"AF_INET6", unix.AF_INET6, unix.SOCK_STREAM, 0},
		{"AF_INET (SOCK_RAW)", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_RAW},
		{"AF_INET (SCTP)", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP},
		{"AF_INET (MPTCP)", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP},
		{"AF_INET (ping)", unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP},
		{"AF_PACKET (SOCK_RAW)", unix.AF_PACKET, unix.SOCK_RAW, 0},
		{"AF_PACKET (SOCK_DGRAM)", unix.AF_PACKET, unix.SOCK_DGRAM, 0},
		{"AF_NETLINK (ROUTE)", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE},
		{"AF_NETLINK (NETFILTER)", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER},
		{"AF_NETLINK (XFRM)", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_XFRM},
		{"AF_NETLINK (AUDIT)", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT},
		{"AF_NETLINK (KOBJECT_UEVENT)", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_KOBJECT_UEVENT},
		{"AF_NETLINK (CRYPTO)", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_CRYPTO},
		{"AF_ALG", unix.AF_ALG, unix.SOCK_SEQPACKET, 0},
		{"AF_VSOCK", unix.AF_VSOCK, unix.SOCK_STREAM, 0},
		{"AF_KEY", unix.AF_KEY, unix.SOCK_RAW, 2},
		{"AF_XDP", unix.AF_XDP, unix.SOCK_RAW, 0},
		{"AF_BLUETOOTH", unix.AF_BLUETOOTH, unix.SOCK_RAW, 1},
		{"AF_CAN", unix.AF_CAN, unix.SOCK_RAW, 1},
		{"AF_TIPC", unix.AF_TIPC, unix.SOCK_DGRAM, 0},
		{"AF_RDS", unix.AF_RDS, unix.SOCK_SEQPACKET, 0},
		{"AF_SMC", unix.AF_SMC, unix.SOCK_STREAM, 0},
		{"AF_PPPOX", unix.AF_PPPOX, unix.SOCK_STREAM, 0},
		{"AF_AX25", unix.AF_AX25, unix.SOCK_DGRAM, 0},
		{"AF_NFC", unix.AF_NFC, unix.SOCK_SEQPACKET, 0},
		{"AF_QIPCRTR", unix.AF_QIPCRTR, unix.SOCK_DGRAM, 0},
		{"AF_PHONET", unix.AF_PHONET, unix.SOCK_DGRAM, 0},
	} {
		all = append(all, try{"Sockets", "open a socket of", s.name, func() error {
			return opens(unix.SYS_SOCKET, s.family, s.kind|unix.SOCK_CLOEXEC, s.protocol)
		}})
	}
	return all
}
