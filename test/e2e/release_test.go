package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// release lets go of a name, which must work and say nothing.
func (h *host) release(u user, name string) {
	h.t.Helper()
	got := h.run(h.unc(u, "net-setup", "release", name))
	if got.works(h.t); got.stdout+got.stderr != "" {
		h.t.Errorf("release says %q, %q; want nothing", got.stdout, got.stderr)
	}
}

// orphaned starts a container that has a connection to a machine on the LAN, which falls
// silent before the container's supervisor is killed. What is left is the connection,
// and the network namespace with it.
func orphaned(h, lan *host, rootfs string, flags ...string) *container {
	h.t.Helper()
	c := h.container(h.alice, rootfs, flags...)
	heard := answering(h.t, lan, "tcp4", neighbourAddr+":7000", "lan")
	c.do(`(exec sleep 1000) | nc ` + neighbourAddr + ` 7000 >/tmp/heard 2>&1 &
		until grep -q lan /tmp/heard; do :; done`)
	lan.root(`nft 'table ip silence { chain in { type filter hook input priority 0; tcp dport 7000 drop; }
		chain out { type filter hook output priority 0; tcp sport 7000 drop; }; }'`)
	c.die()
	heard()
	eventually(h.t, "no process left", func() bool { return len(processesOf(h.alice)) == 0 })
	return c
}

// TestReleaseAfterTheSupervisorIsKilled: a connection that nobody answers any more keeps
// name, address and ports, and its owner has them back at once.
func TestReleaseAfterTheSupervisorIsKilled(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	rootfs, theirs := busyboxRootfs(t, h.alice), busyboxRootfs(t, h.bob)
	const wanted = "10.100.42.77"
	flags := []string{"--name", "db", "--ip", wanted, "-p", "8080:80"}
	bobs := h.container(h.bob, theirs, "--name", "db")
	orphaned(h, lan, rootfs, flags...)
	if n := len(h.leases()); n != 2 {
		t.Fatalf("%d leases, want one that is to be released", n)
	}

	// Not for another user, who has the same name, nor by another name.
	h.release(h.bob, "web")
	h.release(h.alice, "web")
	if n := len(h.leases()); n != 2 {
		t.Fatalf("%d leases, want both", n)
	}
	h.release(h.alice, "db")
	if n := len(h.leases()); n != 1 {
		t.Errorf("%d leases, want the other user's alone", n)
	}
	c := h.container(h.alice, rootfs, flags...)
	if c.v4 != wanted {
		t.Errorf("the address is %s, want %s", c.v4, wanted)
	}
	answering(t, c, "tcp4", ":80", "new")
	answering(t, lan, "tcp4", neighbourAddr+":5000", "lan")
	asks(t, lan, "tcp4", at(hostAddr, 8080), "new")
	asks(t, c, "tcp4", neighbourAddr+":5000", "lan", hostAddr)

	// What runs can be let go of, too, by whom it belongs to.
	h.release(h.bob, "db")
	if n := len(h.leases()); n != 1 {
		t.Errorf("%d leases, want the one that is left", n)
	}
	asks(t, c, "tcp4", neighbourAddr+":5000", "lan")
	if err := bobs.in(hasNoLink("eth0")); err != nil {
		t.Error(err)
	}
	c.end()
	bobs.end()
	h.nothingLeft()
}

// hasNoLink fails where there is such an interface.
func hasNoLink(name string) func() error {
	return func() error {
		_, err := netlink.LinkByName(name)
		if errors.As(err, &netlink.LinkNotFoundError{}) {
			return nil
		}
		return errors.Join(fmt.Errorf("there is an interface %q", name), err)
	}
}

