package filter

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/lease"
	"unc/internal/policy"
)

// names lists the tables' chains and sets.
func names(p *policy.Policy) []string {
	var list []string
	for _, t := range tables(p, Routed{}) {
		for _, s := range t.sets {
			list = append(list, "set "+s.name)
		}
		for _, c := range t.chains {
			list = append(list, c.name)
		}
	}
	return list
}

func TestWhichChainsAPolicyHas(t *testing.T) {
	for _, test := range []struct {
		policy string
		with   []string // what the default has not
		less   []string // what the default has
	}{
		{"the default", nil, nil},
		{"SUBNET6=none", nil, []string{"set leases6", "guard6"}},
		{"HOST_ACCESS=no", []string{"host"}, nil},
		{"ISOLATION=none", nil, []string{"set owners"}},
		{"NAT=no", nil, nil},
		{"SUBNET=flannel", nil, nil},
	} {
		t.Run(test.policy, func(t *testing.T) {
			i := slices.IndexFunc(policies, func(p struct {
				name   string
				change func(p *policy.Policy)
			},
			) bool {
				return p.name == test.policy
			})
			want := slices.DeleteFunc(names(defaults()), func(n string) bool { return slices.Contains(test.less, n) })
			want = append(want, test.with...)
			got := names(changed(policies[i].change))
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// A rule that goes to a chain that is not there, or looks into no set, is refused
// by the kernel; so is a name too long for it (NFT_NAME_MAXLEN is 256).
func TestTheKernelTakesEveryPolicy(t *testing.T) {
	testNetns(t)
	for _, test := range policies {
		p := changed(test.change)
		mustWrite(t, p, Routed{})
		if !isPresent(t, p) {
			t.Errorf("%s: not there after it was written", test.name)
		}
	}
}

// The guard's list has each address that can be leased, once, with the one port
// and the one MAC address that may send from it.
func TestTheGuardsLists(t *testing.T) {
	for bits := 16; bits <= 28; bits++ {
		t.Run(fmt.Sprintf("/%d", bits), func(t *testing.T) {
			p := defaults()
			p.Subnet = netip.PrefixFrom(netip.MustParseAddr("10.100.240.0"), bits).Masked()
			first, last := p.Numbers()
			var want, want6 []string
			for n := first; n <= last; n++ {
				holder := fmt.Sprintf("%s|%s|", lease.Name(p.Addr(n)), lease.InsideMAC(p.Addr(n)))
				want = append(want, holder+p.Addr(n).String())
				want6 = append(want6, holder+p.Addr6(n).String(), holder+policy.LinkLocal(n).String())
			}
			if got := readKeys(t, leaseKeys(p)); !slices.Equal(got, want) {
				t.Errorf("IPv4: got %d, want %d; the first are %v and %v", len(got), len(want), got[:1], want[:1])
			}
			if got := readKeys(t, leaseKeys6(p)); !slices.Equal(got, want6) {
				t.Errorf("IPv6: got %d, want %d; the first are %v and %v", len(got), len(want6), got[:1], want6[:1])
			}
		})
	}
}

// readKeys takes keys apart: 16 bytes of a name, 6 and 2 of filling, the address.
func readKeys(t *testing.T, keys [][]byte) []string {
	t.Helper()
	var list []string
	for _, k := range keys {
		if len(k) != 28 && len(k) != 40 {
			t.Fatalf("a key has %d bytes", len(k))
		}
		addr, _ := netip.AddrFromSlice(k[24:])
		name := strings.TrimRight(string(k[:16]), "\x00")
		mac := fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", k[16], k[17], k[18], k[19], k[20], k[21])
		if k[22] != 0 || k[23] != 0 {
			t.Fatalf("a key is filled up with % x", k[22:24])
		}
		list = append(list, name+"|"+mac+"|"+addr.String())
	}
	return list
}

// Neither the gateway's address nor the network's own, nor that of everybody.
func TestNobodyMaySendAsTheHost(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	for _, test := range policies {
		p := changed(test.change)
		mustWrite(t, p, Routed{})
		all := strings.Join(elements(t, "bridge unc leases"), "\n") + "\n"
		_, last := p.Numbers()
		for number, want := range map[uint32]bool{0: false, 1: false, 2: true, last: true, last + 1: false} {
			if got := strings.Contains(all, " "+p.Addr(number).String()+"\n"); got != want {
				t.Errorf("%s: %v is in the list: %v, want %v", test.name, p.Addr(number), got, want)
			}
		}
	}
}

func TestAKernelWithoutNftables(t *testing.T) {
	for errno, want := range map[unix.Errno]bool{unix.ENOENT: true, unix.EOPNOTSUPP: true, unix.EPROTONOSUPPORT: true, unix.EPERM: false} {
		err := explain(errno)
		if !errors.Is(err, errno) {
			t.Errorf("%v has become %v", errno, err)
		}
		if hints := hint.Of(err); len(hints) > 0 != want {
			t.Errorf("%v: hints are %q", errno, hints)
		}
	}
}
