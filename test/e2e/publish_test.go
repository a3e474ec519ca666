package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A published port is the same from everywhere, and the container sees who it is
// that asks whenever the host isn't in between itself.
func TestAPublishedPortFromEverywhere(t *testing.T) {
	t.Parallel()
	for _, bridged := range []bool{true, false} {
		t.Run(fmt.Sprintf("br_netfilter %v", bridged), func(t *testing.T) {
			t.Parallel()
			h, lan := newNeighbours(t)
			h.bridgeNetfilter(t, bridged)
			rootfs := busyboxRootfs(t, h.alice)
			web := h.container(h.alice, rootfs, "-p", "8080:80", "-p", "8080:80/udp")
			mate := h.container(h.alice, rootfs)
			bobs := h.container(h.bob, rootfs)
			for _, network := range []string{"tcp", "udp"} {
				answering(t, web, network, ":80", "web")
			}
			gateway6 := h.gateway6()
			own := []string{gatewayAddr, gateway6}
			for _, test := range []struct {
				name    string
				from    place
				at      []string
				clients []string
			}{
				{"the LAN", lan, []string{hostAddr, hostAddr6}, []string{neighbourAddr, neighbourAddr6}},
				{"the host", h, []string{"127.0.0.1", "::1", hostAddr, hostAddr6, gatewayAddr, gateway6}, own},
				{"a container of the same user", mate, []string{gatewayAddr, gateway6, hostAddr, hostAddr6}, own},
				{"a container of another user", bobs, []string{gatewayAddr, gateway6, hostAddr, hostAddr6}, own},
				{"the container itself", web, []string{gatewayAddr, gateway6, hostAddr, hostAddr6}, own},
			} {
				t.Run(test.name, func(t *testing.T) {
					for _, address := range test.at {
						for _, network := range []string{"tcp", "udp"} {
							asks(t, test.from, network, at(address, 8080), "web", test.clients...)
						}
					}
				})
			}
			// Two users' containers have no other way to each other.
			asks(t, mate, "tcp", at(web.v4, 80), "web", mate.v4)
			asks(t, mate, "tcp", at(web.v6, 80), "web", mate.v6)
			noAnswer(t, bobs, "tcp", at(web.v4, 80))
			noAnswer(t, bobs, "udp", at(web.v6, 80))
			web.end()
			refused(t, lan, at(hostAddr, 8080))
			refused(t, h, at("127.0.0.1", 8080))
			mate.end()
			bobs.end()
			h.nothingLeft()
		})
	}
}

