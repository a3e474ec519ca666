package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

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
	found := map[string]string{}
	for _, r := range list {
		dev := "none"
		if link, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
			dev = link.Attrs().Name
		}
		found[fmt.Sprintf("route %v via %v dev %s", r.Dst, r.Gw, dev)] = fmt.Sprintf("mtu %d src %v", r.MTU, r.Src)
	}
	return found, nil
}

// bridgeDiffers are the settings in which unc0 differs from a new interface:
// bridgeSysctls in internal/netplumb, and what noLinkLocal there shows as.
var bridgeDiffers = map[string]string{
	"ipv4/accept_redirects": "0",
	"ipv4/route_localnet":   "0",
	"ipv6/accept_ra":        "0",
	"ipv6/accept_redirects": "0",
	"ipv6/addr_gen_mode":    "1",
}

// aboutBridge says what is wrong with the bridge that unc has made, if it has.
func (h *host) aboutBridge(p picture) string {
	is, there := p["link unc0"]
	if !there {
		return ""
	}
	for _, want := range []string{"bridge 02:75:0a:64:2a:01 ", " up true ", " altnames [] ", " addresses [10.100.42.1/24]"} {
		if !strings.Contains(is, want) {
			return fmt.Sprintf("unc0 is %q, want %q", is, want)
		}
	}
	for key, is := range p {
		name, ok := strings.CutPrefix(key, "sysctl ")
		if !ok || !strings.Contains(name, "/conf/unc0/") || strings.HasSuffix(name, "/mtu") {
			continue // the MTU is the bridge's own
		}
		want := p["sysctl "+strings.Replace(name, "/unc0/", "/default/", 1)]
		if documented, ok := bridgeDiffers[strings.Replace(name, "conf/unc0/", "", 1)]; ok {
			want = documented
		}
		if is != want {
			return fmt.Sprintf("unc0 has %s = %s, want %s", name, is, want)
		}
	}
	return ""
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
