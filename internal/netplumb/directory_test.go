package netplumb

import (
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"unc/internal/lease"
)

// directory is that of a container on a test's host, on which there are three more.
func directory(t *testing.T) (*Directory, *conn, map[string]netip.Addr) {
	t.Helper()
	c, w := bridged(t, nil)
	held := map[string]netip.Addr{}
	for _, container := range []struct {
		owner uint32
		name  string
	}{{owner, "web"}, {owner, ""}, {owner + 1, "web"}, {owner + 1, "db"}} {
		w.owner = container.owner
		addr, err := requested(t, c, w, asks(container.name, 1))
		if err != nil {
			t.Fatal(err)
		}
		held[nameOf(container.owner, container.name)] = addr
	}
	j := &job{wiring: w}
	number, _ := w.policy.Number(held[nameOf(owner, "web")])
	d, err := NewDirectory(j.network(number, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d, c, held
}

func TestLookup(t *testing.T) {
	d, _, held := directory(t)
	// What is called like a container and is none.
	stray := addLink(t, &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "stray"}})
	foreign := addLink(t, &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: lease.Name(netip.MustParseAddr("10.9.9.9"))}})
	for l, name := range map[netlink.Link]string{stray: nameOf(owner, "stray"), foreign: nameOf(owner, "foreign")} {
		if err := netlink.LinkAddAltName(l, name); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		what  string
		owner uint32
		name  string
		want  string // whose, empty: nobody's
	}{
		{"its own", owner, "web", nameOf(owner, "web")},
		{"another user's of the same name", owner + 1, "web", nameOf(owner+1, "web")},
		{"another user's", owner + 1, "db", nameOf(owner+1, "db")},
		{"not of this user", owner, "db", ""},
		{"of nobody", 0, "web", ""},
		{"no name", owner, "", ""},
		{"another case", owner, "WEB", ""},
		{"what is no name", owner, "web.web", ""},
		{"a link that is no lease", owner, "stray", ""},
		{"a lease of another subnet", owner, "foreign", ""},
	} {
		t.Run(test.what, func(t *testing.T) {
			v4, v6, ok := d.Lookup(test.owner, test.name)
			if ok != (test.want != "") || v4 != held[test.want] {
				t.Errorf("got %v, %v, want %v", v4, ok, held[test.want])
			}
			want6 := netip.Addr{}
			if ok && kernelHasIPv6() {
				want6 = with6(v4)
			}
			if v6 != want6 {
				t.Errorf("got %v, want %v", v6, want6)
			}
		})
	}
}

// with6 is the IPv6 address that goes with one of the default policy's.
func with6(v4 netip.Addr) netip.Addr {
	ip := netip.MustParseAddr("fd42:756e:6300:1::").As16()
	ip[15] = v4.As4()[3]
	return netip.AddrFrom16(ip)
}

func TestReverse(t *testing.T) {
	needIPv6(t)
	d, _, held := directory(t)
	web, nameless, db := held[nameOf(owner, "web")], held[nameOf(owner, "")], held[nameOf(owner+1, "db")]
	free := netip.MustParseAddr("10.100.42.2")
	for taken := true; taken; {
		free, taken = free.Next(), false
		for _, addr := range held {
			taken = taken || addr == free
		}
	}
	in := func(v4 netip.Addr, change func(ip *[16]byte)) netip.Addr {
		ip := with6(v4).As16()
		change(&ip)
		return netip.AddrFrom16(ip)
	}
	for _, test := range []struct {
		what  string
		addr  netip.Addr
		owner uint32
		name  string
	}{
		{"IPv4", web, owner, "web"},
		{"IPv6", with6(web), owner, "web"},
		{"another user's", db, owner + 1, "db"},
		{"another user's IPv6", with6(db), owner + 1, "db"},
		{"of who has no name", nameless, 0, ""},
		{"free", free, 0, ""},
		{"free of IPv6", with6(free), 0, ""},
		{"the gateway", netip.MustParseAddr("10.100.42.1"), 0, ""},
		{"elsewhere", netip.MustParseAddr("192.0.2.1"), 0, ""},
		{"IPv4 as IPv6", netip.AddrFrom16(web.As16()), 0, ""},
		{"another prefix", in(web, func(ip *[16]byte) { ip[0] = 0xfe }), 0, ""},
		{"another subnet of the prefix", in(web, func(ip *[16]byte) { ip[7]++ }), 0, ""},
		{"bits between", in(web, func(ip *[16]byte) { ip[11] = 1 }), 0, ""},
		{"a number beyond", in(web, func(ip *[16]byte) { ip[14] = 1 }), 0, ""},
		{"a number that wraps around", in(web, func(ip *[16]byte) { ip[12], ip[13], ip[14] = 0xff, 0xff, 0xff }), 0, ""},
		{"with a zone", with6(web).WithZone("eth0"), 0, ""},
		{"none", netip.Addr{}, 0, ""},
	} {
		t.Run(test.what, func(t *testing.T) {
			got, name, ok := d.Reverse(test.addr)
			if ok != (test.name != "") || name != test.name || ok && got != test.owner {
				t.Errorf("%v: got %q of %d, %v, want %q of %d", test.addr, name, got, ok, test.name, test.owner)
			}
		})
	}
}

// Without IPv6 nobody has such an address.
func TestDirectoryWithoutIPv6(t *testing.T) {
	d, _, held := directory(t)
	d.net.Address6 = netip.Prefix{}
	web := held[nameOf(owner, "web")]
	if v4, v6, ok := d.Lookup(owner, "web"); v4 != web || v6.IsValid() || !ok {
		t.Errorf("got %v, %v, %v, want %v alone", v4, v6, ok, web)
	}
	if got, name, ok := d.Reverse(with6(web)); ok {
		t.Errorf("got %q of %d, want nothing", name, got)
	}
}

// A name is free when its container has gone.
func TestLookupOfTheGone(t *testing.T) {
	d, c, held := directory(t)
	endLease(t, c, held[nameOf(owner, "web")])
	if got, _, ok := d.Lookup(owner, "web"); ok {
		t.Errorf("got %v, want nothing", got)
	}
	if _, name, ok := d.Reverse(held[nameOf(owner, "web")]); ok {
		t.Errorf("got %q, want nothing", name)
	}
}
