package e2e

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// status is what unc net --format json prints.
type status struct {
	Bridge            string
	Exists            bool
	Subnet, Subnet6   netip.Prefix
	Gateway, Gateway6 netip.Addr
	Filter            bool
	Warnings          []string
	Leases            []leaseShown
}

type leaseShown struct {
	Interface         string
	Address, Address6 netip.Addr
	Owner             int
	Name              string
	Ports             []portShown
}

type portShown struct {
	Protocol string
	Host     netip.AddrPort
	Port     int
}

// status is what u is told.
func (h *host) status(u user) status {
	h.t.Helper()
	return parseStatus(h.t, h.run(h.unc(u, "net", "--format", "json")))
}

func parseStatus(t *testing.T, got result) (s status) {
	t.Helper()
	text := got.works(t)
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return s
}

// lease is the one with an address.
func (s status) lease(t *testing.T, address string) leaseShown {
	t.Helper()
	for _, l := range s.Leases {
		if l.Address.String() == address {
			return l
		}
	}
	t.Fatalf("no lease of %s among %+v", address, s.Leases)
	return leaseShown{}
}

func TestNetShowsWhatTheKernelHas(t *testing.T) {
	t.Parallel()
	h, _ := newNeighbours(t)
	rootfs := busyboxRootfs(t, h.alice)
	etc := newPrivate(t, h)
	before := parseStatus(t, h.run(etc.unc(h, h.alice, "net", "--format", "json")))
	if before.Exists || before.Filter || len(before.Leases) > 0 || before.Bridge != "unc0" || before.Gateway.String() != gatewayAddr {
		t.Errorf("before the first container: %+v", before)
	}
	text := h.run(etc.unc(h, h.alice, "net")).works(t)
	for _, want := range []string{"not there, the first container makes it", "no containers"} {
		if !strings.Contains(text, want) {
			t.Errorf("unc net prints %q, want %q", text, want)
		}
	}
	if hasBridge(h) {
		t.Error("looking has made a bridge")
	}

	web := etc.container(h, h.alice, rootfs, "--name", "web", "-p", "8080:80", "-p", "127.0.0.1:5353:53/udp")
	plainOne := etc.container(h, h.bob, rootfs)
	told := h.run(etc.unc(h, h.bob, "net", "--format", "json"))
	for name, cmd := range map[string]*exec.Cmd{
		"alice": etc.unc(h, h.alice, "net", "show", "--format=json"),
		"root":  withMounts(h.command(unc, "net", "--format", "json"), `mount --bind "$1" /etc`, etc.dir),
	} {
		if got := h.run(cmd).works(t); got != told.stdout {
			t.Errorf("%s is told %q, bob %q", name, got, told.stdout)
		}
	}
	s := parseStatus(t, told)
	if !s.Exists || !s.Filter || len(s.Warnings) > 0 || s.Subnet.String() != "10.100.42.0/24" || s.Gateway6.String() != h.gateway6() {
		t.Errorf("got %+v", s)
	}
	want := []leaseShown{
		{Owner: h.alice.uid, Name: "web", Address: netip.MustParseAddr(web.v4), Address6: netip.MustParseAddr(web.v6), Ports: []portShown{
			{"tcp", netip.MustParseAddrPort("0.0.0.0:8080"), 80},
			{"tcp", netip.MustParseAddrPort("[::]:8080"), 80},
			{"udp", netip.MustParseAddrPort("127.0.0.1:5353"), 53},
		}},
		{Owner: h.bob.uid, Name: strings.TrimSpace(plainOne.do("hostname")), Address: netip.MustParseAddr(plainOne.v4), Address6: netip.MustParseAddr(plainOne.v6)},
	}
	slices.SortFunc(want, func(a, b leaseShown) int { return a.Address.Compare(b.Address) })
	for i := range want {
		b := want[i].Address.As4()
		want[i].Interface = fmt.Sprintf("uv%02x%02x%02x%02x", b[0], b[1], b[2], b[3])
	}
	if diff := cmp.Diff(want, s.Leases, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("leases (-want +got):\n%s", diff)
	}
	kernel := h.leases()
	slices.Sort(kernel)
	var shown []string
	for _, l := range s.Leases {
		shown = append(shown, l.Interface)
		if line := h.root(`ip -o link show "$1"`, l.Interface); !strings.Contains(line, fmt.Sprintf(" group %d ", l.Owner)) {
			t.Errorf("%s: owner %d, but the link is %q", l.Interface, l.Owner, line)
		}
	}
	if !slices.Equal(kernel, shown) {
		t.Errorf("leases %v, the kernel has %v", shown, kernel)
	}
	text = h.run(etc.unc(h, h.bob, "net")).works(t)
	for _, want := range []string{
		"unc0: 10.100.42.1/24, " + h.gateway6() + "/64", "in place", web.v4, " alice ", " web ",
		"0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 127.0.0.1:5353->53/udp", plainOne.v4, " bob ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("unc net prints %q, want %q", text, want)
		}
	}
	if strings.Contains(text, "warning") {
		t.Errorf("unc net warns: %s", text)
	}

	web.end()
	eventually(t, "the lease gone", func() bool { return len(h.leases()) == 1 })
	if s := parseStatus(t, h.run(etc.unc(h, h.alice, "net", "--format", "json"))); len(s.Leases) != 1 || s.Leases[0].Owner != h.bob.uid {
		t.Errorf("leases %+v, want bob's alone", s.Leases)
	}
	plainOne.end()
	h.nothingLeft()
}

