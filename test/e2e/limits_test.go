package e2e

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// many starts n containers at once, by these commands, and returns how many of them
// live, and what the others said. Those that live stay until leave is called.
func many(t *testing.T, h *host, n int, command func(i int) *exec.Cmd) (living int, refusals []string, leave func()) {
	t.Helper()
	hold, door, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { door.Close() })
	type outcome struct {
		up  bool
		err string
	}
	outcomes := make(chan outcome)
	var all []*exec.Cmd
	for i := range n {
		cmd := command(i)
		cmd.Stdin = hold
		out, err := cmd.StdoutPipe()
		must(t, err)
		stderr, err := cmd.StderrPipe()
		must(t, err)
		all = append(all, cmd)
		go func() {
			if err := h.in(cmd.Start); err != nil {
				outcomes <- outcome{err: err.Error()}
				return
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); err == nil && line == "up\n" {
				outcomes <- outcome{up: true}
				return
			}
			line, _ := bufio.NewReader(stderr).ReadString('\n')
			outcomes <- outcome{err: line}
		}()
	}
	for range n {
		o := <-outcomes
		if o.up {
			living++
		} else {
			refusals = append(refusals, o.err)
		}
	}
	hold.Close()
	return living, refusals, func() {
		t.Helper()
		door.Close()
		for _, cmd := range all {
			if code := wait(t, cmd); code != 0 && code != 125 {
				t.Errorf("exit code %d, want 0 or 125", code)
			}
		}
		h.nothingLeft()
	}
}

// alsoStays is a command that says it is there, and stays.
var alsoStays = []string{"sh", "-c", "echo up; exec cat"}

func TestExactlyAsManyContainersAsAUserMayHave(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	etc := newPrivate(t, h)
	etc.policy(t, "MAX_PER_USER=5")
	for range 2 { // what is given back can be had again
		living, refusals, leave := many(t, h, 16, func(int) *exec.Cmd {
			return etc.unc(h, h.alice, append([]string{"run", "--rootfs", rootfs}, alsoStays...)...)
		})
		if living != 5 || len(h.leases()) != 5 {
			t.Errorf("%d containers with %d leases, want 5", living, len(h.leases()))
		}
		want := fmt.Sprintf("unc: the quota is used up: user %d has 5 containers on the network, as many as one user may have\n", h.alice.uid)
		for _, got := range refusals {
			if got != want {
				t.Errorf("refused with %q, want %q", got, want)
			}
		}
		h.run(etc.unc(h, h.bob, "run", "--rootfs", rootfs, "true")).works(t)
		leave()
	}
}

func TestExactlyAsManyPortsAsAUserMayPublish(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	etc := newPrivate(t, h)
	etc.policy(t, "MAX_PORTS_PER_USER=6")
	for range 2 {
		living, refusals, leave := many(t, h, 16, func(i int) *exec.Cmd {
			return etc.unc(h, h.alice, append([]string{"run", "--rootfs", rootfs, "-p", fmt.Sprintf("%d:80", 8000+i)}, alsoStays...)...)
		})
		if living != 6 {
			t.Errorf("%d containers with a port each, want 6", living)
		}
		for _, got := range refusals {
			if want := "unc: the quota is used up: one user may publish 6 ports on this machine\n"; got != want {
				t.Errorf("refused with %q, want %q", got, want)
			}
		}
		h.run(etc.unc(h, h.bob, "run", "--rootfs", rootfs, "-p", "9000-9005:80-85", "true")).works(t)
		leave()
	}
}

