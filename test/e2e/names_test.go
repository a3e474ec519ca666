package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

const notThere = "NameError"

func TestNamesOfContainers(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	long := strings.Repeat("0123456789", 100)
	upstream := serveNames(t, lan, neighbourAddr, map[string]string{"known.example.org.": "203.0.113.5", "long.example.org.": long})
	etc := newPrivate(t, h)
	rootfs := busyboxRootfs(t, h.alice)
	web := etc.container(h, h.alice, rootfs, "--name", "web")
	mate := etc.container(h, h.alice, rootfs)
	bobs := etc.container(h, h.bob, rootfs, "--name", "db_1")
	gateway6 := h.gateway6()

	aliceUID, bobUID := fmt.Sprint(h.alice.uid), fmt.Sprint(h.bob.uid)
	const a, aaaa, ptr, txt = dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypePTR, dnsmessage.TypeTXT
	for _, test := range []struct {
		from *container
		name string
		kind dnsmessage.Type
		want string
	}{
		{mate, "web", a, web.v4},
		{mate, "web", aaaa, web.v6},
		{mate, "WeB", a, web.v4},
		{web, "web", a, web.v4},
		{mate, "web.alice", a, web.v4},
		{mate, "web.alice", aaaa, web.v6},
		{mate, "web." + aliceUID, a, web.v4},
		{mate, "db_1.bob", a, bobs.v4},
		{mate, "db_1." + bobUID, aaaa, bobs.v6},
		{mate, "db_1", a, notThere},
		{mate, "web.bob", a, notThere},
		{mate, "web.carol", a, notThere},
		{mate, "web.root", a, notThere},
		{bobs, "web", a, notThere},
		{bobs, "web.alice", a, web.v4},
		{bobs, "web." + aliceUID, aaaa, web.v6},
		// There is such a name, but nothing of that kind.
		{mate, "web", txt, ""},
		{mate, reverse(web.v4), ptr, "web."},
		{mate, reverse(web.v6), ptr, "web."},
		{bobs, reverse(web.v4), ptr, "web.alice."},
		{bobs, reverse(web.v6), ptr, "web.alice."},
		{mate, reverse(mate.v4), ptr, strings.TrimSpace(mate.do("hostname")) + "."}, // a name that it was not given
		{mate, reverse(gatewayAddr), ptr, "host.containers.internal."},
		{mate, "host.containers.internal", a, gatewayAddr},
		{mate, "host.containers.internal", aaaa, gateway6},
		{mate, "host.docker.internal", a, gatewayAddr},
		{mate, "known.example.org", a, "203.0.113.5"},
		{mate, "known.example.org", aaaa, ""},
		{mate, "unknown.example.org", a, notThere},
	} {
		resolvesTo(t, test.from, test.name, test.kind, test.want)
	}
	for _, name := range []string{"web.", "web.alice.", "db_1.bob.", "host.containers.internal.", reverse(web.v4) + "."} {
		if name != "web." && upstream.wasAsked(name) { // bob's container has asked for web, which he has not
			t.Errorf("the host's name server was asked for %s", name)
		}
	}
	if !upstream.wasAsked("unknown.example.org.") {
		t.Error("the host's name server was not asked for what is nobody's")
	}
	if got := look(t, mate, "udp", "long.example.org", txt); got != "truncated" {
		t.Errorf("1000 bytes over UDP are %.40q, want it truncated", got)
	}
	if got := look(t, mate, "tcp", "long.example.org", txt); got != long {
		t.Errorf("1000 bytes over TCP are %d", len(got))
	}
	// So does libc.
	mate.do("ping -c 1 -W 5 web && ping -c 1 -W 5 web.alice && ping -c 1 -W 5 host.containers.internal && nslookup known.example.org")
	// Its own, from a file.
	if got := web.do("cat /etc/hosts"); !strings.Contains(got, web.v4+"\tweb\n") || !strings.Contains(got, web.v6+"\tweb\n") {
		t.Errorf("/etc/hosts is %q, want web in it", got)
	}
	if got := web.do("hostname"); got != "web\n" {
		t.Errorf("the hostname is %q", got)
	}

	web.end()
	eventually(t, "the lease gone", func() bool { return len(h.leases()) == 2 })
	resolvesTo(t, mate, "web", a, notThere)
	resolvesTo(t, bobs, "web.alice", a, notThere)
	resolvesTo(t, mate, reverse(web.v4), ptr, notThere)
	mate.end()
	bobs.end()
	h.nothingLeft()
}

func TestANameIsTheUsersOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	again := func(u user) result {
		return h.run(h.unc(u, "run", "--rootfs", rootfs, "--name", "web", "true"))
	}
	web := h.container(h.alice, rootfs, "--name", "web")
	again(h.alice).fails(t, `unc: a container of yours is called "web" already`, "hint: unc ps")
	if n := len(h.leases()); n != 1 {
		t.Errorf("%d leases, want 1", n)
	}
	again(h.bob).works(t)
	web.end()
	again(h.alice).works(t) // at once
	web = h.container(h.alice, rootfs, "--name", "web")
	web.die()
	again(h.alice).works(t)
	for _, name := range []string{"Web", "a.b", "-web", "web-", "we b", "wéb", "a/b", "%d", strings.Repeat("a", 64)} {
		h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "--name="+name, "true")).fails(t, "is no name for a container")
	}
	h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "--name", strings.Repeat("a", 63), "true")).works(t)
	h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "--name", "0-_-0", "true")).works(t)
	h.nothingLeft()
}

