package netplumb

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/hint"
	"unc/internal/lease"
	"unc/internal/policy"
	"unc/internal/ports"
)

// asks is a request with so many published ports, of which only the number counts here.
func asks(name string, published int) Request {
	return Request{Name: name, Publish: make([]ports.Mapping, published)}
}

// requested leases for a request as a whole, in a namespace of its own.
func requested(t *testing.T, c *conn, w wiring, r Request) (netip.Addr, error) {
	t.Helper()
	netns, _ := otherNetns(t)
	slot, err := freeSlot(c, w.policy, w.owner)
	if err != nil {
		return netip.Addr{}, err
	}
	return leasedWith(c, w, netns, slot, r)
}

// otherNames are the further names of the link that holds an address.
func otherNames(t *testing.T, c *conn, addr netip.Addr) []string {
	t.Helper()
	l, err := c.link(lease.Name(addr))
	if err != nil {
		t.Fatal(err)
	}
	return l.names
}

func TestEnter(t *testing.T) {
	for _, test := range []struct {
		name  string
		r     Request
		named string
		slots int
	}{
		{"nothing asked for", asks("", 0), "", 0},
		{"a name", asks("web", 0), "web", 0},
		{"the longest name", asks(strings.Repeat("w", 63), 0), strings.Repeat("w", 63), 0},
		{"ports", asks("", 2), "", 2},
		{"a name and all ports there are", asks("web", 5), "web", 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, w := bridged(t, func(p *policy.Policy) { p.MaxPorts = 5 })
			addr, err := requested(t, c, w, test.r)
			if err != nil {
				t.Fatal(err)
			}
			l, err := c.link(lease.Name(addr))
			if err != nil {
				t.Fatal(err)
			}
			if got := containerName(l); got != test.named {
				t.Errorf("got name %q, want %q", got, test.named)
			}
			slots := 0
			for slot := range uint32(5) {
				if slices.Contains(l.names, fmt.Sprintf("unc-port.61003.%d", slot)) {
					slots++
				}
			}
			want := test.slots
			if test.named != "" {
				want++
			}
			if slots != test.slots || len(l.names) != want {
				t.Errorf("got further names %q, want %d slots of ports and %d in all", l.names, test.slots, want)
			}
		})
	}
}

func TestNamesAreUnique(t *testing.T) {
	c, w := bridged(t, nil)
	if _, err := requested(t, c, w, asks("web", 0)); err != nil {
		t.Fatal(err)
	}
	netns, there := otherNetns(t)
	_, err := leasedWith(c, w, netns, 9, asks("web", 1))
	const want = `a container of yours is called "web" already`
	if err == nil || err.Error() != want || !errors.Is(err, errHeld) || !mayChange(err) || len(hint.Of(err)) == 0 {
		t.Errorf("got error %v with hints %q, want %q with one, that may change", err, hint.Of(err), want)
	}
	if got := hostEnds(t, c, w); got != 1 {
		t.Errorf("got %d links of who was refused, want the first one only", got)
	}
	if _, err := there.index("eth0"); err == nil {
		t.Error("there is an eth0 in the namespace of who was refused")
	}
	if _, err := leasedWith(c, w, netns, 9, asks("web-2", 0)); err != nil {
		t.Errorf("with another name: %v", err)
	}
	w.owner++
	if _, err := requested(t, c, w, asks("web", 0)); err != nil {
		t.Errorf("another user: %v", err)
	}
}

// Of those who want a name at the same time one gets it.
func TestNamesAtOnce(t *testing.T) {
	const n = 8
	c, w := bridged(t, nil)
	home := host(t)
	var wait sync.WaitGroup
	var errs [n]error
	for i := range n {
		netns, _ := otherNetns(t)
		own := dialed(t)
		wait.Go(func() {
			inside(t, home, func() error {
				_, errs[i] = leasedWith(own, w, netns, uint32(i), asks("web", 0))
				return nil
			})
		})
	}
	wait.Wait()
	named := 0
	for _, err := range errs {
		switch {
		case err == nil:
			named++
		case !errors.Is(err, errHeld):
			t.Error(err)
		}
	}
	if got := hostEnds(t, c, w); named != 1 || got != 1 {
		t.Errorf("got %d names and %d links, want one", named, got)
	}
}

