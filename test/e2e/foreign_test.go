package e2e

import (
	"encoding/json"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// network is what net-setup prints.
type network struct {
	Interface string
	Address   netip.Prefix
	Gateway   netip.Addr
	Address6  netip.Prefix
	Gateway6  netip.Addr
	LinkLocal netip.Prefix `json:"link_local"`
	MTU       int
	Resolvers []netip.Addr
	Search    []string
	Options   []string
	Warnings  []string
}

func parseNetwork(t *testing.T, text string) network {
	t.Helper()
	var n network
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&n); err != nil {
		t.Fatalf("%q is no JSON: %v", text, err)
	}
	if decoder.More() || !strings.HasSuffix(text, "}\n") || strings.Count(text, "\n") != 1 {
		t.Errorf("%q is not one line", text)
	}
	return n
}

// TestOtherToolsNamespaces: whoever makes a network namespace as an ordinary
// user can have it attached.
func TestOtherToolsNamespaces(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	tools := map[string][]string{"unshare": {"unshare", "-Urn", "sh"}}
	if _, err := exec.LookPath("bwrap"); err == nil {
		tools["bwrap"] = []string{"bwrap", "--unshare-user", "--uid", "0", "--unshare-net", "--dev-bind", "/", "/", "--cap-add", "ALL", "sh"}
	}
	for name, argv := range tools {
		t.Run(name, func(t *testing.T) {
			h := h.with(t)
			s := h.open(h.as(h.alice, argv...))
			pid := strings.TrimSpace(s.do("echo $$"))
			got := parseNetwork(t, h.run(h.unc(h.alice, "net-setup", pid)).works(t))
			if got.Interface != "eth0" || got.Gateway.String() != "10.100.42.1" || got.MTU != 1500 || got.Resolvers == nil {
				t.Errorf("got %+v", got)
			}
			if got.Address.Bits() != 24 || !got.Address.Contains(got.Gateway) || got.Address.Addr() == got.Gateway {
				t.Errorf("the address is %v", got.Address)
			}

			if got.Address6.Bits() != 64 || !got.Address6.Contains(got.Gateway6) || got.Address6.Addr() == got.Gateway6 {
				t.Errorf("the IPv6 address is %v, the gateway %v", got.Address6, got.Gateway6)
			}
			if got.LinkLocal.Bits() != 64 || !got.LinkLocal.Addr().IsLinkLocalUnicast() {
				t.Errorf("the link-local address is %v", got.LinkLocal)
			}

			again := h.run(h.unc(h.alice, "net-setup", pid))
			again.fails(t, "eth0")
			if n := len(h.leases()); n != 1 {
				t.Errorf("%d leases after a second call, want the first one's", n)
			}
			s.do("ip link set lo up && ip addr add " + got.Address.String() + " dev eth0 && ip link set eth0 up && ip route add default via 10.100.42.1")
			h.answers(t, got.Address.Addr().String())
			s.do("ip -6 addr add " + got.Address6.String() + " dev eth0 nodad && ip -6 addr add " + got.LinkLocal.String() +
				" dev eth0 nodad && ip -6 route add default via " + got.Gateway6.String())
			h.answers(t, got.Address6.Addr().String())
			s.end()
		})
	}
}

// answers pings a container from the host.
func (h *host) answers(t *testing.T, address string) {
	t.Helper()
	h.run(h.command(busybox, "ping", "-c", "1", "-W", "5", address)).works(t)
}

func TestASecondNetworkOfTheSameContainerIsRefused(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := h.shell(h.alice, busyboxRootfs(t, h.alice))
	h.run(h.unc(h.alice, "net-setup", strconv.Itoa(s.command()))).fails(t, "eth0")
	if n := len(h.leases()); n != 1 {
		t.Errorf("%d leases, want 1", n)
	}
	h.run(h.as(h.alice, "sh", "-c", `exec "$1" net-setup -`, "sh", unc)) // nothing on standard input
	s.do("ping -c 1 -W 5 10.100.42.1")
	s.end()
}
