package policy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"unc/internal/hint"
)

// derived is the IPv6 subnet of a test's machine.
var derived = netip.MustParsePrefix("fdf4:a196:2cf1:3844::/64")

func TestLoad(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       func(p *Policy)
	}{
		{"nothing said", "# nothing\n", func(*Policy) {}},
		{"own values", "MTU=1400\nNAT=no\n", func(p *Policy) { p.MTU, p.NAT = 1400, false }},
		{"own IPv6 subnet", "SUBNET6=fd00:1::/64", func(p *Policy) { p.Subnet6 = netip.MustParsePrefix("fd00:1::/64") }},
		{"no IPv6", "SUBNET6=none", func(p *Policy) { p.Subnet6 = netip.Prefix{} }},
		{"flannel", "SUBNET=flannel", func(p *Policy) {
			p.Subnet, p.Overlay, p.MTU = netip.MustParsePrefix("10.244.5.0/24"), netip.MustParsePrefix("10.244.0.0/16"), 1450
		}},
		{"flannel with another MTU", "MTU=1400\nSUBNET=flannel", func(p *Policy) {
			p.Subnet, p.Overlay, p.MTU = netip.MustParsePrefix("10.244.5.0/24"), netip.MustParsePrefix("10.244.0.0/16"), 1400
		}},
		{"users and groups", "ALLOW=bob,@users alice 4000,@alice @4001 root last", func(p *Policy) {
			p.everybody, p.users, p.groups = false, []uint32{1003, 1001, 4000, 0, 1005}, []uint32{100, 2001, 4001}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := machine(t)
			write(t, m.policy, test.text)
			write(t, m.flannel, testFlannel)
			got, err := load(m)
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			want.Subnet6 = derived
			test.want(want)
			if diff := cmp.Diff(want, got, compared); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
		})
	}
}

// Where there is nothing to read, nothing else is looked at but what the IPv6
// subnet is made from.
func TestLoadDefaults(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, m files)
	}{
		{"no file", func(*testing.T, files) {}},
		{"no directory", func(t *testing.T, m files) { remove(t, dirOf(m.policy)) }},
		{"an empty file", func(t *testing.T, m files) { write(t, m.policy, "") }},
		{"no users' databases", func(t *testing.T, m files) { remove(t, m.passwd); remove(t, m.group) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := machine(t)
			test.change(t, m)
			got, err := load(m)
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			want.Subnet6 = derived
			if diff := cmp.Diff(want, got, compared); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
		})
	}
}

// The errors as they are shown, but for the names of directories.
func TestLoadRefuses(t *testing.T) {
	const leads = `reading "/unc/network.conf", line 2: `
	for _, test := range []struct{ name, text, want, hint string }{
		{"a line", "\nNAT=maybe", leads + `NAT="maybe": want yes or no`, ""},
		{"a user", "\nALLOW=carol", leads + `ALLOW: user "carol" is not in "/passwd"`, "getent passwd carol    # if it is known from elsewhere, put its number into ALLOW"},
		{"a group", "\nALLOW=@bob", leads + `ALLOW: group "bob" is not in "/group"`, "getent group bob    # if it is known from elsewhere, put its number into ALLOW"},
		{"the beginning of a user", "\nALLOW=ali", leads + `ALLOW: user "ali" is not in "/passwd"`, "getent passwd ali    # if it is known from elsewhere, put its number into ALLOW"},
		{"a user like a command", "\nALLOW=$(id)", leads + `ALLOW: user "$(id)" is not in "/passwd"`, "getent passwd '$(id)'    # if it is known from elsewhere, put its number into ALLOW"},
		{"a user without number", "\nALLOW=nonumber", leads + `ALLOW: looking up user "nonumber" in "/passwd": "" is not the number of a user or group`, ""},
		{"a user with little else", "\nALLOW=shorter", leads + `ALLOW: looking up user "shorter" in "/passwd": "" is not the number of a user or group`, ""},
		{"a user of a negative number", "\nALLOW=minus", leads + `ALLOW: looking up user "minus" in "/passwd": "-1" is not the number of a user or group`, ""},
		{"no flannel", "\nSUBNET=flannel", leads + `SUBNET: flannel has not leased a subnet yet: opening "/flannel/subnet.env": no such file or directory`, "sudo systemctl start flanneld"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := machine(t)
			write(t, m.policy, test.text)
			refused(t, m, test.want, test.hint)
		})
	}
}

func TestLoadWithoutDatabase(t *testing.T) {
	m := machine(t)
	remove(t, m.group)
	write(t, m.policy, "ALLOW=alice")
	if _, err := load(m); err != nil {
		t.Errorf("got %v where no group is named, want nil", err)
	}
	write(t, m.policy, "ALLOW=@users")
	refused(t, m, `reading "/unc/network.conf", line 1: ALLOW: opening "/group": no such file or directory`, "")
}

// refused checks the error of load, without the test's directory in it.
func refused(t *testing.T, m files, want, wantHint string) {
	t.Helper()
	p, err := powerless(m)
	if err == nil {
		t.Fatalf("got %v, want an error", p)
	}
	dir := dirOf(m.passwd)
	if got := strings.ReplaceAll(err.Error(), dir, ""); got != want {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if got := strings.ReplaceAll(strings.Join(hint.Of(err), "\n"), dir, ""); got != wantHint {
		t.Errorf("got hint %v\nwant %v", got, wantHint)
	}
}

func BenchmarkLoadWithoutFile(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Skip(err)
		}
	}
}