// The host's resolv.conf changes while the container runs: a laptop goes elsewhere.
func TestTheHostsResolvConfIsFollowed(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	first := serveNames(t, lan, neighbourAddr, map[string]string{"where.example.org.": "203.0.113.1", "mail.first.test.": "203.0.113.11"})
	serveNames(t, lan, beyondAddr, map[string]string{"where.example.org.": "203.0.113.2", "mail.second.test.": "203.0.113.22"})
	serveNames(t, h, "127.0.0.53", map[string]string{"where.example.org.": "203.0.113.3"}) // systemd-resolved's stub
	serveNames(t, lan, beyondAddr6, map[string]string{"where.example.org.": "203.0.113.4"})
	etc := newPrivate(t, h)
	etc.write(t, "resolv.conf", "search first.test\nnameserver "+neighbourAddr+"\noptions timeout:1\n")
	c := etc.container(h, h.alice, busyboxRootfs(t, h.alice))
	if got, want := c.do("cat /etc/resolv.conf"), "search first.test\nnameserver 127.0.0.11\noptions timeout:1 ndots:0\n"; !sameLines(got, want) {
		t.Errorf("/etc/resolv.conf is %q, want the lines of %q", got, want)
	}
	resolvesTo(t, c, "where.example.org", dnsmessage.TypeA, "203.0.113.1")
	c.do("ping -c 1 -W 1 mail; nslookup mail.first.test")
	if !first.wasAsked("mail.first.test.") {
		t.Error("the search list has no effect")
	}

	etc.write(t, "resolv.conf", "nameserver "+beyondAddr+"\nsearch second.test\n")
	resolvesTo(t, c, "where.example.org", dnsmessage.TypeA, "203.0.113.2")
	// The question has brought the news to the file, too.
	if got := c.do("cat /etc/resolv.conf"); !strings.Contains(got, "search second.test\n") || strings.Contains(got, "first") {
		t.Errorf("/etc/resolv.conf is %q, want the new search list", got)
	}
	etc.write(t, "resolv.conf", "nameserver 127.0.0.53\n")
	resolvesTo(t, c, "where.example.org", dnsmessage.TypeA, "203.0.113.3")
	etc.write(t, "resolv.conf", "nameserver "+beyondAddr6+"\n")
	resolvesTo(t, c, "where.example.org", dnsmessage.TypeA, "203.0.113.4")
	// The first of two is silent: nobody is at its address.
	etc.write(t, "resolv.conf", "nameserver 127.0.0.99\nnameserver "+neighbourAddr+"\n")
	resolvesTo(t, c, "where.example.org", dnsmessage.TypeA, "203.0.113.1")
	c.end()
}

func sameLines(a, b string) bool {
	one, two := strings.Split(a, "\n"), strings.Split(b, "\n")
	slices.Sort(one)
	slices.Sort(two)
	return slices.Equal(one, two)
}

func TestNameServersOfOnesOwn(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	hosts := serveNames(t, lan, neighbourAddr, map[string]string{"where.example.org.": "203.0.113.1"})
	serveNames(t, lan, beyondAddr, map[string]string{"where.example.org.": "203.0.113.2", "mail.own.test.": "203.0.113.22"})
	etc := newPrivate(t, h)
	etc.write(t, "resolv.conf", "search first.test\nnameserver "+neighbourAddr+"\n")
	c := etc.container(h, h.alice, busyboxRootfs(t, h.alice), "--dns", beyondAddr, "--dns-search", "own.test", "--dns-search", "more.test",
		"--add-host", "printer:192.0.2.77", "--add-host", "me:host-gateway", "--add-host", "six:2001:db8::6")
	resolvesTo(t, c, "where.example.org", dnsmessage.TypeA, "203.0.113.2")
	if hosts.wasAsked("where.example.org.") {
		t.Error("the host's name server was asked")
	}
	if got := c.do("cat /etc/resolv.conf"); !strings.Contains(got, "search own.test more.test\n") || strings.Contains(got, "first") {
		t.Errorf("/etc/resolv.conf is %q", got)
	}
	got := c.do("cat /etc/hosts")
	for _, line := range []string{"192.0.2.77\tprinter\n", gatewayAddr + "\tme\n", h.gateway6() + "\tme\n", "2001:db8::6\tsix\n"} {
		if !strings.Contains(got, line) {
			t.Errorf("/etc/hosts is %q, want %q", got, line)
		}
	}
	c.do("ping -c 1 -W 5 me")
	// With a name server of one's own the host's search list still may change nothing.
	etc.write(t, "resolv.conf", "search second.test\nnameserver "+neighbourAddr+"\n")
	resolvesTo(t, c, "where.example.org", dnsmessage.TypeA, "203.0.113.2")
	if got := c.do("cat /etc/resolv.conf"); !strings.Contains(got, "search own.test more.test\n") {
		t.Errorf("/etc/resolv.conf is %q, want one's own search list", got)
	}
	c.end()
	for flag, value := range map[string]string{"--dns": "resolver.example.org", "--dns-search": "a b", "--add-host": "printer", "--ip": "fd00::1"} {
		h.run(h.unc(h.alice, "run", flag, value, "true")).fails(t, flag)
	}
	h.nothingLeft()
}
