package filter

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unc/internal/policy"
)

const (
	toDocker  = "sudo iptables -I DOCKER-USER -i unc0 -j ACCEPT && sudo iptables -I DOCKER-USER -o unc0 -j ACCEPT"
	toDocker6 = "sudo ip6tables -I DOCKER-USER -i unc0 -j ACCEPT && sudo ip6tables -I DOCKER-USER -o unc0 -j ACCEPT"
	toTables  = "sudo iptables -I FORWARD -i unc0 -j ACCEPT && sudo iptables -I FORWARD -o unc0 -j ACCEPT"
	toTables6 = "sudo ip6tables -I FORWARD -i unc0 -j ACCEPT && sudo ip6tables -I FORWARD -o unc0 -j ACCEPT"
	toUfw     = "sudo ufw route allow in on unc0 && sudo ufw route allow out on unc0"
	toZones   = "sudo firewall-cmd --permanent --zone=trusted --add-interface=unc0 && sudo firewall-cmd --reload"
	toNft     = "sudo nft insert rule inet filter forward iifname unc0 accept && sudo nft insert rule inet filter forward oifname unc0 accept"
)

// firewalldTable is firewalld's with the one chain that knows interfaces, as its
// generations call it.
func firewalldTable(chain string) string {
	return `nft -f - <<END
		table inet firewalld {
			chain ` + chain + ` { goto filter_FWD_public; }
			chain filter_FWD_public { reject; }
			chain filter_FWD_trusted { accept; }
			chain filter_FORWARD {
				type filter hook forward priority filter + 10; policy accept;
				ct state established,related accept
				jump ` + chain + `
				reject with icmpx admin-prohibited
			}
		}
END`
}

// ufwChains are those that ufw has between FORWARD and an administrator's rules.
const ufwChains = `
	iptables -P FORWARD DROP; ip6tables -P FORWARD DROP
	iptables -N ufw-before-forward; iptables -N ufw-user-forward
	iptables -A FORWARD -j ufw-before-forward; iptables -A ufw-before-forward -j ufw-user-forward
	ip6tables -N ufw6-before-forward; ip6tables -N ufw6-user-forward
	ip6tables -A FORWARD -j ufw6-before-forward; ip6tables -A ufw6-before-forward -j ufw6-user-forward`

var firewalls = []struct {
	name, script string
	want         []string // the commands at the ends of the warnings
}{
	{"none", "true", nil},
	{"tables of no firewall's", "nft 'add table inet filter; add table ip filter; add table inet firewalld'", nil},
	{"a chain that drops nothing", "iptables -P FORWARD ACCEPT; iptables -A FORWARD -s 192.0.2.7 -j DROP", nil},
	{"a chain of that name without a hook", "nft 'add table inet filter; add chain inet filter forward'", nil},
	{"iptables", "iptables -P FORWARD DROP", []string{toTables}},
	{"ip6tables", "ip6tables -P FORWARD DROP", []string{toTables6}},
	{"Docker", "iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A FORWARD -j DOCKER-USER", []string{toDocker}},
	{"Docker with IPv6", `for t in iptables ip6tables; do
			$t -P FORWARD DROP; $t -N DOCKER-USER; $t -A FORWARD -j DOCKER-USER
		done`, []string{toDocker, toDocker6}},
	{"ufw", ufwChains, []string{toUfw}},
	{"ufw and Docker", ufwChains + "; iptables -N DOCKER-USER; iptables -I FORWARD -j DOCKER-USER", []string{toDocker, toUfw}},
	{"firewalld 1.0", firewalldTable("filter_FORWARD_IN_ZONES"), []string{toZones}},
	{"firewalld 1.3", firewalldTable("filter_FORWARD_ZONES"), []string{toZones}},
	{"firewalld 2.0", firewalldTable("filter_FORWARD_POLICIES"), []string{toZones}},
	{"firewalld of 2026", firewalldTable("filter_FORWARD_dispatch"), []string{toZones}},
	{"nftables", "nft 'add table inet filter; add chain inet filter forward { type filter hook forward priority 0; policy drop; }'", []string{toNft}},
	{"two at a time", "iptables -P FORWARD DROP; " + firewalldTable("filter_FORWARD_ZONES"), []string{toTables, toZones}},
}