func TestPortQuota(t *testing.T) {
	c, w := bridged(t, func(p *policy.Policy) { p.MaxPorts = 3 })
	first, err := requested(t, c, w, asks("", 2))
	if err != nil {
		t.Fatal(err)
	}
	const want = "the quota is used up: one user may publish 3 ports on this machine"
	_, err = requested(t, c, w, asks("web", 2))
	if err == nil || err.Error() != want || !mayChange(err) || len(hint.Of(err)) == 0 {
		t.Errorf("got error %v with hints %q, want %q with one, that may change", err, hint.Of(err), want)
	}
	// Nothing is kept of who was refused, neither slot nor name.
	if got := hostEnds(t, c, w); got != 1 {
		t.Errorf("got %d links, want 1", got)
	}
	if _, err := requested(t, c, w, asks("web", 1)); err != nil {
		t.Errorf("as many as are left: %v", err)
	}
	other := w
	other.owner++
	if _, err := requested(t, c, other, asks("web", 3)); err != nil {
		t.Errorf("another user: %v", err)
	}
	endLease(t, c, first)
	if _, err := requested(t, c, w, asks("", 2)); err != nil {
		t.Errorf("after a container has gone: %v", err)
	}
}

// So many at once that slots are always just taken: together they get all of them,
// and not one more.
func TestPortQuotaAtOnce(t *testing.T) {
	const users, each, slots = 12, 3, 20
	c, w := bridged(t, func(p *policy.Policy) { p.MaxPorts = slots })
	home := host(t)
	var wait sync.WaitGroup
	var addresses [users]netip.Addr
	var errs [users]error
	for i := range users {
		netns, _ := otherNetns(t)
		own := dialed(t)
		wait.Go(func() {
			inside(t, home, func() error {
				addresses[i], errs[i] = leasedWith(own, w, netns, uint32(i), asks("", each))
				return nil
			})
		})
	}
	wait.Wait()
	taken, got := map[string]bool{}, 0
	for i, err := range errs {
		if err != nil {
			if !errors.Is(err, errQuota) {
				t.Error(err)
			}
			continue
		}
		got++
		names := otherNames(t, c, addresses[i])
		if len(names) != each {
			t.Errorf("%v: got slots %q, want %d", addresses[i], names, each)
		}
		for _, name := range names {
			if taken[name] {
				t.Errorf("slot %q was taken twice", name)
			}
			taken[name] = true
		}
	}
	// Those who were refused may have had slots for a moment that others missed.
	if got == 0 || got > slots/each {
		t.Errorf("got %d containers with %d of %d ports each", got, each, slots)
	}
	if ends := hostEnds(t, c, w); ends != got {
		t.Errorf("got %d links, want %d", ends, got)
	}
}

// What is free when looked for may be taken a moment later: the kernel decides, and
// of those who want the last slots as many get one as there are.
func TestPortSlotsAtOnce(t *testing.T) {
	const links, slots, rounds = 8, 3, 100
	c, w := bridged(t, func(p *policy.Policy) { p.MaxPorts = slots })
	var index [links]int
	var conns [links]*conn
	for i := range links {
		addr, err := requested(t, c, w, Request{})
		if err != nil {
			t.Fatal(err)
		}
		if index[i], err = c.index(lease.Name(addr)); err != nil {
			t.Fatal(err)
		}
		conns[i] = dialed(t)
	}
	for round := range uint32(rounds) {
		w.owner = owner + 1 + round // who has no slot yet
		var wait sync.WaitGroup
		var errs [links]error
		start := make(chan bool)
		for i := range links {
			wait.Go(func() {
				<-start
				errs[i] = takePorts(conns[i], w, index[i], 1)
			})
		}
		close(start)
		wait.Wait()
		got := 0
		for _, err := range errs {
			switch {
			case err == nil:
				got++
			case !errors.Is(err, errQuota):
				t.Error(err)
			}
		}
		if got != slots {
			t.Fatalf("round %d: %d links got a slot, want %d", round, got, slots)
		}
	}
}

