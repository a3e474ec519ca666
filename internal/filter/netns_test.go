package filter

import (
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/policy"
	"unc/internal/tier"
)

// needPrograms skips a test of which a program is missing.
func needPrograms(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			skip(t, "this test needs %s", name)
		}
	}
}

// skip is for where the test should run: as root, if only of a user namespace.
func skip(t *testing.T, format string, args ...any) {
	t.Helper()
	if tier.Is("userns") || os.Getuid() == 0 {
		tier.Skip(t, format, args...)
	}
	t.Skipf(format, args...)
}

// testNetns puts the test into a network namespace of its own. Its thread ends
// with it, so no other test gets in there by accident.
func testNetns(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		skip(t, "a test that makes a network namespace takes root, if only that of unshare -Urn: %v", err)
	}
}

// sh runs a script in the test's namespace, in which it must succeed.
func sh(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-euc", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func mustWrite(t *testing.T, p *policy.Policy, r Routed) {
	t.Helper()
	if err := Write(p, r); err != nil {
		t.Fatal(err)
	}
	if err := Finish(p); err != nil {
		t.Fatal(err)
	}
}

func isPresent(t *testing.T, p *policy.Policy) bool {
	t.Helper()
	present, err := Present(p)
	if err != nil {
		t.Fatal(err)
	}
	return present
}

// defaults are what an empty network.conf says, on a machine with that IPv6 prefix.
func defaults() *policy.Policy {
	return &policy.Policy{
		Bridge:         "unc0",
		Subnet:         netip.MustParsePrefix("10.100.42.0/24"),
		Subnet6:        netip.MustParsePrefix("fd42:756e:6300:1::/64"),
		MaxConnections: 8192,
		Isolated:       true,
		NAT:            true,
		HostAccess:     true,
	}
}

// policies are the defaults and what differs from them in the filter.
var policies = []struct {
	name   string
	change func(p *policy.Policy)
}{
	{"the default", func(*policy.Policy) {}},
	{"SUBNET=10.64.0.0/16", func(p *policy.Policy) { p.Subnet = netip.MustParsePrefix("10.64.0.0/16") }},
	{"SUBNET=10.64.252.0/22", func(p *policy.Policy) { p.Subnet = netip.MustParsePrefix("10.64.252.0/22") }},
	{"SUBNET=192.168.255.240/28", func(p *policy.Policy) { p.Subnet = netip.MustParsePrefix("192.168.255.240/28") }},
	{"SUBNET6=none", func(p *policy.Policy) { p.Subnet6 = netip.Prefix{} }},
	{"BRIDGE=a-long-name-000", func(p *policy.Policy) { p.Bridge = "a-long-name-000" }},
	{"MAX_CONNECTIONS=64", func(p *policy.Policy) { p.MaxConnections = 64 }},
	{"NAT=no", func(p *policy.Policy) { p.NAT = false }},
	{"HOST_ACCESS=no", func(p *policy.Policy) { p.HostAccess = false }},
	{"ISOLATION=none", func(p *policy.Policy) { p.Isolated = false }},
	{"SUBNET=flannel", func(p *policy.Policy) { p.Overlay = netip.MustParsePrefix("10.100.0.0/16") }},
	{"SUBNET=flannel ISOLATION=none", func(p *policy.Policy) {
		p.Overlay = netip.MustParsePrefix("10.100.0.0/16")
		p.Isolated = false
	}},
	{"SUBNET6=none NAT=no HOST_ACCESS=no ISOLATION=none", func(p *policy.Policy) {
		p.Subnet6 = netip.Prefix{}
		p.NAT, p.HostAccess, p.Isolated = false, false, false
	}},
}

func changed(change func(p *policy.Policy)) *policy.Policy {
	p := defaults()
	change(p)
	return p
}

// listing is the filter in nft's words, less the elements of sets.
func listing(t *testing.T) string {
	t.Helper()
	return sh(t, "nft -nn --stateless --terse list ruleset")
}

// elements are those of a set in nft's words, one in each line.
func elements(t *testing.T, set string) []string {
	t.Helper()
	_, after, found := strings.Cut(sh(t, "nft -nn list set "+set), "elements = {")
	if !found {
		return nil
	}
	after, _, _ = strings.Cut(after, "}")
	list := strings.Split(after, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}
