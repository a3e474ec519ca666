package main

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

// networkTries change what the network is, or claim to be another. Where it is
// allowed, they change it to what it is already.
func networkTries() []try {
	const group = "Network"
	option := func(level, name, value int) func() error {
		return func() error {
			return withSocket(func(fd int) error { return unix.SetsockoptInt(fd, level, name, value) })
		}
	}
	return []try{
		{group, "set", "a link up that is up", setLoopback},
		{group, "set", "a link's MTU (to what it is)", sameMTU},
		// No such address can be removed.
		{group, "remove", "an address", func() error {
			address := []byte{unix.AF_INET, 32, 0, 0, 1, 0, 0, 0, 8, 0, unix.IFA_LOCAL, 0, 192, 0, 2, 77}
			return past(routeAsk(unix.RTM_DELADDR, address), unix.EADDRNOTAVAIL)
		}},
		{group, "remove", "a route", func() error {
			// To 192.0.2.77, of a table that there is not.
			route := []byte{unix.AF_INET, 32, 0, 0, 250, 0, 0, 0, 0, 0, 0, 0, 8, 0, unix.RTA_DST, 0, 192, 0, 2, 77}
			return past(routeAsk(unix.RTM_DELROUTE, route), unix.ESRCH)
		}},
		{group, "look at", "the nftables rules", lookAtRules},
		{group, "look at", "iptables's rules", func() error {
			const info = 64 // IPT_SO_GET_INFO
			return withSocket(func(fd int) error {
				size := uint32(84)
				name := [84]byte{'f', 'i', 'l', 't', 'e', 'r'}
				return past(call(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_IP, info, addr(&name), addr(&size)), unix.ENOENT)
			})
		}},
		{group, "set on a socket", "SO_MARK", option(unix.SOL_SOCKET, unix.SO_MARK, 1)},
		{group, "set on a socket", "SO_PRIORITY above 6", option(unix.SOL_SOCKET, unix.SO_PRIORITY, 7)},
		{group, "set on a socket", "SO_RCVBUFFORCE", option(unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4096)},
		{group, "set on a socket", "SO_DEBUG", option(unix.SOL_SOCKET, unix.SO_DEBUG, 1)},
		{group, "set on a socket", "SO_BINDTODEVICE", func() error {
			return withSocket(func(fd int) error { return unix.BindToDevice(fd, "lo") })
		}},
		{group, "set on a socket", "IP_TRANSPARENT", option(unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1)},
		{group, "set on a socket", "IP_HDRINCL (one's own headers)", func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
			if err != nil {
				return before("socket", err)
			}
			return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_HDRINCL, 1)
		}},
		{group, "bind to", "another's address", func() error {
			return withSocket(func(fd int) error { return unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 77}}) })
		}},
	}
}

func withSocket(do func(fd int) error) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return before("socket", err)
	}
	defer unix.Close(fd)
	return do(fd)
}

func bindLow() error {
	return withSocket(func(fd int) error {
		return unix.Bind(fd, &unix.SockaddrInet4{Port: 81, Addr: [4]byte{127, 0, 0, 1}})
	})
}

// setLoopback gives lo the flags that it has.
func setLoopback() error {
	return withSocket(func(fd int) error {
		ifr, err := unix.NewIfreq("lo")
		if err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
			return before("look", err)
		}
		return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
	})
}

func sameMTU() error {
	return withSocket(func(fd int) error {
		ifr, err := unix.NewIfreq("lo")
		if err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFMTU, ifr); err != nil {
			return before("look", err)
		}
		return unix.IoctlIfreq(fd, unix.SIOCSIFMTU, ifr)
	})
}

func routeAsk(kind uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return before("socket", err)
	}
	defer unix.Close(fd)
	return netlinkAsk(fd, kind, syscall.NLM_F_REQUEST|syscall.NLM_F_ACK, body)
}

// lookAtRules asks for a table that there is not.
func lookAtRules() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return before("socket", err)
	}
	defer unix.Close(fd)
	const getTable = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETTABLE
	body := append([]byte{unix.NFPROTO_IPV4, 0, 0, 0, 10, 0, unix.NFTA_TABLE_NAME, 0}, "probe\x00\x00\x00"...)
	return past(netlinkAsk(fd, getTable, syscall.NLM_F_REQUEST|syscall.NLM_F_ACK, body), unix.ENOENT)
}

// netlinkAsk sends one message and reads the answer's errno.
func netlinkAsk(fd int, kind, flags uint16, body []byte) error {
	message := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(body))
	binary.NativeEndian.PutUint32(message, uint32(cap(message)))
	binary.NativeEndian.PutUint16(message[4:], kind)
	binary.NativeEndian.PutUint16(message[6:], flags)
	if err := unix.Sendto(fd, append(message, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return before("receive", err)
	}
	messages, err := syscall.ParseNetlinkMessage(answer[:n])
	if err != nil || len(messages) == 0 || messages[0].Header.Type != unix.NLMSG_ERROR || len(messages[0].Data) < 4 {
		return nil // it has answered
	}
	if errno := -int32(binary.NativeEndian.Uint32(messages[0].Data)); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}
