package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestWithoutANetwork(t *testing.T) {
	t.Parallel()
	h, _ := newNeighbours(t)
	s := h.shell(h.alice, busyboxRootfs(t, h.alice), "--network", "none")
	if got := s.do("ls /sys/class/net"); got != "lo\n" {
		t.Errorf("there are %q, want lo alone", got)
	}
	s.do("ping -c 1 -W 5 127.0.0.1 && ping -c 1 -W 5 ::1 && ping -c 1 -W 5 localhost")
	for _, address := range []string{gatewayAddr, hostAddr, neighbourAddr, neighbourAddr6} {
		if output, code := s.try("ping -c 1 -W 1 " + address); code == 0 {
			t.Errorf("%s answers: %s", address, output)
		}
	}
	if got := s.do("cat /etc/resolv.conf"); strings.Contains(got, "nameserver") {
		t.Errorf("/etc/resolv.conf is %q, want no name server", got)
	}
	if l := h.leases(); len(l) > 0 || hasBridge(h) {
		t.Errorf("there is a bridge, or a lease %v", l)
	}
	s.end()
}

func TestTheHostsNetwork(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	etc := newPrivate(t, h)
	etc.write(t, "resolv.conf", "nameserver 127.0.0.53\nnameserver "+neighbourAddr+"\nsearch lan.test\n")
	etc.write(t, "hosts", "127.0.0.1 localhost\n192.0.2.88 of-the-host\n")
	cmd := etc.unc(h, h.alice, "run", "--rootfs", busyboxRootfs(t, h.alice), "--network", "host", "--hostname", "guest", "--add-host", "more:192.0.2.89", "sh")
	// A file system of sysfs shows the network of who mounts it: this host needs its own.
	s := h.open(withMounts(cmd, "mount -t sysfs sysfs /sys"))
	var namespace string
	h.inHost(func() (err error) {
		namespace, err = os.Readlink("/proc/thread-self/ns/net")
		return err
	})
	if got := s.do("readlink /proc/self/ns/net"); strings.TrimSpace(got) != namespace {
		t.Errorf("the network namespace is %q, want the host's, %q", got, namespace)
	}
	links := strings.Fields(s.do("ls /sys/class/net"))
	if !slices.Contains(links, "lan0") {
		t.Errorf("/sys/class/net has %q, want lan0 among them", links)
	}
	if output, code := s.try("echo 1 >/sys/class/net/lan0/mtu; ip link set lan0 down; ip addr add 192.0.2.9/24 dev lan0; mount -o remount,rw /sys"); code == 0 {
		t.Errorf("the host's network can be changed: %s", output)
	}
	if got := s.do("grep ' /sys ' /proc/self/mounts | tail -n 1"); !strings.Contains(got, " ro,") {
		t.Errorf("/sys is %q, want it read-only", got)
	}
	if got := s.do("cat /etc/resolv.conf"); !sameLines(got, "nameserver 127.0.0.53\nnameserver "+neighbourAddr+"\nsearch lan.test\n") {
		t.Errorf("/etc/resolv.conf is %q, want the host's", got)
	}
	hosts := s.do("cat /etc/hosts")
	for _, line := range []string{"192.0.2.88 of-the-host\n", "\tguest ", "192.0.2.89\tmore\n"} {
		if !strings.Contains(hosts, line) {
			t.Errorf("/etc/hosts is %q, want %q", hosts, line)
		}
	}
	// A server in there is one of the host's; and a port below 1024 is root's still.
	s.do("nc -ll -p 9000 -e echo guest >/dev/null 2>&1 & true")
	eventually(t, "a server on the host", func() bool {
		return slices.ContainsFunc(h.listeners(), func(l string) bool { return strings.HasSuffix(l, ":2328") })
	})
	conn, err := dial(lan, "tcp", at(hostAddr, 9000), inTime)
	must(t, err)
	buf := make([]byte, 6)
	if _, err := conn.Read(buf); err != nil || string(buf) != "guest\n" {
		t.Errorf("the server says %q, %v", buf, err)
	}
	conn.Close()
	if output, code := s.try("nc -l -p 80 -w 1"); code == 0 || !strings.Contains(output, "ermission denied") {
		t.Errorf("listening on port 80: exit code %d, %q", code, output)
	}
	if l := h.leases(); len(l) > 0 || hasBridge(h) {
		t.Errorf("there is a bridge, or a lease %v", l)
	}
	s.end()
	h.nothingLeft()
}