func TestABadPolicyStopsTheStart(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range []struct {
		name, text string
		prepare    func(t *testing.T, conf string)
		says       []string
	}{
		{"an unknown key", "# ours\n\nNETMASK=255.255.255.0\n", nil, []string{"/etc/unc/network.conf", "line 3", "NETMASK"}},
		{"no value", "SUBNET=\n", nil, []string{"line 1", "no value"}},
		{"no number", "MAX_PER_USER=many\n", nil, []string{"line 1", `MAX_PER_USER="many"`, "want a number from 1 to 1022"}},
		{"a key twice", "NAT=yes\nNAT=no\n", nil, []string{"line 2", "NAT is in line 1 already"}},
		{"host bits", "SUBNET=10.9.8.7/24\n", nil, []string{"line 1", "want the subnet's own address, 10.9.8.0/24"}},
		{"a subnet too small", "SUBNET=10.9.8.0/29\n", nil, []string{"line 1", "want a prefix from /16 to /28"}},
		{"a subnet too large", "SUBNET=10.0.0.0/8\n", nil, []string{"line 1", "want a prefix from /16 to /28"}},
		{"a user that nobody is", "ALLOW=nobody-is-called-so\n", nil, []string{"line 1", "ALLOW"}},
		{"flannel that is not there", "SUBNET=flannel\n", nil, []string{"line 1", "SUBNET", "/run/flannel/subnet.env"}},
		{
			"a user's", "", func(t *testing.T, conf string) { must(t, os.Chown(conf, h.alice.uid, 0)) },
			[]string{fmt.Sprintf("it belongs to uid %d, not to root", h.alice.uid), "hint: sudo chown root:root /etc/unc/network.conf"},
		},
		{
			"for a group to write", "", func(t *testing.T, conf string) { must(t, os.Chmod(conf, 0o664)) },
			[]string{"it can be written by others than root (mode 0664)", "hint: sudo chmod go-w /etc/unc/network.conf"},
		},
		{
			"not to be read", "", func(t *testing.T, conf string) { must(t, os.Chmod(conf, 0o600)) },
			[]string{"permission denied", "hint: sudo chmod 755 /etc/unc && sudo chmod 644 /etc/unc/network.conf"},
		},
		{"a link", "", func(t *testing.T, conf string) {
			must(t, os.Rename(conf, conf+".real"))
			must(t, os.Symlink("network.conf.real", conf))
		}, []string{"symbolic links are not followed", "hint: namei -l /etc/unc/network.conf"}},
		{"a pipe", "", func(t *testing.T, conf string) {
			must(t, os.Remove(conf))
			must(t, unix.Mkfifo(conf, 0o644))
		}, []string{"it is not a regular file"}},
		{
			"a directory for all to write", "", func(t *testing.T, conf string) { must(t, os.Chmod(strings.TrimSuffix(conf, "/network.conf"), 0o777)) },
			[]string{"its directory can be written by others than root (mode 0777)", "hint: sudo chmod go-w /etc/unc"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			etc := newPrivate(t, h)
			etc.policy(t, test.text)
			if test.prepare != nil {
				test.prepare(t, etc.dir+"/unc/network.conf")
			}
			h.run(etc.unc(h, h.alice, "run", "--rootfs", rootfs, "true")).fails(t, test.says...)
			h.run(etc.unc(h, h.alice, "net")).fails(t, test.says...)
			h.run(etc.unc(h, h.alice, "run", "--rootfs", rootfs, "--network", "none", "true")).works(t)
			if hasBridge(h) {
				t.Error("there is a bridge unc0")
			}
		})
	}
}

// removeAll takes unc's network off the host: a host may keep the one of the
// default policy alone.
func (p private) removeAll(h *host) {
	h.t.Helper()
	h.run(withMounts(h.command(unc, "net-setup", "remove"), `mount --bind "$1" /etc`, p.dir)).works(h.t)
}

func TestSubnetsOfAllSizes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		subnet, gateway, first, last string
		room                         int // 0: more than is tried
	}{
		{"10.200.0.0/16", "10.200.0.1", "10.200.0.2", "10.200.3.255", 0},
		{"172.20.4.0/22", "172.20.4.1", "172.20.4.2", "172.20.7.254", 0},
		{"192.168.77.16/28", "192.168.77.17", "192.168.77.18", "192.168.77.30", 13},
	} {
		t.Run(test.subnet, func(t *testing.T) {
			t.Parallel()
			h, lan := newNeighbours(t)
			rootfs := busyboxRootfs(t, h.alice)
			etc := newPrivate(t, h)
			etc.policy(t, "SUBNET="+test.subnet, "BRIDGE=br-"+strings.Split(test.subnet, ".")[0])
			run := func(flags ...string) *exec.Cmd {
				return etc.unc(h, h.alice, append(append(append([]string{"run", "--rootfs", rootfs}, flags...), "-p", "8080:80"), "sh")...)
			}
			for i, address := range []string{test.first, test.last} {
				c := h.joined(h.open(run("--ip", address)))
				if c.v4 != address {
					t.Errorf("the address is %s, want %s", c.v4, address)
				}
				answering(t, c, "tcp", ":80", "web")
				answering(t, lan, "tcp", at(beyondAddr, 9000+i), "lan")
				answering(t, lan, "tcp", at(beyondAddr6, 9000+i), "lan")
				asks(t, lan, "tcp", at(hostAddr, 8080), "web", neighbourAddr)
				asks(t, lan, "tcp", at(hostAddr6, 8080), "web", neighbourAddr6)
				asks(t, c, "tcp", at(beyondAddr, 9000+i), "lan", hostAddr)
				asks(t, c, "tcp", at(beyondAddr6, 9000+i), "lan", hostAddr6)
				c.do("ping -c 1 -W 5 " + test.gateway)
				c.end()
			}
			last := netip.MustParseAddr(test.last)
			h.run(etc.unc(h, h.alice, "run", "--ip", last.Next().String(), "true")).fails(t, last.Next().String()+" can't be leased: containers have "+test.first+" to "+test.last+" here")
			if test.room > 0 {
				living, refusals, leave := many(t, h, test.room+3, func(int) *exec.Cmd {
					return etc.unc(h, h.alice, append([]string{"run", "--rootfs", rootfs}, alsoStays...)...)
				})
				if living != test.room {
					t.Errorf("%d containers, want %d", living, test.room)
				}
				for _, got := range refusals {
					if want := fmt.Sprintf("unc: the subnet is full: all %d addresses of %s are leased\n", test.room, test.subnet); got != want {
						t.Errorf("refused with %q, want %q", got, want)
					}
				}
				leave()
			}
			etc.removeAll(h)
		})
	}
}

