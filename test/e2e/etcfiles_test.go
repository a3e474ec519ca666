package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// withEtc has cmd started where /etc is a copy that a shell script has changed,
// and /run is empty. It never touches the machine's own.
func withEtc(t *testing.T, cmd *exec.Cmd, script string) *exec.Cmd {
	t.Helper()
	etc := newDir(t, user{})
	return withMounts(cmd, `
		cp -a /etc/. "$1"
		mount --bind "$1" /etc
		mount -t tmpfs -o mode=755 run /run
		rm -f /etc/resolv.conf
		`+script, etc)
}

// What a container asks, and not the host's resolvers: those are asked for it.
const ownResolver = "nameserver 127.0.0.11\n"

var resolvConfs = []struct {
	name   string
	script string
	want   string
	others string // those that net-setup tells other tools of, which ask for themselves
}{
	{
		name:   "resolvers on the network",
		script: `printf 'nameserver 192.0.2.53\nnameserver 198.51.100.53\nsearch example.org\noptions edns0\n' >/etc/resolv.conf`,
		want:   ownResolver + "search example.org\noptions edns0 ndots:0\n",
		others: "192.0.2.53 198.51.100.53",
	},
	{
		name: "systemd-resolved's stub",
		script: `mkdir -p /run/systemd/resolve
			printf 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n' >/run/systemd/resolve/stub-resolv.conf
			printf 'nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch lan\n' >/run/systemd/resolve/resolv.conf
			ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf`,
		want:   ownResolver + "search lan\noptions edns0 trust-ad ndots:0\n",
		others: "192.0.2.1 192.0.2.2",
	},
	{
		name: "dnsmasq under NetworkManager",
		script: `mkdir -p /run/NetworkManager
			echo nameserver 127.0.0.1 >/etc/resolv.conf
			echo nameserver 192.0.2.9 >/run/NetworkManager/no-stub-resolv.conf`,
		want:   ownResolver + "options ndots:0\n",
		others: "192.0.2.9",
	},
	{
		name:   "a stub and nothing else",
		script: `echo nameserver 127.0.0.53 >/etc/resolv.conf`,
		want:   ownResolver + "options ndots:0\n",
	},
	{name: "none at all", script: "", want: ownResolver + "options ndots:0\n"},
	{
		name:   "a stub beside a resolver",
		script: `printf 'nameserver 127.0.0.1\nnameserver ::1\nnameserver 192.0.2.53\n' >/etc/resolv.conf`,
		want:   ownResolver + "options ndots:0\n",
		others: "192.0.2.53",
	},
	{
		name:   "more than libc reads",
		script: `for i in 1 2 3 4 5; do echo nameserver 192.0.2.$i; done >/etc/resolv.conf`,
		want:   ownResolver + "options ndots:0\n",
		others: "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5",
	},
}

func TestResolvConf(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	for _, test := range resolvConfs {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			for _, flags := range [][]string{{"--rootfs", rootfs}, nil} {
				args := append(append([]string{"run"}, flags...), "cat", "/etc/resolv.conf")
				got := h.run(withEtc(t, h.unc(h.alice, args...), test.script)).works(t)
				if lines := withoutComments(got); lines != test.want {
					t.Errorf("%v: got %q, want %q", flags, lines, test.want)
				}
			}
		})
	}
}

// Other tools' containers have no resolver of unc's, and are told of those of the
// host that they can reach.
func TestResolversForOtherTools(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, test := range resolvConfs {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			pid := strconv.Itoa(h.bare(h.alice).pid())
			got := parseNetwork(t, h.run(withEtc(t, h.unc(h.alice, "net-setup", pid), test.script)).works(t))
			var texts []string
			for _, addr := range got.Resolvers {
				texts = append(texts, addr.String())
			}
			if found := strings.Join(texts, " "); found != test.others {
				t.Errorf("resolvers %q, want %q", found, test.others)
			}
		})
	}
}

func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

var globalAddress6 = regexp.MustCompile(`inet6 (fd[0-9a-f:]+)/64 scope global`)

func TestHostsAndHostname(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	for _, flags := range [][]string{{"--rootfs", rootfs}, nil} {
		s := h.open(h.unc(h.alice, append(append([]string{"run", "--hostname", "web", "--name", "web"}, flags...), "sh")...))
		if got := s.do("hostname; cat /etc/hostname"); got != "web\nweb\n" {
			t.Errorf("the hostname is %q", got)
		}
		address := addressOnSubnet.FindStringSubmatch(s.do("ip addr show eth0"))[1]
		address6 := globalAddress6.FindStringSubmatch(s.do("ip addr show eth0"))[1]
		want := "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" + address + "\tweb\n" + address6 + "\tweb\n" +
			"10.100.42.1\thost.containers.internal host.docker.internal\n"
		if got := s.do("cat /etc/hosts"); got != want {
			t.Errorf("/etc/hosts is %q, want %q", got, want)
		}
		// They are the container's own to change.
		s.do("for f in hosts hostname resolv.conf; do echo changed >/etc/$f && [ $(cat /etc/$f) = changed ] || exit 1; done")
		s.end()
	}
	for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
		if text, err := os.ReadFile(filepath.Join(rootfs, "etc", name)); err != nil || string(text) != "the rootfs's own\n" {
			t.Errorf("the rootfs's %s is %q, %v", name, text, err)
		}
	}
}

func TestHostnamesDiffer(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	seen := map[string]bool{}
	for range 5 {
		name := strings.TrimSpace(h.run(h.unc(h.alice, "run", "hostname")).works(t))
		if seen[name] || name == "" {
			t.Errorf("the hostname %s is another container's as well", strconv.Quote(name))
		}
		seen[name] = true
	}
}