// What the host itself sends to a published port is relayed, and looks like one connection.
func TestTheRelayedConnectionIsWhole(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	web := h.container(h.alice, busyboxRootfs(t, h.alice), "-p", "8080:80", "-p", "8080:80/udp")
	for _, network := range []string{"tcp", "udp"} {
		answering(t, web, network, ":80", "web")
	}
	for _, address := range []string{"127.0.0.1", "::1", gatewayAddr} {
		t.Run("32 MiB there and back by "+address, func(t *testing.T) {
			conn, err := dial(h, "tcp", at(address, 8080), patience)
			must(t, err)
			defer conn.Close()
			const size = 32 << 20
			sent := sha256.New()
			failed := make(chan error, 1)
			go func() {
				random := rand.NewChaCha8([32]byte{1})
				_, err := io.CopyN(io.MultiWriter(conn, sent), random, size)
				if err == nil {
					err = conn.(*net.TCPConn).CloseWrite()
				}
				failed <- err
			}()
			// All of it comes after this side has said that it has no more to say, or the
			// last of it never would: the server answers until it hears that.
			got := sha256.New()
			word := make([]byte, len("web "))
			_, err = io.ReadFull(conn, word)
			must(t, err)
			for one := make([]byte, 1); one[0] != '\n'; { // the client's address
				_, err = io.ReadFull(conn, one)
				must(t, err)
			}
			n, err := io.Copy(got, conn)
			must(t, err)
			must(t, <-failed)
			if n != size || !bytes.Equal(got.Sum(nil), sent.Sum(nil)) {
				t.Errorf("%d bytes came back, want the same %d that were sent", n, size)
			}
		})
	}
	t.Run("two clients over UDP", func(t *testing.T) {
		var seen []string
		one, err := dial(h, "udp", "127.0.0.1:8080", deadline)
		must(t, err)
		defer one.Close()
		two, err := dial(h, "udp", "127.0.0.1:8080", deadline)
		must(t, err)
		defer two.Close()
		for i, conn := range []net.Conn{one, two, one, two} {
			text := fmt.Sprintf("datagram %d", i)
			_, err := conn.Write([]byte(text))
			must(t, err)
			buf := make([]byte, 1500)
			n, err := conn.Read(buf)
			must(t, err)
			head, body, _ := strings.Cut(string(buf[:n]), "\n")
			if body != text {
				t.Errorf("client %d got %q back, want %q", i%2, body, text)
			}
			seen = append(seen, head)
		}
		if seen[0] != seen[2] || seen[1] != seen[3] || seen[0] == seen[1] {
			t.Errorf("the server saw %q, want the same two clients twice", seen)
		}
	})
	t.Run("nobody listens in the container", func(t *testing.T) {
		silent := h.container(h.alice, busyboxRootfs(t, h.alice), "-p", "8081:81")
		if r, err := askWithin(h, "tcp", "127.0.0.1:8081", deadline); err == nil || isTimeout(err) {
			t.Errorf("%+v, %v; want the connection to break at once", r, err)
		}
		silent.end()
	})
	web.end()
	h.nothingLeft()
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestWhatCanBePublished(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	rootfs := busyboxRootfs(t, h.alice)

	t.Run("a range", func(t *testing.T) {
		c := h.container(h.alice, rootfs, "-p", "8000-8003:90-93", "-p", "8000-8001:70-71/udp")
		for i := range 4 {
			answering(t, c, "tcp", at("", 90+i), fmt.Sprint("tcp", 90+i))
		}
		for i := range 2 {
			answering(t, c, "udp", at("", 70+i), fmt.Sprint("udp", 70+i))
		}
		for i := range 4 {
			asks(t, lan, "tcp", at(hostAddr, 8000+i), fmt.Sprint("tcp", 90+i))
			asks(t, h, "tcp", at("127.0.0.1", 8000+i), fmt.Sprint("tcp", 90+i))
		}
		for i := range 2 {
			asks(t, lan, "udp", at(hostAddr6, 8000+i), fmt.Sprint("udp", 70+i))
		}
		refused(t, lan, at(hostAddr, 8004))
		c.end()
		h.nothingLeft()
	})

	t.Run("a port that is free", func(t *testing.T) {
		c := h.container(h.alice, rootfs, "-p", "80", "-p", "80/udp")
		answering(t, c, "tcp", ":80", "picked")
		answering(t, c, "udp", ":80", "picked")
		ports := h.status(h.alice).lease(t, c.v4).Ports
		if len(ports) != 4 {
			t.Fatalf("ports %+v, want one of IPv4 and IPv6 for TCP and UDP each", ports)
		}
		for _, p := range ports {
			if p.Port != 80 || p.Host.Port() < 1024 {
				t.Errorf("port %+v, want one from 1024 on that leads to 80", p)
			}
			address := hostAddr
			if p.Host.Addr().Is6() {
				address = hostAddr6
			}
			asks(t, lan, p.Protocol, at(address, int(p.Host.Port())), "picked")
		}
		c.end()
		for _, told := range []string{"/tcp", "/udp"} {
			if !strings.Contains(c.stderr.String(), "80"+told) {
				t.Errorf("stderr is %q, want it to tell which host port leads to 80%s", &c.stderr, told)
			}
		}
		h.nothingLeft()
	})

	t.Run("on the loopback alone", func(t *testing.T) {
		c := h.container(h.alice, rootfs, "-p", "127.0.0.1:8080:80", "-p", "[::1]:8081:80")
		answering(t, c, "tcp", ":80", "loopback")
		asks(t, h, "tcp", "127.0.0.1:8080", "loopback")
		asks(t, h, "tcp", "[::1]:8081", "loopback")
		for _, p := range []place{h, lan} {
			refused(t, p, at(hostAddr, 8080))
			refused(t, p, at(hostAddr6, 8081))
		}
		// A neighbour who sends what is for 127.0.0.1 to this host. Nobody answers, not even with a refusal.
		lan.root(`echo 1 >/proc/sys/net/ipv4/conf/gw0/route_localnet
			ip route del local 127.0.0.1 table local && ip route del local 127.0.0.0/8 table local
			ip route add 127.0.0.1 via "$1" src "$2"`, hostAddr, neighbourAddr)
		if r, err := askWithin(lan, "tcp", "127.0.0.1:8080", soon); !isTimeout(err) {
			t.Errorf("127.0.0.1 of the LAN's: %+v, %v; want no answer", r, err)
		}
		c.end()
		h.nothingLeft()
	})

	t.Run("at one address", func(t *testing.T) {
		c := h.container(h.alice, rootfs, "-p", hostAddr+":8080:80", "-p", "["+hostAddr6+"]:8080:80", "-p", "0.0.0.0:8082:80")
		answering(t, c, "tcp", ":80", "one")
		for _, p := range []place{h, lan} {
			asks(t, p, "tcp", at(hostAddr, 8080), "one")
			asks(t, p, "tcp", at(hostAddr6, 8080), "one")
			asks(t, p, "tcp", at(hostAddr, 8082), "one")
			refused(t, p, at(hostAddr6, 8082))
		}
		refused(t, h, "127.0.0.1:8080")
		asks(t, h, "tcp", "127.0.0.1:8082", "one")
		c.end()
		h.nothingLeft()
	})

	t.Run("the same port of two addresses and two protocols, by two users", func(t *testing.T) {
		one := h.container(h.alice, rootfs, "-p", "127.0.0.1:8080:80")
		two := h.container(h.bob, rootfs, "-p", hostAddr+":8080:80", "-p", "8080:80/udp")
		answering(t, one, "tcp", ":80", "one")
		answering(t, two, "tcp", ":80", "two")
		answering(t, two, "udp", ":80", "two")
		asks(t, h, "tcp", "127.0.0.1:8080", "one")
		asks(t, lan, "tcp", at(hostAddr, 8080), "two")
		asks(t, lan, "udp", at(hostAddr, 8080), "two")
		one.end()
		two.end()
		h.nothingLeft()
	})
}

// A socket that listens at all addresses of this host does not listen at other hosts'.
func TestPortsOfOtherHostsAreNotCaptured(t *testing.T) {
	t.Parallel()
	for _, bridged := range []bool{true, false} {
		t.Run(fmt.Sprintf("br_netfilter %v", bridged), func(t *testing.T) {
			t.Parallel()
			h, lan := newNeighbours(t)
			h.bridgeNetfilter(t, bridged)
			rootfs := busyboxRootfs(t, h.alice)
			web := h.container(h.alice, rootfs, "-p", "8080:80", "-p", "8080:80/udp")
			mate := h.container(h.alice, rootfs)
			bobs := h.container(h.bob, rootfs)
			elsewhere := []string{neighbourAddr, neighbourAddr6, beyondAddr, beyondAddr6}
			for _, network := range []string{"tcp", "udp"} {
				answering(t, web, network, ":80", "captured")
				// Each has a socket of its own: over UDP a server answers from where it is bound.
				for _, address := range elsewhere {
					answering(t, lan, network, at(address, 8080), "lan")
				}
				answering(t, mate, network, ":8080", "mate")
			}
			for _, network := range []string{"tcp", "udp"} {
				for _, from := range []place{h, web, mate, bobs} {
					for _, address := range elsewhere {
						asks(t, from, network, at(address, 8080), "lan", hostAddr, hostAddr6)
					}
				}
				// Nor another container's.
				asks(t, web, network, at(mate.v4, 8080), "mate", web.v4)
				asks(t, web, network, at(mate.v6, 8080), "mate", web.v6)
				asks(t, h, network, at(mate.v4, 8080), "mate", gatewayAddr)
			}
			web.end()
			mate.end()
			bobs.end()
			h.nothingLeft()
		})
	}
}

func TestPublishingIsRefused(t *testing.T) {
	t.Parallel()
	h, _ := newNeighbours(t)
	rootfs := busyboxRootfs(t, h.alice)
	bobs := h.container(h.bob, rootfs, "-p", "7070:70", "-p", "7070:70/udp")
	closeServers := []func(){answering(t, h, "tcp4", ":7171", "x"), answering(t, h, "udp6", "[::1]:7272", "x")}
	before := h.listeners()

	const inUse = "it is in use: address already in use"
	for _, test := range []struct {
		name   string
		policy []string
		flags  []string
		says   string
	}{
		{"another user's", nil, []string{"-p", "7070:80"}, "publishing tcp port 7070: " + inUse},
		{"another user's, of UDP", nil, []string{"-p", "7070:80/udp"}, "publishing udp port 7070: " + inUse},
		{"another user's, at one address", nil, []string{"-p", "127.0.0.1:7070:80"}, "publishing tcp port 7070: " + inUse},
		{"a server's", nil, []string{"-p", "7171:80"}, "publishing tcp port 7171: " + inUse},
		{"a server's at one address", nil, []string{"-p", "7272:80/udp"}, "publishing udp port 7272: " + inUse},
		{"one of a range", nil, []string{"-p", "7069-7072:80-83"}, "publishing tcp port 7070: " + inUse},
		{"the last of many", nil, []string{"-p", "7300-7309:80-89", "-p", "7070:80"}, "publishing tcp port 7070: " + inUse},
		{"below 1024", nil, []string{"-p", "80:80"}, "publishing tcp port 80: this machine's policy is PUBLISH=1024-65535"},
		{"below 1024, allowed by the policy", []string{"PUBLISH=1-65535"}, []string{"-p", "80:80"}, "publishing tcp port 80: this host lets only root use ports below 1024"},
		{"not in the policy", []string{"PUBLISH=8000-8009,9000"}, []string{"-p", "8010:80"}, "publishing tcp port 8010: this machine's policy is PUBLISH=8000-8009,9000"},
		{"none at all", []string{"PUBLISH=none"}, []string{"-p", "80"}, "publishing port 80 of the container: found no free port of the host among none"},
		{"twice the same", nil, []string{"-p", "7300:80", "-p", "7300:80"}, "it is published twice"},
		{"twice the same host port", nil, []string{"-p", "7300:80", "-p", "127.0.0.1:7300:81"}, "has the same host port at the same address"},
		{"more than a user may", []string{"MAX_PORTS_PER_USER=2"}, []string{"-p", "7300-7302:80-82"}, "the quota is used up: one user may publish 2 ports on this machine"},
		{"an address that the host has not", nil, []string{"-p", strangerAddr + ":7300:80"}, "publishing tcp port 7300: " + strangerAddr + " is not an address of this host"},
		{"no NAT", []string{"NAT=no"}, []string{"-p", "7300:80"}, "no port can be published here: NAT=no in /etc/unc/network.conf keeps containers from the outside"},
		{"no network", nil, []string{"-p", "7300:80", "--network", "none"}, "--publish means nothing with --network none"},
		{"the host's network", nil, []string{"-p", "7300:80", "--network", "host"}, "--publish means nothing with --network host"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			args := append(append([]string{"run", "--rootfs", rootfs}, test.flags...), "true")
			cmd := h.unc(h.alice, args...)
			if test.policy != nil {
				etc := newPrivate(t, h)
				etc.policy(t, test.policy...)
				cmd = etc.unc(h, h.alice, args...)
			}
			h.run(cmd).fails(t, test.says)
			eventually(t, "bob's lease alone", func() bool { return len(h.leases()) == 1 })
			if after := h.listeners(); !slices.Equal(before, after) {
				t.Errorf("sockets %v, before %v", after, before)
			}
			if pids := processesOf(h.alice); len(pids) > 0 {
				t.Errorf("processes left: %v", pids)
			}
		})
	}
	bobs.end()
	for _, c := range closeServers {
		c()
	}
	h.nothingLeft()
	// All of them are free, then.
	h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "-p", "7069-7072:80-83", "-p", "7171:80", "-p", "7272:80/udp", "true")).works(t)
}

