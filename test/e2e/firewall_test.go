package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unc/internal/tier"
)

// firewalls are the ways in which a host comes to drop what it forwards. Each is a
// script that makes the chains which that firewall makes; ufw's and firewalld's are
// what ufw 0.36 and firewalld 1.3 leave of them with their defaults, without what has
// no say in forwarding.
var firewalls = []struct {
	name, script string
	warnings     []string // what each of them contains
}{
	{
		"iptables", "for t in iptables ip6tables; do $t -P FORWARD DROP; done",
		[]string{"(iptables)", "(ip6tables)"},
	},
	{
		"Docker", `for t in iptables ip6tables; do
			$t -P FORWARD DROP
			$t -N DOCKER-USER && $t -A FORWARD -j DOCKER-USER
			$t -N DOCKER-FORWARD && $t -A FORWARD -j DOCKER-FORWARD
			$t -A DOCKER-FORWARD -i docker0 -j ACCEPT
		done`,
		[]string{"(Docker)", "sudo ip6tables -I DOCKER-USER"},
	},
	{
		"ufw", `for v in '' 6; do
			t=ip${v}tables
			$t -P FORWARD DROP
			$t -N ufw$v-before-forward && $t -A FORWARD -j ufw$v-before-forward
			$t -N ufw$v-user-forward
			$t -A ufw$v-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
			$t -A ufw$v-before-forward -j ufw$v-user-forward
		done`,
		[]string{"(ufw)"},
	},
	{
		"firewalld", `nft -f - <<-'END'
			table inet firewalld {
				chain filter_FORWARD_ZONES { goto filter_FWD_public; }
				chain filter_FWD_public { reject with icmpx admin-prohibited; }
				chain filter_FWD_trusted { accept; }
				chain filter_FORWARD {
					type filter hook forward priority filter + 10; policy accept;
					ct state { established, related } accept
					ct status dnat accept
					iifname "lo" accept
					ct state invalid drop
					jump filter_FORWARD_ZONES
					reject with icmpx admin-prohibited
				}
			}
		END`,
		[]string{"(firewalld)"},
	},
	{
		"the nftables service", `nft -f - <<-'END'
			table inet filter {
				chain forward { type filter hook forward priority filter; policy drop; ct state established accept; }
			}
		END`,
		[]string{"(nftables' inet filter forward)"},
	},
}

// rootsTools are the programs in the commands that unc prints: sudo, which root
// needs none of, iptables as nftables has it, and the two that have a whole system
// around them. Those do to the rules what the real ones were seen to do.
var rootsTools = map[string]string{
	"sudo":      `exec "$@"`,
	"iptables":  `exec iptables-nft "$@"`,
	"ip6tables": `exec ip6tables-nft "$@"`,
	"ufw": `[ "$1 $2 $4" = "route allow on" ]
		case $3 in in) way=-i ;; out) way=-o ;; *) exit 1 ;; esac
		iptables -A ufw-user-forward $way "$5" -j ACCEPT
		ip6tables -A ufw6-user-forward $way "$5" -j ACCEPT`,
	"firewall-cmd": `case $* in
		"--permanent --zone=trusted --add-interface="*)
			nft insert rule inet firewalld filter_FORWARD_ZONES iifname "${3#*=}" goto filter_FWD_trusted ;;
		--reload) ;;
		*) exit 1 ;;
		esac`,
}

// newTools makes a directory of them.
func newTools(t *testing.T) string {
	t.Helper()
	dir := newDir(t, user{})
	for name, script := range rootsTools {
		must(t, makeScript(filepath.Join(dir, name), "#!/bin/sh\nset -eu\n"+script+"\n"))
	}
	return dir
}

