package filter

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"unc/internal/nlconn"
	"unc/internal/policy"
)

func TestPresentSeesWhatIsMissing(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	p := defaults()
	if isPresent(t, p) {
		t.Error("there before it was written")
	}
	aRule := func(chain string) string {
		return `handle=$(nft -a list chain ` + chain + ` | sed -n 's/.*# handle //p' | tail -1); nft delete rule ` + chain + ` handle "$handle"`
	}
	for _, test := range []struct{ name, script string }{
		{"all rules flushed", "nft flush ruleset"},
		{"the bridge's table deleted", "nft delete table bridge unc"},
		{"the host's table deleted", "nft delete table inet unc"},
		{"the bridge's table dormant", "nft 'add table bridge unc { flags dormant; }'"},
		{"the host's table dormant", "nft 'add table inet unc { flags dormant; }'"},
		{"the guard deleted", "nft flush chain bridge unc guard && nft delete chain bridge unc guard"},
		{"the guard empty", "nft flush chain bridge unc guard"},
		{"isolation empty", "nft flush chain bridge unc passing"},
		{"a chain that others go to empty", "nft flush chain inet unc outbound"},
		{"a rule of the guard's deleted", aRule("bridge unc guard")},
		{"a rule of the forward chain deleted", aRule("inet unc forward")},
		{"masquerading deleted", "nft flush chain inet unc masqueraded && nft delete chain inet unc masqueraded"},
		{"a rule added at the end", "nft add rule inet unc forward accept"},
		{"a rule added at the beginning", "nft insert rule bridge unc guard accept"},
		{"a rule that goes to a chain added", "nft add chain inet unc mine && nft add rule inet unc mine jump outbound"},
		{"the policy's name deleted", "nft delete chain inet unc " + stamp(p)},
		{"all tables flushed of rules", "nft flush table bridge unc && nft flush table inet unc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inNamespaceOf(t, func() {
				mustWrite(t, p, Routed{})
				if !isPresent(t, p) {
					t.Error("not there after it was written")
				}
				sh(t, test.script)
				if isPresent(t, p) {
					t.Errorf("there after %s", test.script)
				}
				mustWrite(t, p, Routed{})
				if !isPresent(t, p) {
					t.Error("not there after it was mended")
				}
			})
		})
	}
}

// inNamespaceOf runs f for a subtest, which has a goroutine of its own.
func inNamespaceOf(t *testing.T, f func()) {
	t.Helper()
	testNetns(t)
	f()
}

func TestPresentIsAboutOnePolicy(t *testing.T) {
	testNetns(t)
	for _, is := range policies {
		mustWrite(t, changed(is.change), Routed{})
		for _, asked := range policies {
			want := changed(is.change).Digest() == changed(asked.change).Digest()
			if want != (is.name == asked.name) {
				t.Fatalf("%s and %s have one digest", is.name, asked.name)
			}
			if got := isPresent(t, changed(asked.change)); got != want {
				t.Errorf("with the filter of %s, that of %s is there: %v, want %v", is.name, asked.name, got, want)
			}
		}
	}
}

// What nobody is to be routed for is not a part of the policy.
func TestPresentWhateverIsRouted(t *testing.T) {
	testNetns(t)
	p := defaults()
	bridges := map[string]net.HardwareAddr{"br0": {2, 0, 0, 0, 0, 1}}
	for _, r := range []Routed{{}, {IPv4: []string{"eth0", "a-long-name-000"}, IPv6: []string{"eth0"}}, {IPv4: []string{"br0"}, IPv6: []string{"br0", "eth0"}, Bridges: bridges}} {
		mustWrite(t, p, r)
		if !isPresent(t, p) {
			t.Errorf("not there after it was written for %+v", r)
		}
	}
}

func TestCloseAdds(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	p := defaults()
	if err := Close(Routed{IPv4: []string{"eth0"}}); !errors.Is(err, unix.ENOENT) {
		t.Errorf("without a filter: got %v, want %v", err, unix.ENOENT)
	}
	mustWrite(t, p, Routed{IPv4: []string{"eth0"}})
	for _, test := range []struct {
		add    Routed
		v4, v6 []string
	}{
		{Routed{}, []string{`"eth0"`}, nil},
		{Routed{IPv4: []string{"eth0", "wlan0"}}, []string{`"eth0"`, `"wlan0"`}, nil},
		{Routed{IPv6: []string{"eth0", "a-long-name-000"}}, []string{`"eth0"`, `"wlan0"`}, []string{`"a-long-name-000"`, `"eth0"`}},
		{Routed{IPv4: []string{"wlan0"}, IPv6: []string{"eth0"}}, []string{`"eth0"`, `"wlan0"`}, []string{`"a-long-name-000"`, `"eth0"`}},
	} {
		if err := Close(test.add); err != nil {
			t.Errorf("adding %+v: %v", test.add, err)
		}
		v4, v6 := elements(t, "inet unc routed"), elements(t, "inet unc routed6")
		slices.Sort(v4)
		slices.Sort(v6)
		if !slices.Equal(v4, test.v4) || !slices.Equal(v6, test.v6) {
			t.Errorf("after %+v there are %v and %v, want %v and %v", test.add, v4, v6, test.v4, test.v6)
		}
		if !isPresent(t, p) {
			t.Errorf("not there after %+v was added", test.add)
		}
	}
	bridges := map[string]net.HardwareAddr{"br0": {2, 0, 0, 0, 0, 1}, "eth0": nil}
	for range 2 {
		if err := Close(Routed{IPv4: []string{"br0"}, IPv6: []string{"br0", "eth0"}, Bridges: bridges}); err != nil {
			t.Error(err)
		}
		for set, want := range map[string][]string{
			"routed":    {`"eth0"`, `"wlan0"`},
			"routed6":   {`"a-long-name-000"`, `"eth0"`},
			"bridging":  {`"br0" . 02:00:00:00:00:01`},
			"bridging6": {`"br0" . 02:00:00:00:00:01`},
		} {
			got := elements(t, "inet unc "+set)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("with a bridge, the set %s has %v, want %v", set, got, want)
			}
		}
	}
}

