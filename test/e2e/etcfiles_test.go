package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
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

var resolvConfs = []struct {
	name   string
	script string
	want   string
}{
	{
		name:   "resolvers on the network",
		script: `printf 'nameserver 192.0.2.53\nnameserver 198.51.100.53\nsearch example.org\noptions edns0\n' >/etc/resolv.conf`,
		want:   "nameserver 192.0.2.53\nnameserver 198.51.100.53\nsearch example.org\noptions edns0\n",
	},
	{
		name: "systemd-resolved's stub",
		script: `mkdir -p /run/systemd/resolve
			printf 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n' >/run/systemd/resolve/stub-resolv.conf
			printf 'nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch lan\n' >/run/systemd/resolve/resolv.conf
			ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf`,
		want: "nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch lan\noptions edns0 trust-ad\n",
	},
	{
		name: "dnsmasq under NetworkManager",
		script: `mkdir -p /run/NetworkManager
			echo nameserver 127.0.0.1 >/etc/resolv.conf
			echo nameserver 192.0.2.9 >/run/NetworkManager/no-stub-resolv.conf`,
		want: "nameserver 192.0.2.9\n",
	},
	{
		name:   "a stub and nothing else",
		script: `echo nameserver 127.0.0.53 >/etc/resolv.conf`,
		want:   "",
	},
	{name: "none at all", script: "", want: ""},
	{
		name:   "a stub beside a resolver",
		script: `printf 'nameserver 127.0.0.1\nnameserver ::1\nnameserver 192.0.2.53\n' >/etc/resolv.conf`,
		want:   "nameserver 192.0.2.53\n",
	},
	{
		name:   "more than libc reads",
		script: `for i in 1 2 3 4 5; do echo nameserver 192.0.2.$i; done >/etc/resolv.conf`,
		want:   "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n",
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

func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestHostsAndHostname(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	for _, flags := range [][]string{{"--rootfs", rootfs}, nil} {
		s := h.open(h.unc(h.alice, append(append([]string{"run", "--hostname", "web"}, flags...), "sh")...))
		if got := s.do("hostname; cat /etc/hostname"); got != "web\nweb\n" {
			t.Errorf("the hostname is %q", got)
		}
		address := addressOnSubnet.FindStringSubmatch(s.do("ip addr show eth0"))[1]
		if got := s.do("cat /etc/hosts"); !strings.Contains(got, address+"\tweb\n") || !strings.Contains(got, "127.0.0.1\tlocalhost\n") {
			t.Errorf("/etc/hosts is %q", got)
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