// TestReleasedSocketsSendNothing: the sockets of a container that was let go of are still
// there, and its address is another's.
func TestReleasedSocketsSendNothing(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	const wanted = "10.100.42.77"
	old := h.container(h.alice, busyboxRootfs(t, h.alice), "--name", "db", "--ip", wanted)
	peer := packets(t, lan, "udp4", neighbourAddr+":5000")
	answering(t, lan, "tcp4", neighbourAddr+":5000", "lan")
	stream, err := dial(old, "tcp4", neighbourAddr+":5000", inTime)
	must(t, err)
	defer stream.Close()
	datagrams := packets(t, old, "udp4", ":5353")
	_, err = datagrams.WriteTo([]byte("old"), peer.LocalAddr())
	must(t, err)
	_, asked := receives(t, peer)

	h.release(h.alice, "db")
	heir := h.container(h.bob, busyboxRootfs(t, h.bob), "--ip", wanted)
	own := packets(t, heir, "udp4", ":5353")
	if _, err := datagrams.WriteTo([]byte("old"), peer.LocalAddr()); !errors.Is(err, unix.ENETUNREACH) {
		t.Errorf("a socket that is left sends, %v; want %v", err, unix.ENETUNREACH)
	}
	_, err = stream.Write([]byte("old")) // TCP keeps it, and tries
	must(t, err)
	// Nor does its address' new owner get what is still sent to the old one.
	_, err = peer.WriteTo([]byte("for the old"), asked)
	must(t, err)
	_, err = own.WriteTo([]byte("new"), peer.LocalAddr())
	must(t, err)
	got, now := receives(t, peer)
	if got != "new" {
		t.Errorf("the LAN gets %q, want what the new owner sends", got)
	}
	_, err = peer.WriteTo([]byte("for the new"), now)
	must(t, err)
	if got, _ := receives(t, own); got != "for the new" {
		t.Errorf("the new owner gets %q, want what is for him", got)
	}
	heir.end()
	_ = datagrams.Close()
	_ = stream.Close()
	old.end()
	h.nothingLeft()
}

// TestAStoppedReleaseHitsNobodyElse: who stops it after any of its messages, and has
// everything of the link that it has looked at go to others, number and address, loses
// nothing but what he asked for.
func TestAStoppedReleaseHitsNobodyElse(t *testing.T) {
	t.Parallel()
	const wanted = "10.100.42.77"
	h := newHost(t)
	etc := newPrivate(t, h)
	etc.policy(t, "MAX_PER_USER=1") // so there is but one number
	rootfs := busyboxRootfs(t, h.bob)
	logs, attacks := newDir(t, user{}), 0
	attach := func(s *session, flags ...string) {
		t.Helper()
		h.run(etc.unc(h, h.alice, append(append([]string{"net-setup"}, flags...), strconv.Itoa(s.pid()))...)).works(t)
	}
	number := func(u user, name string) int { return h.linkIndex(fmt.Sprintf("unc-name.%d.%s", u.uid, name)) }
	for n := 1; ; n++ {
		log := filepath.Join(logs, strconv.Itoa(n))
		first := h.bare(h.alice)
		attach(first, "--ip="+wanted, "--name=web")
		index := number(h.alice, "web")
		release := withMounts(atMessage(h.unc(h.alice, "net-setup", "release", "web"), n, "STOP", log), `mount --bind "$1" /etc`, etc.dir)
		h.start(release)
		eventually(t, "net-setup stopped or ended", func() bool {
			return logged(t, log, "--- stopped by SIGSTOP ---") || !alive(release.Process.Pid)
		})
		stopped := logged(t, log, "--- stopped by SIGSTOP ---")
		if stopped && number(h.alice, "web") != 0 {
			attacks++
			first.do("ip link del eth0")
			victim := etc.container(h, h.bob, rootfs, "--ip", wanted, "--name", "web")
			second := h.bare(h.alice)
			attach(second, "--name=other")
			if now := number(h.alice, "other"); now != index {
				t.Errorf("the second link has number %d, want the first one's, %d", now, index)
			}
			kill(t, release.Process.Pid, unix.SIGCONT)
			if code := wait(t, release); code != 0 {
				t.Errorf("exit code %d, want 0: the name is gone", code)
			}
			if number(h.alice, "other") == 0 || number(h.bob, "web") == 0 {
				t.Fatalf("stopped over message %d, it deletes another: of %v are left", n, h.leases())
			}
			victim.end()
			second.end()
		} else {
			if stopped {
				kill(t, release.Process.Pid, unix.SIGCONT)
			}
			if code := wait(t, release); code != 0 || number(h.alice, "web") != 0 {
				t.Errorf("exit code %d with %v left, want 0 and nothing", code, h.leases())
			}
		}
		first.end()
		eventually(t, "no lease left", func() bool { return len(h.leases()) == 0 })
		if !stopped {
			break
		}
	}
	if attacks == 0 {
		t.Error("release was never stopped before it deleted anything")
	}
	t.Logf("stopped with the link there after %d messages", attacks)
}