func TestRemove(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	sh(t, "nft add table inet others; nft add table ip unc; nft add table bridge others")
	before := listing(t)
	p := defaults()
	for range 2 {
		mustWrite(t, p, Routed{IPv4: []string{"eth0"}})
		mustWrite(t, p, Routed{IPv4: []string{"eth0"}})
		for range 2 {
			if err := Remove(); err != nil {
				t.Fatal(err)
			}
			if got := listing(t); got != before {
				t.Errorf("what is left:\n%s\nwant\n%s", got, before)
			}
		}
	}
}

// Whoever looks while the filter is replaced finds one, the old or the new.
func TestWriteLeavesNoGap(t *testing.T) {
	testNetns(t)
	p := defaults()
	mustWrite(t, p, Routed{})
	looked, gaps := lookOn(t, p, func(looked, _ *atomic.Int64) {
		for range 20 {
			mustWrite(t, p, Routed{})
		}
		for before := looked.Load(); looked.Load() == before; {
			runtime.Gosched()
		}
	})
	if gaps > 0 {
		t.Errorf("of %d looks, %d found a part of it missing", looked, gaps)
	}
	// The same looking does see a gap where there is one.
	_, gaps = lookOn(t, p, func(_, gaps *atomic.Int64) {
		for end := time.Now().Add(10 * time.Second); gaps.Load() == 0 && time.Now().Before(end); {
			if err := Remove(); err != nil {
				t.Error(err)
			}
			mustWrite(t, p, Routed{})
		}
	})
	if gaps == 0 {
		t.Error("the filter was removed and written anew, and no gap was seen")
	}
}

// lookOn looks for the tables and their chains on another thread, until f has ended.
func lookOn(t *testing.T, p *policy.Policy, f func(looked, gaps *atomic.Int64)) (int64, int64) {
	t.Helper()
	netns, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer netns.Close()
	var looked, gaps atomic.Int64
	stop, failed := make(chan bool), make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		failed <- func() error {
			if err := unix.Setns(int(netns.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			c, err := nlconn.Dial(unix.NETLINK_NETFILTER)
			if err != nil {
				return err
			}
			defer c.Close()
			for {
				select {
				case <-stop:
					return nil
				default:
				}
				missing, err := anyMissing(c, p)
				if err != nil {
					return err
				}
				if missing {
					gaps.Add(1)
				}
				looked.Add(1)
			}
		}()
	}()
	f(&looked, &gaps)
	close(stop)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	return looked.Load(), gaps.Load()
}

// anyMissing asks for names alone: how many rules a chain has is counted down
// already while a transaction that replaces it is made up.
func anyMissing(c *nlconn.Conn, p *policy.Policy) (bool, error) {
	var reqs []*nl.NetlinkRequest
	for _, w := range parts(p) {
		if w.chain != stamp(p) { // which comes last, and stops nothing
			reqs = append(reqs, w.request())
		}
	}
	errs, err := c.Ask(reqs, func(int, []byte) {})
	if err != nil {
		return false, err
	}
	missing := false
	for _, err := range errs {
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return false, err
		}
		missing = missing || err != nil
	}
	return missing, nil
}

// The largest lists have to fit the socket's buffers.
func TestTheLargestSubnet(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	p := defaults()
	p.Subnet = netip.MustParsePrefix("10.64.0.0/16")
	mustWrite(t, p, Routed{})
	first, last := p.Numbers()
	if got, want := len(elements(t, "bridge unc leases")), int(last-first+1); got != want {
		t.Errorf("the guard's list has %d addresses, want %d", got, want)
	}
	if got, want := len(elements(t, "bridge unc leases6")), 2*int(last-first+1); got != want {
		t.Errorf("the guard's list for IPv6 has %d addresses, want %d", got, want)
	}
	if !strings.Contains(listing(t), stamp(p)) {
		t.Error("the policy's name is missing")
	}
}