// The ports of one user count together, whichever of his containers has them.
func TestTheQuotaOfPortsIsTheUsers(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	etc := newPrivate(t, h)
	etc.policy(t, "MAX_PORTS_PER_USER=3")
	one := etc.container(h, h.alice, rootfs, "-p", "8080-8081:80-81")
	more := []string{"run", "--rootfs", rootfs, "-p", "8090-8091:80-81", "true"}
	h.run(etc.unc(h, h.alice, more...)).fails(t, "the quota is used up: one user may publish 3 ports on this machine", "hint: ")
	h.run(etc.unc(h, h.bob, more...)).works(t)
	two := etc.container(h, h.alice, rootfs, "-p", "8090:80")
	one.end()
	h.run(etc.unc(h, h.alice, "run", "--rootfs", rootfs, "-p", "8080-8081:80-81", "true")).works(t)
	two.end()
	h.nothingLeft()
}

// TestTheRuleDiesWithTheSupervisor: whoever has the port next gets his own traffic.
func TestTheRuleDiesWithTheSupervisor(t *testing.T) {
	t.Parallel()
	for _, bridged := range []bool{true, false} {
		t.Run(fmt.Sprintf("br_netfilter %v", bridged), func(t *testing.T) {
			t.Parallel()
			h, lan := newNeighbours(t)
			h.bridgeNetfilter(t, bridged)
			rootfs := busyboxRootfs(t, h.alice)
			web := h.container(h.alice, rootfs, "-p", "8080:80", "-p", "8080:80/udp")
			other := h.container(h.alice, rootfs)
			for _, network := range []string{"tcp", "udp"} {
				answering(t, web, network, ":80", "alice")
				asks(t, lan, network, at(hostAddr, 8080), "alice", neighbourAddr)
			}
			web.die()

			// An ordinary server of bob's, who has no container.
			server := h.as(h.bob, busybox, "nc", "-ll", "-p", "8080", "-e", "/bin/echo", "bob", "[::]:0")
			h.start(server)
			eventually(t, "bob's server listening", func() bool { return len(h.listeners()) > 0 })
			for _, from := range []place{lan, h, other} {
				for _, address := range []string{hostAddr, hostAddr6} {
					asks(t, from, "tcp", at(address, 8080), "bob")
				}
			}
			kill(t, server.Process.Pid, unix.SIGKILL)
			wait(t, server)

			// A container of bob's.
			next := h.container(h.bob, rootfs, "-p", "8080:81", "-p", "8080:81/udp")
			for _, network := range []string{"tcp", "udp"} {
				answering(t, next, network, ":81", "bobs")
				for _, from := range []place{lan, h, other} {
					for _, address := range []string{hostAddr, hostAddr6} {
						asks(t, from, network, at(address, 8080), "bobs")
					}
				}
			}
			next.end()
			other.end()
			h.nothingLeft()
		})
	}
}