// theTools are for the commands that a warning names: sudo, and the two programs
// that need a whole system around them. They do to the rules what the real ones
// (ufw 0.36, firewalld 1.3) were seen to do.
var theTools = map[string]string{
	"sudo": `exec "$@"`,
	"ufw": `[ "$1 $2 $4" = "route allow on" ] || exit 1
		case $3 in in) way=-i ;; out) way=-o ;; *) exit 1 ;; esac
		iptables -A ufw-user-forward $way "$5" -j ACCEPT
		ip6tables -A ufw6-user-forward $way "$5" -j ACCEPT`,
	"firewall-cmd": `case $* in
		"--permanent --zone=trusted --add-interface="*)
			chain=$(nft list chain inet firewalld filter_FORWARD | sed -n 's/.*jump //p')
			nft insert rule inet firewalld "$chain" iifname "${3#*=}" goto filter_FWD_trusted ;;
		--reload) ;;
		*) exit 1 ;;
		esac`,
}

func TestObstacles(t *testing.T) {
	needPrograms(t, "nft", "iptables-nft", "ip6tables-nft")
	tools := t.TempDir()
	for name, script := range theTools {
		writeTool(t, tools, name, script)
	}
	for _, name := range []string{"iptables", "ip6tables"} { // whatever these are here
		writeTool(t, tools, name, `exec `+name+`-nft "$@"`)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	for _, test := range firewalls {
		t.Run(test.name, func(t *testing.T) {
			testNetns(t)
			p := defaults()
			mustWrite(t, p, Routed{}) // its own forward chain is none
			sh(t, test.script)
			got := obstacles(t, p)
			if commands := commandsOf(t, got); !slices.Equal(commands, test.want) {
				t.Fatalf("got %q, want warnings with %q", got, test.want)
			}
			for i, command := range commandsOf(t, got) {
				sh(t, command)
				if left := commandsOf(t, obstacles(t, p)); !slices.Equal(left, test.want[i+1:]) {
					t.Errorf("after %s there is still %q", command, left)
				}
			}
		})
	}
}

func writeTool(t *testing.T, dir, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\nset -eu\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func obstacles(t *testing.T, p *policy.Policy) []string {
	t.Helper()
	list, err := Obstacles(p)
	if err != nil {
		t.Fatal(err)
	}
	var warnings []string
	for _, o := range list {
		warnings = append(warnings, o.String())
	}
	return warnings
}

// commandsOf takes the commands out of warnings.
func commandsOf(t *testing.T, warnings []string) []string {
	t.Helper()
	var list []string
	for _, w := range warnings {
		_, command, found := strings.Cut(w, "; to let it pass: ")
		if !found || !strings.HasPrefix(w, "this host's firewall (") {
			t.Errorf("the warning is %q", w)
		}
		list = append(list, command)
	}
	return list
}

// Who needs the command for one bridge is not helped by a rule about another.
func TestObstaclesAreAboutTheBridge(t *testing.T) {
	needPrograms(t, "nft")
	testNetns(t)
	p := defaults()
	p.Bridge = "br-unc"
	sh(t, "nft 'add table inet filter; add chain inet filter forward { type filter hook forward priority 0; policy drop; }'")
	for _, other := range []string{"br-unc0", "xbr-unc", "br", "br-un*"} {
		sh(t, "nft insert rule inet filter forward iifname "+other+" accept")
	}
	if got := obstacles(t, p); len(got) != 1 || strings.Count(got[0], " br-unc ") != 2 {
		t.Errorf("got %q, want one warning about br-unc", got)
	}
	sh(t, "nft add rule inet filter forward oifname br-unc accept")
	if got := obstacles(t, p); len(got) != 0 {
		t.Errorf("got %q with a rule for br-unc", got)
	}
}

func TestObstaclesOfIPv6WithoutIt(t *testing.T) {
	needPrograms(t, "ip6tables-nft")
	testNetns(t)
	p := defaults()
	p.Subnet6 = netip.Prefix{}
	sh(t, "ip6tables-nft -P FORWARD DROP")
	if got := obstacles(t, p); len(got) != 0 {
		t.Errorf("got %q on a machine without IPv6", got)
	}
}

// A warning is one line that can be pasted from.
func TestWarnings(t *testing.T) {
	needPrograms(t, "iptables-nft")
	testNetns(t)
	sh(t, "iptables-nft -P FORWARD DROP")
	want := "this host's firewall (iptables) drops what is forwarded, and so most of what containers send; to let it pass: " + toTables
	if got := obstacles(t, defaults()); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if out, err := exec.Command("sh", "-n", "-c", toTables).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
