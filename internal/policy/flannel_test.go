package policy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlannel(t *testing.T) {
	base := "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.5.1/24\n"
	for _, test := range []struct {
		name, text              string
		mtu                     int // of network.conf
		subnet, overlay, refuse string
		wantMTU                 int
	}{
		{name: "as it is written", text: testFlannel, subnet: "10.244.5.0/24", overlay: "10.244.0.0/16", wantMTU: 1450},
		{name: "with IPv6", text: testFlannel + "FLANNEL_IPV6_NETWORK=fc00::/48\nFLANNEL_IPV6_SUBNET=fc00:0:0:1::1/64\n", subnet: "10.244.5.0/24", overlay: "10.244.0.0/16", wantMTU: 1450},
		{name: "without the gateway", text: "FLANNEL_NETWORK=10.0.0.0/8\nFLANNEL_SUBNET=10.7.0.0/16\nFLANNEL_MTU=8951", subnet: "10.7.0.0/16", overlay: "10.0.0.0/8", wantMTU: 8951},
		{name: "small parts", text: "FLANNEL_NETWORK=10.1.2.0/24\nFLANNEL_SUBNET=10.1.2.17/28\nFLANNEL_MTU=1450", subnet: "10.1.2.16/28", overlay: "10.1.2.0/24", wantMTU: 1450},
		{name: "another MTU", text: testFlannel, mtu: 1300, subnet: "10.244.5.0/24", overlay: "10.244.0.0/16", wantMTU: 1300},
		{name: "another MTU, and none of flannel's", text: base, mtu: 1300, subnet: "10.244.5.0/24", overlay: "10.244.0.0/16", wantMTU: 1300},

		{name: "empty", text: "", refuse: ": want FLANNEL_NETWORK and FLANNEL_SUBNET"},
		{name: "no network", text: "FLANNEL_SUBNET=10.244.5.1/24\nFLANNEL_MTU=1450", refuse: ": want FLANNEL_NETWORK and FLANNEL_SUBNET"},
		{name: "no subnet", text: "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_MTU=1450", refuse: ": want FLANNEL_NETWORK and FLANNEL_SUBNET"},
		{name: "no MTU", text: base, refuse: `: FLANNEL_MTU="": want a number from 1280 to 65535`},
		{name: "small MTU", text: base + "FLANNEL_MTU=576", refuse: `: FLANNEL_MTU="576": want a number from 1280 to 65535`},
		{name: "two subnets", text: base + "FLANNEL_SUBNET=10.244.6.1/24", refuse: ", line 3: FLANNEL_SUBNET is in line 2 already"},
		{name: "two networks", text: "FLANNEL_NETWORK=10.244.0.0/16,10.245.0.0/16", refuse: `, line 1: FLANNEL_NETWORK="10.244.0.0/16,10.245.0.0/16": want IPv4 addresses as in 10.244.5.1/24`},
		{name: "IPv6 for IPv4", text: "FLANNEL_SUBNET=fc00::1/64", refuse: `, line 1: FLANNEL_SUBNET="fc00::1/64": want IPv4 addresses as in 10.244.5.1/24`},
		{name: "half a file", text: "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUB", refuse: `, line 2: "FLANNEL_SUB" is not KEY=value`},
		{name: "large subnet", text: "FLANNEL_NETWORK=10.0.0.0/8\nFLANNEL_SUBNET=10.6.0.1/15", refuse: ": FLANNEL_SUBNET=10.6.0.0/15: want a prefix from /16 to /28"},
		{name: "small subnet", text: "FLANNEL_NETWORK=10.0.0.0/8\nFLANNEL_SUBNET=10.6.0.1/30", refuse: ": FLANNEL_SUBNET=10.6.0.0/30: want a prefix from /16 to /28"},
		{name: "loopback", text: "FLANNEL_NETWORK=127.0.0.0/8\nFLANNEL_SUBNET=127.1.0.1/24", refuse: ": FLANNEL_SUBNET=127.1.0.0/24: 127.0.0.0/8 is the host's loopback"},
		{name: "subnet elsewhere", text: "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.245.5.1/24", refuse: ": FLANNEL_NETWORK=10.244.0.0/16: want a network of at most a /8 around FLANNEL_SUBNET=10.245.5.0/24"},
		{name: "subnet around the network", text: "FLANNEL_NETWORK=10.244.5.0/25\nFLANNEL_SUBNET=10.244.5.1/24", refuse: ": FLANNEL_NETWORK=10.244.5.0/25: want a network of at most a /8 around FLANNEL_SUBNET=10.244.5.0/24"},
		{name: "the world", text: "FLANNEL_NETWORK=0.0.0.0/0\nFLANNEL_SUBNET=10.244.5.1/24", refuse: ": FLANNEL_NETWORK=0.0.0.0/0: want a network of at most a /8 around FLANNEL_SUBNET=10.244.5.0/24"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := machine(t)
			write(t, m.flannel, test.text)
			got := defaults()
			got.MTU = test.mtu
			err := followFlannel(got, m)
			if test.refuse != "" {
				want := `reading "/flannel/subnet.env"` + test.refuse
				if err == nil || strings.ReplaceAll(err.Error(), dirOf(m.passwd), "") != want {
					t.Errorf("got %v\nwant %v", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			want.Subnet, want.Overlay, want.MTU = netip.MustParsePrefix(test.subnet), netip.MustParsePrefix(test.overlay), test.wantMTU
			if diff := cmp.Diff(want, got, compared); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
		})
	}
}

// What is accepted of flannel keeps to the limits of network.conf.
func FuzzFlannel(f *testing.F) {
	f.Add(testFlannel)
	f.Add("FLANNEL_NETWORK=10.0.0.0/8\nFLANNEL_SUBNET=\"10.7.0.0/16\"\nFLANNEL_MTU='1280'\n")
	f.Add("# c\nFLANNEL_SUBNET=::ffff:10.0.0.1/120\nFLANNEL_NETWORK=0.0.0.0/0\nX=y")
	f.Fuzz(func(t *testing.T, text string) {
		flannel, err := parseFlannel(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Fatalf("got %v, want an error with its line", err)
			}
			return
		}
		p := defaults()
		if flannel.apply(p) != nil {
			if diff := cmp.Diff(defaults().Subnet, p.Subnet, compared); diff != "" {
				t.Errorf("subnet after an error (-want +got):\n%s", diff)
			}
			return
		}
		if err := consistent(p); err != nil {
			t.Fatal(err)
		}
		if p.MTU == 0 || p.Overlay != p.Overlay.Masked() || !p.Overlay.Contains(p.Gateway()) {
			t.Errorf("got MTU %d, overlay %v around %v", p.MTU, p.Overlay, p.Subnet)
		}
	})
}