// A connection that is there when the container is killed does not go on with the next.
func TestOldConnectionsDoNotReachTheNextOwner(t *testing.T) {
	t.Parallel()
	h, lan := newNeighbours(t)
	rootfs := busyboxRootfs(t, h.alice)
	web := h.container(h.alice, rootfs, "-p", "8080:80/udp")
	address := web.v4
	answering(t, web, "udp", ":80", "alice")
	var old net.Conn
	must(t, lan.in(func() (err error) {
		old, err = net.Dial("udp", at(hostAddr, 8080))
		return err
	}))
	defer old.Close()
	say := func(limit time.Duration) (string, error) {
		must(t, old.SetDeadline(time.Now().Add(limit)))
		_, _ = old.Write([]byte("x"))
		buf := make([]byte, 200)
		n, err := old.Read(buf)
		return string(buf[:n]), err
	}
	if got, err := say(deadline); err != nil || !strings.HasPrefix(got, "alice ") {
		t.Fatalf("%q, %v", got, err)
	}
	web.die()
	h.nothingLeft()
	// Bob has the address now, and the port in there, but has not published it.
	bobs := h.container(h.bob, rootfs, "--ip", address)
	answering(t, bobs, "udp", ":80", "bob")
	if got, err := say(soon); err == nil {
		t.Errorf("a client of alice's container is answered by %q", got)
	}
	bobs.end()
}