// TestReleasesAndStartsAtOnce: of one name. Some containers are cut off before they
// run, and say so.
func TestReleasesAndStartsAtOnce(t *testing.T) {
	t.Parallel()
	needSpeed(t)
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "true")).works(t)
	worked := 0
	// Most meet another of the name. The one that doesn't may be cut off, so that of some rounds
	// none has run.
	for round := 1; worked == 0; round++ {
		if round > 10 {
			t.Fatal("no container ran in ten rounds")
		}
		var all sync.WaitGroup
		var started [20]result
		for i := range started {
			all.Go(func() { started[i] = h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "--name", "web", "true")) })
			all.Go(func() { h.release(h.alice, "web") })
		}
		all.Wait()
		for _, got := range started {
			if got.code == 0 {
				worked++
				continue
			}
			got.fails(t)
		}
		t.Logf("round %d: %d of %d containers ran", round, worked, len(started))
		h.nothingLeft()
	}
	h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "--name", "web", "true")).works(t)
	h.nothingLeft()
}

func TestWhoMayRelease(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := h.shell(h.bob, busyboxRootfs(t, h.bob), "--name", "web")
	name := "unc-name." + strconv.Itoa(h.bob.uid) + ".web"
	for _, test := range []struct {
		name string
		got  result
		want string
	}{
		{"root", h.run(h.command(unc, "net-setup", "release", "web")), "uid 0"},
		{"in a user namespace", h.run(h.as(h.bob, "unshare", "-Ur", unc, "net-setup", "release", "web")), "unc: "},
		{"without the capability", h.run(h.as(h.bob, plain, "net-setup", "release", "web")), "cap_net_admin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.got.fails(t, test.want)
			if strings.Contains(test.got.stderr, "--network") {
				t.Errorf("stderr is %q, which tells of ways to start a container", test.got.stderr)
			}
			if h.of(t).linkIndex(name) == 0 {
				t.Error("the link is gone")
			}
		})
	}
	// To let go is not to use: whom the policy leaves out by now can.
	h.run(withPolicy(h.unc(h.bob, "net-setup", "release", "web"), "ALLOW="+strconv.Itoa(h.alice.uid))).works(t)
	if h.linkIndex(name) != 0 {
		t.Error("the link is still there")
	}
	s.end()
	h.nothingLeft()
}

// TestReleaseAsksNoPolicy: what root has written, and whether it can be read, is of no
// account to who lets go.
func TestReleaseAsksNoPolicy(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := h.shell(h.bob, busyboxRootfs(t, h.bob), "--name", "web")
	const broken = "NO_SUCH_KEY=1"
	h.run(withPolicy(h.unc(h.bob, "net"), broken)).fails(t, "/etc/unc/network.conf", "line 1")
	h.run(withPolicy(h.unc(h.bob, "net-setup", "release", "web"), broken)).works(t)
	if h.linkIndex("unc-name."+strconv.Itoa(h.bob.uid)+".web") != 0 {
		t.Error("the link is still there")
	}
	s.end()
	h.nothingLeft()
}