// The host's firewall drops what it forwards: unc says so, and says what to do. What
// it says is enough, and nothing else makes a difference.
func TestAHostileFirewall(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, name := range []string{"iptables-nft", "ip6tables-nft"} {
		if _, err := exec.LookPath(name); err != nil {
			tier.Skip(t, "this test needs %s: sudo apt-get install iptables", name)
		}
	}
	for _, firewall := range firewalls {
		for _, bridged := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, br_netfilter %v", firewall.name, bridged), func(t *testing.T) {
				t.Parallel()
				h, lan := newNeighbours(t)
				h.bridgeNetfilter(t, bridged)
				tools := newTools(t)
				asRoot := func(script string) { h.root(`PATH="$1:$PATH"; eval "$2"`, tools, script) }
				asRoot(firewall.script)

				addresses := []string{at(beyondAddr, 9000), at(beyondAddr6, 9000)}
				for _, address := range addresses {
					answering(t, lan, "tcp", address, "outside")
				}
				rootfs := busyboxRootfs(t, h.alice)
				first := h.container(h.alice, rootfs, "-p", "8080:80")
				for _, address := range addresses {
					noAnswer(t, first, "tcp", address)
				}

				commands := h.warnsOf(t, firewall.warnings)
				for _, command := range commands {
					asRoot(command)
				}
				if left := h.status(h.bob).Warnings; len(left) > 0 {
					t.Errorf("after %q, unc net says %q", commands, left)
				}

				// The one that is running already, and a new one, which has nothing to warn of.
				second := h.container(h.alice, rootfs)
				for _, c := range []*container{first, second} {
					for _, address := range addresses {
						asks(t, c, "tcp", address, "outside", hostAddr, hostAddr6)
					}
				}
				for _, address := range []string{at(first.v4, 80), at(first.v6, 80)} {
					answering(t, first, "tcp", address, "first")
					asks(t, second, "tcp", address, "first", second.v4, second.v6)
				}
				asks(t, lan, "tcp", at(hostAddr, 8080), "first", neighbourAddr)
				asks(t, lan, "tcp", at(hostAddr6, 8080), "first", neighbourAddr6)
				// What is let through there, unc's own rules still decide upon.
				lan.root(`ip route add 10.100.42.0/24 via "$1"`, hostAddr)
				answering(t, first, "tcp", at(first.v4, 81), "unpublished")
				noAnswer(t, lan, "tcp", at(first.v4, 81))
				stranger := h.container(h.bob, busyboxRootfs(t, h.bob))
				noAnswer(t, stranger, "tcp", at(first.v4, 80))

				for _, c := range []*container{first, second, stranger} {
					c.end()
				}
				if got := warningsIn(first.stderr.String()); !slices.Equal(commandsIn(got), commands) {
					t.Errorf("the first container's start has warned %q, want what unc net does, %q", got, commands)
				}
				if got := second.stderr.String() + stranger.stderr.String(); got != "" {
					t.Errorf("with the firewall opened, a start has said %q", got)
				}
				h.nothingLeft()
				h.root(`"$1" net-setup remove && nft flush ruleset`, unc)
			})
		}
	}
}

// warnsOf fails the test unless unc net warns of these obstacles, in a table and as
// JSON, and returns the commands that are to help.
func (h *host) warnsOf(t *testing.T, want []string) []string {
	t.Helper()
	got := h.status(h.bob).Warnings
	if len(got) != len(want) {
		t.Fatalf("unc net warns %q, want warnings with %q", got, want)
	}
	table := h.run(h.unc(h.bob, "net")).works(t)
	for i, warning := range got {
		if !strings.Contains(warning, want[i]) {
			t.Errorf("unc net warns %q, want something with %q", warning, want[i])
		}
		if !strings.Contains(table, "warning: "+warning+"\n") {
			t.Errorf("unc net prints %q, want a line with %q", table, warning)
		}
	}
	commands := commandsIn(got)
	if len(commands) != len(want) {
		t.Fatalf("unc net warns %q, want a command in each", got)
	}
	return commands
}

// warningsIn are those that unc has printed.
func warningsIn(stderr string) []string {
	var list []string
	for line := range strings.Lines(stderr) {
		if text, ok := strings.CutPrefix(line, "unc: warning: "); ok {
			list = append(list, strings.TrimSuffix(text, "\n"))
		}
	}
	return list
}

func commandsIn(warnings []string) []string {
	var list []string
	for _, w := range warnings {
		if _, command, found := strings.Cut(w, "; to let it pass: "); found {
			list = append(list, command)
		}
	}
	return list
}