// A user's share counts whichever way his containers are told apart from others'.
func TestWhoMayUseTheNetwork(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range []struct {
		allow  string
		admits bool
	}{
		{"*", true},
		{"alice", true},
		{"bob alice", true},
		{fmt.Sprint(h.alice.uid), true},
		{"@alice", true},
		{fmt.Sprintf("@%d", h.alice.gid), true},
		{"bob", false},
		{"@bob root", false},
	} {
		t.Run(test.allow, func(t *testing.T) {
			h := h.of(t)
			etc := newPrivate(t, h)
			etc.policy(t, `ALLOW="`+test.allow+`"`)
			got := h.run(etc.unc(h, h.alice, "run", "--rootfs", rootfs, "true"))
			if test.admits {
				got.works(t)
				return
			}
			got.fails(t, fmt.Sprintf("user %d may not use the network: ALLOW in /etc/unc/network.conf does not name them", h.alice.uid), "--network none")
			h.run(etc.unc(h, h.alice, "run", "--rootfs", rootfs, "--network", "none", "true")).works(t)
		})
	}
}

// flannel says which part of its network this machine has.
func TestTheSubnetOfFlannel(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	etc := newPrivate(t, h)
	etc.policy(t, "SUBNET=flannel", "BRIDGE=unc-flannel")
	env := newDir(t, user{})
	must(t, os.WriteFile(env+"/subnet.env", []byte("FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.7.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n"), 0o644))
	cmd := etc.unc(h, h.alice, "run", "--rootfs", rootfs, "sh", "-c", "ip -4 -o addr show dev eth0; cat /sys/class/net/eth0/mtu; ping -c 1 -W 5 10.244.7.1")
	const run = `mount -t tmpfs -o mode=755 run /run && mkdir /run/flannel && cp "$1/subnet.env" /run/flannel/`
	got := h.run(withMounts(cmd, run, env)).works(t)
	if !strings.Contains(got, " 10.244.7.") || !strings.Contains(got, "\n1450\n") {
		t.Errorf("got %q, want an address of 10.244.7.0/24 and an MTU of 1450", got)
	}
	eventually(t, "no lease left", func() bool { return len(h.leases()) == 0 })
	h.run(withMounts(withMounts(h.command(unc, "net-setup", "remove"), `mount --bind "$1" /etc`, etc.dir), run, env)).works(t)
}

func TestASubnetThatIsRoutedElsewhere(t *testing.T) {
	t.Parallel()
	h, _ := newNeighbours(t)
	h.root(`ip route add 10.77.0.0/16 via "$1"`, neighbourAddr)
	h.settle()
	etc := newPrivate(t, h)
	etc.policy(t, "SUBNET=10.77.5.0/24")
	h.run(etc.unc(h, h.alice, "run", "true")).fails(t, `unc: the address range 10.77.5.0/24 is taken: this host routes 10.77.0.0/16 through "lan0"`, "hint: ip route show to match 10.77.5.0")
	if hasBridge(h) {
		t.Error("there is a bridge unc0")
	}
}