func TestLeaseOfAnAddress(t *testing.T) {
	at := func(text string) Request { return Request{Address: netip.MustParseAddr(text)} }
	c, w := bridged(t, nil)
	for _, text := range []string{"10.100.42.2", "10.100.42.77", "10.100.42.254"} {
		r := at(text)
		r.Name = "c" + text[strings.LastIndexByte(text, '.')+1:]
		if got, err := requested(t, c, w, r); got != r.Address || err != nil {
			t.Errorf("got %v, %v, want %s", got, err, text)
		}
	}
	unnamed := w
	unnamed.owner = 4000000000 // whom no machine has
	if _, err := requested(t, c, unnamed, at("10.100.42.78")); err != nil {
		t.Fatal(err)
	}
	before := hostEnds(t, c, w)
	const outside = " can't be leased: containers have 10.100.42.2 to 10.100.42.254 here"
	for _, test := range []struct {
		name, addr, want string
		change           bool
	}{
		{"taken by a container with a name", "10.100.42.77", `the address 10.100.42.77 is taken, by container "c77" of ` + userName(owner), true},
		{"by one without", "10.100.42.78", "the address 10.100.42.78 is taken, by a container of uid 4000000000", true},
		{"the gateway's", "10.100.42.1", "10.100.42.1" + outside, false},
		{"the network's", "10.100.42.0", "10.100.42.0" + outside, false},
		{"broadcast", "10.100.42.255", "10.100.42.255" + outside, false},
		{"another network's", "10.100.43.7", "10.100.43.7" + outside, false},
		{"below", "10.100.41.255", "10.100.41.255" + outside, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			netns, there := otherNetns(t)
			got, err := leasedWith(c, w, netns, 50, at(test.addr))
			if err == nil || err.Error() != test.want || len(hint.Of(err)) == 0 {
				t.Errorf("got %v, error %v with hints %q, want %q with one", got, err, hint.Of(err), test.want)
			}
			if mayChange(err) != test.change {
				t.Errorf("got %v as to whether that may change, want %v", mayChange(err), test.change)
			}
			if _, err := there.index("eth0"); err == nil {
				t.Error("there is an eth0 in the namespace of who was refused")
			}
		})
	}
	if got := hostEnds(t, c, w); got != before {
		t.Errorf("got %d links, want %d as before", got, before)
	}
}

// userName is how a person knows an owner on this machine.
func userName(uid uint32) string {
	text := describe(&link{group: uid})
	return strings.TrimPrefix(text, "a container of ")
}

func TestCandidates(t *testing.T) {
	for _, test := range []struct {
		name, subnet, wanted string
		want                 []uint32
	}{
		{"all of a small subnet", "10.100.42.0/29", "", []uint32{2, 3, 4, 5, 6}},
		{"the wanted one", "10.100.42.0/24", "10.100.42.7", []uint32{7}},
		{"none where it is not to be had", "10.100.42.0/24", "10.100.42.255", nil},
		{"the last of a large subnet", "10.100.0.0/16", "10.100.3.255", []uint32{1023}},
		{"none beyond what a bridge can have", "10.100.0.0/16", "10.100.4.0", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := defaultPolicy()
			p.Subnet = netip.MustParsePrefix(test.subnet)
			var wanted netip.Addr
			if test.wanted != "" {
				wanted = netip.MustParseAddr(test.wanted)
			}
			if diff := cmp.Diff(test.want, slices.Sorted(candidates(p, wanted, new([]uint32)))); diff != "" {
				t.Errorf("numbers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestContainerName(t *testing.T) {
	for _, test := range []struct {
		name  string
		names []string
		want  string
	}{
		{"none", nil, ""},
		{"its name", []string{"unc-port.1000.3", "unc-name.1000.web"}, "web"},
		{"that of another user", []string{"unc-name.1001.web"}, ""},
		{"of a user whose number begins alike", []string{"unc-name.10001.web"}, ""},
		{"what root has added", []string{"lan", "xunc-name.1000.web"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := containerName(&link{group: 1000, names: test.names}); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
