package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// links are the interfaces of the calling thread's network namespace, each with
// all that somebody may have changed of it, and nothing that changes by itself.
func links() (map[string]string, error) {
	for range 100 {
		found, err := linksOnce()
		// Something came or went while the list was read, or between two of them.
		if errors.Is(err, netlink.ErrDumpInterrupted) || errors.Is(err, unix.ENODEV) {
			continue
		}
		return found, err
	}
	return nil, netlink.ErrDumpInterrupted
}

func linksOnce() (map[string]string, error) {
	list, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, link := range list {
		a := link.Attrs()
		addrs, err := netlink.AddrList(link, unix.AF_UNSPEC)
		if err != nil {
			return nil, err
		}
		var on []string
		for _, addr := range addrs {
			on = append(on, addr.IPNet.String())
		}
		found["link "+a.Name] = fmt.Sprintf("%s %v mtu %d up %v master %d group %d altnames %v addresses %v",
			link.Type(), a.HardwareAddr, a.MTU, a.Flags&net.FlagUp != 0, a.MasterIndex, a.Group, a.AltNames, on)
	}
	return found, nil
}

// routes are those of the calling thread's network namespace.
func routes() (map[string]string, error) {
	list, err := netlink.RouteList(nil, unix.AF_INET)
	if err != nil {
		return nil, err
	}
	list6, err := netlink.RouteList(nil, unix.AF_INET6)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, r := range append(list, list6...) {
		dev := "none"
		if link, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
			dev = link.Attrs().Name
		}
		found[fmt.Sprintf("route %v via %v dev %s", r.Dst, r.Gw, dev)] = fmt.Sprintf("mtu %d src %v", r.MTU, r.Src)
	}
	return found, nil
}

// hasLink tells whether the network namespace of a process has a link called
// name. A process that has gone has none.
func hasLink(pid int, name string) bool {
	found := false
	_ = onThread(func() error {
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err != nil {
			return err
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		_, err = netlink.LinkByName(name)
		found = err == nil
		return nil
	})
	return found
}