// Somebody flushes all rules. The running containers' network is without guard and
// masquerade until a reload, or the next start, puts them back.
func TestFlushedRulesArePutBack(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	rootfs := busyboxRootfs(t, h.alice)
	web := h.container(h.alice, rootfs, "-p", "8080:80")
	answering(t, web, "tcp", ":80", "web")
	answering(t, lan, "tcp", at(beyondAddr, 9000), "lan")
	answering(t, lan, "tcp", at(beyondAddr6, 9000), "lan")
	whole := func() {
		t.Helper()
		asks(t, lan, "tcp", at(hostAddr, 8080), "web", neighbourAddr)
		asks(t, web, "tcp", at(beyondAddr, 9000), "lan", hostAddr)
		asks(t, web, "tcp", at(beyondAddr6, 9000), "lan", hostAddr6)
	}
	whole()
	rules := h.root("nft -s list ruleset")
	for name, putBack := range map[string]func(){
		"reload by its owner":     func() { h.run(h.unc(h.alice, "net", "reload")).works(t) },
		"reload by somebody else": func() { h.run(h.unc(h.bob, "net", "reload")).works(t) },
		"reload by root":          func() { h.run(h.command(unc, "net", "reload")).works(t) },
		"the next start":          func() { h.run(h.unc(h.bob, "run", "--rootfs", rootfs, "true")).works(t) },
	} {
		for _, flush := range []string{"nft flush ruleset", "nft delete table bridge unc", "nft delete table inet unc", "nft flush table inet unc", "nft flush table bridge unc", "nft flush chain inet unc forward"} {
			h.root(flush)
			if s := h.status(h.bob); s.Filter || !s.Exists {
				t.Errorf("after %s: %+v, want the filter missing", flush, s)
			}
			if got := h.run(h.unc(h.alice, "net")).works(t); !strings.Contains(got, "MISSING, the next container or unc net reload puts it back") {
				t.Errorf("after %s unc net prints %q", flush, got)
			}
			if flush == "nft flush ruleset" {
				// It is cut off from the outside, and its port is relayed, slower and without the client's address.
				noAnswer(t, web, "tcp", at(beyondAddr, 9000))
				asks(t, lan, "tcp", at(hostAddr, 8080), "web", gatewayAddr)
				web.do("ping -c 1 -W 5 " + gatewayAddr)
			}
			putBack()
			if s := h.status(h.alice); !s.Filter {
				t.Errorf("%s, then %s: the filter is missing", flush, name)
			}
			if got := h.root("nft -s list ruleset"); len(linesOf(got)) != len(linesOf(rules)) {
				t.Errorf("%s, then %s: %d lines of rules, want the %d of before", flush, name, len(linesOf(got)), len(linesOf(rules)))
			}
			whole()
		}
	}
	web.end()
}

// linesOf are the lines of a text; what is learned from traffic is left out.
func linesOf(text string) []string {
	var lines []string
	learned := false
	for line := range strings.Lines(text) {
		learned = learned || strings.Contains(line, "set owners {") || strings.Contains(line, "set tracked")
		if !learned {
			lines = append(lines, line)
		}
		learned = learned && strings.TrimSpace(line) != "}"
	}
	slices.Sort(lines)
	return lines
}

func TestNetWithoutTheFileCapability(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, args := range [][]string{{"net"}, {"net", "reload"}} {
		h.run(h.as(h.alice, append([]string{plain}, args...)...)).fails(t, "file capability", "hint: sudo setcap")
	}
	h.run(h.unc(h.alice, "net", "--format", "yaml")).fails(t, "--format")
	h.run(h.unc(h.alice, "net-setup", "remove")).fails(t, "only root may remove the network of all containers")
}
