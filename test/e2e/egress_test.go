package e2e

import (
	"strings"
	"testing"
)

// A container sends what fits the way to the outside.
func TestTheMTUIsThatOfTheRouteToTheOutside(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, script, want string
	}{
		{"of the interface", "ip link set lan0 mtu 1400 && ip route add default via 192.0.2.1", "1400"},
		{"of the route", "ip route add default via 192.0.2.1 mtu 1420", "1420"},
		{"jumbo frames", "ip link set lan0 mtu 9000 && ip route add default via 192.0.2.1", "9000"},
		{"less than IPv6 asks for", "ip link set lan0 mtu 600 && ip route add default via 192.0.2.1", "1280"},
		{"no route to the outside", "true", "1500"},
		{"a route that refuses", "ip route add unreachable default", "1500"},
		{"a black hole", "ip route add blackhole default", "1500"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHostOnLAN(t, test.script)
			s := h.shell(h.alice, busyboxRootfs(t, h.alice))
			if got := strings.TrimSpace(s.do("cat /sys/class/net/eth0/mtu")); got != test.want {
				t.Errorf("eth0 has an MTU of %s, want %s", got, test.want)
			}
			for _, name := range h.leases() {
				if got := h.root(`ip -o link show "$1"`, name); !strings.Contains(got, " mtu "+test.want+" ") {
					t.Errorf("the host's end is %q, want mtu %s", got, test.want)
				}
			}
			s.do("ping -c 1 -W 5 10.100.42.1")
			s.end()
		})
	}
}

func TestAnAddressRangeInUseIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, script string
		taken        bool
	}{
		{"a part of it", "ip route add 10.100.42.128/25 via 192.0.2.1", true},
		{"a single address of it", "ip route add 10.100.42.77/32 via 192.0.2.1", true},
		{"a larger one", "ip route add 10.100.0.0/16 via 192.0.2.1", true},
		{"the same", "ip route add 10.100.42.0/24 via 192.0.2.1", true},
		{"on an interface", "ip addr add 10.100.42.5/24 dev lan0", true},
		{"a black hole", "ip route add blackhole 10.100.42.0/24", true},
		{"the neighbours", "ip route add 10.100.43.0/24 via 192.0.2.1 && ip route add 10.100.41.0/24 via 192.0.2.1", false},
		{"only the default route", "ip route add default via 192.0.2.1", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHostOnLAN(t, test.script)
			got := h.run(h.unc(h.alice, "run", "true"))
			if !test.taken {
				got.works(t)
				return
			}
			got.fails(t, "10.100.42.0/24", "taken", "hint: ip route")
			if hasBridge(h) {
				t.Error("there is a bridge unc0")
			}
		})
	}
}

func TestAForeignBridgeIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"another kind of interface":         "ip link add unc0 type veth peer name other0 && ip link set unc0 addrgenmode none && ip link set other0 addrgenmode none",
		"another kind, with unc's address":  "ip link add unc0 address 02:75:0a:64:2a:01 type veth peer name other0 && ip addr add 10.100.42.1/24 dev unc0",
		"a bridge with another MAC address": "ip link add unc0 address 02:75:0a:64:2a:02 type bridge",
		"a bridge that is up":               "ip link add unc0 type bridge && ip link set unc0 addrgenmode none up && ip addr add 10.100.42.1/24 dev unc0",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.root(script)
			h.settle()
			h.run(h.unc(h.alice, "run", "true")).fails(t, `"unc0"`, "is not unc's", "hint: ip -d link show unc0")
		})
	}
}