func TestAnAddressOfOnesChoice(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	etc := newPrivate(t, h)
	const chosen = "10.100.42.77"
	again := func(u user, address string) result {
		return h.run(etc.unc(h, u, "run", "--rootfs", rootfs, "--ip", address, "ip", "-4", "-o", "addr", "show", "eth0"))
	}
	holder := etc.container(h, h.bob, rootfs, "--ip", chosen, "--name", "db")
	if holder.v4 != chosen {
		t.Errorf("the address is %s, want %s", holder.v4, chosen)
	}
	again(h.alice, chosen).fails(t, `unc: the address 10.100.42.77 is taken, by container "db" of bob`, "hint: unc net")
	again(h.bob, chosen).fails(t, `unc: the address 10.100.42.77 is taken, by container "db" of bob`)
	holder.end()
	if got := again(h.alice, chosen).works(t); !strings.Contains(got, " "+chosen+"/24 ") { // at once
		t.Errorf("got %q, want the address that has just come free", got)
	}
	nameless := etc.container(h, h.alice, rootfs, "--ip", chosen)
	again(h.bob, chosen).fails(t, "unc: the address 10.100.42.77 is taken, by container \"", "\" of alice")
	nameless.die()
	again(h.bob, chosen).works(t)
	for _, address := range []string{"10.100.43.7", "10.100.42.0", "10.100.42.1", "10.100.42.255", "192.0.2.1", "0.0.0.0", "127.0.0.1"} {
		again(h.alice, address).fails(t, "unc: "+address+" can't be leased: containers have 10.100.42.2 to 10.100.42.254 here", "hint: leave --ip out")
	}
	for _, address := range []string{"10.100.42.077", "fd00::7", "10.100.42", "x", "10.100.42.7/24", "::ffff:10.100.42.7"} {
		again(h.alice, address).fails(t, "--ip")
	}
	for _, address := range []string{"10.100.42.2", "10.100.42.254"} {
		again(h.alice, address).works(t)
	}
	h.nothingLeft()
}

// Without the file capability there are two networks left, and the error names them.
func TestNetworksWithoutTheFileCapability(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	run := func(args ...string) result {
		return h.run(h.as(h.alice, append([]string{plain, "run", "--rootfs", rootfs}, args...)...))
	}
	run("true").fails(t, "file capability", "hint: sudo setcap cap_net_admin+ep "+plain, "--network none", "--network host")
	for _, network := range []string{"none", "host"} {
		if got := run("--network", network, "sh", "-c", "echo works; exit 7"); got.code != 7 || got.stdout != "works\n" || got.stderr != "" {
			t.Errorf("--network %s: %+v", network, got)
		}
		if got := run("--network="+network, "echo", "works").works(t); got != "works\n" {
			t.Errorf("--network=%s: %q", network, got)
		}
	}
	run("--network", "lan", "true").fails(t, "--network", "bridge", "none", "host")
	for _, flag := range []string{"--ip=10.100.42.7", "--dns=192.0.2.1", "--dns-search=x", "-p=8080:80"} {
		name, _, _ := strings.Cut(flag, "=")
		if name == "-p" {
			name = "--publish"
		}
		run("--network=none", flag, "true").fails(t, fmt.Sprintf("%s means nothing with --network none", name))
	}
	if hasBridge(h) {
		t.Error("there is a bridge unc0")
	}
}
