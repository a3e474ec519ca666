package e2e

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Two containers of one user in one network: each reaches the other on loopback, and is
// seen from outside at one address; what joins has its own of everything else.
func TestJoinedContainer(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	h.detached(h.alice, rootfs, "--name", "web", "-p", "8080:80", "sh", "-c", `
		nc -ll -p 90 -e echo from web &
		sleep 1000`)
	side := func(args ...string) result {
		return h.run(h.unc(h.alice, append([]string{"run", "--network", "container:web", "--rootfs", rootfs}, args...)...))
	}
	eventually(t, "an answer on loopback", func() bool { return side("nc", "127.0.0.1", "90").stdout == "from web\n" })

	// What is served beside it is reached at its address, and through its published port.
	h.detached(h.alice, rootfs, "--name", "side", "--network", "container:web", "nc", "-ll", "-p", "80", "-e", "echo", "from side")
	eventually(t, "an answer at the published port", func() bool {
		answer, _ := ask(h, "127.0.0.1:8080")
		return answer == "from side\n"
	})
	if answer, err := ask(h, h.inspect(h.alice, "web").Network.Address+":80"); answer != "from side\n" {
		t.Errorf("got %q, %v, at the container's address, want what is served beside it", answer, err)
	}
	if got := h.run(h.unc(h.alice, "exec", "side", "sh", "-c", "hostname; ps -o comm")).works(t); !strings.HasPrefix(got, "side\n") || strings.Contains(got, "sleep") {
		t.Errorf("got %q in the one beside it, want its own name and processes", got)
	}

	// Names, of which it has those of the other and its own, and the other's resolver.
	got := side("--hostname", "mine", "--add-host", "here:host-gateway", "cat", "/etc/hosts", "/etc/resolv.conf").works(t)
	for _, want := range []string{"\tweb\n", "127.0.1.1\tmine ", "10.100.42.1\there\n", "nameserver 127.0.0.11\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	side("nslookup", "web.", "127.0.0.11").works(t)

	// One that joins who has joined is in the same network.
	third := h.run(h.unc(h.alice, "run", "--network", "container:side", "--rootfs", rootfs, "nc", "127.0.0.1", "90"))
	if third.works(t) != "from web\n" {
		t.Errorf("got %q from beside the one beside it, want an answer on loopback", third.stdout)
	}

	h.run(h.unc(h.alice, "kill", "side", "web")).works(t)
	h.forgotten(h.alice)
}

// What can't be joined is said, and another user's is not even known.
func TestWhatCantBeJoined(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	h.detached(h.alice, rootfs, "--name", "host", "--network", "host", "sleep", "1000")
	h.detached(h.alice, rootfs, "--name", "strong", "--network", "none", "--cap-add", "SYS_ADMIN", "sleep", "1000")
	h.detached(h.alice, rootfs, "--name", "good", "--network", "none", "sleep", "1000")
	bobs := busyboxRootfs(t, h.bob)
	for _, test := range []struct {
		name   string
		u      user
		rootfs string
		target string
		says   string
	}{
		{"in the host's network", h.alice, rootfs, "host", "the container is in the host's network, which --network host has as well"},
		{"with CAP_SYS_ADMIN", h.alice, rootfs, "strong", "the container has CAP_SYS_ADMIN, which would reach into the mounts of whatever joins it"},
		{"nobody", h.alice, rootfs, "nobody", `no container of yours is called "nobody"`},
		{"another user's", h.bob, bobs, "good", `no container of yours is called "good"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			h.run(h.unc(test.u, "run", "--network", "container:"+test.target, "--rootfs", test.rootfs, "true")).fails(t, test.says)
		})
	}
	h.run(h.unc(h.alice, "kill", "host", "strong", "good")).works(t)
	h.forgotten(h.alice)
}

// The network outlives its container, with the lease, until who has joined it ends, too:
// by himself or with his supervisor.
func TestJoinedNetworkOutlivesItsContainer(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	h.detached(h.alice, rootfs, "--name", "web", "sleep", "1000")
	address := h.inspect(h.alice, "web").Network.Address
	h.detached(h.alice, rootfs, "--name", "side", "--network", "container:web", "nc", "-ll", "-p", "80", "-e", "echo", "from side")
	h.run(h.unc(h.alice, "kill", "web")).works(t)
	eventually(t, "an answer of who has joined", func() bool {
		answer, _ := ask(h, address+":80")
		return answer == "from side\n"
	})
	kill(t, h.inspect(h.alice, "side").Supervisor, unix.SIGKILL)
	eventually(t, "nothing listed", func() bool { return h.run(h.unc(h.alice, "ps", "-aq")).works(t) == "" })
	h.forgotten(h.alice)
}

// Whenever one of the supervisors is killed, the other's container goes on, and nothing
// of its own is left.
func TestJoinersAreKilled(t *testing.T) {
	t.Parallel()
	needSpeed(t)
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	h.detached(h.alice, rootfs, "--name", "web", "sleep", "1000")
	before := len(processesOf(h.alice))
	for range 30 {
		cmd := h.unc(h.alice, "run", "--network", "container:web", "--rootfs", rootfs, "sleep", "1000")
		h.start(cmd)
		eventually(t, "unc running", func() bool { return runsUnc(cmd) })
		atARandomMoment(t, 2*startTime, cmd.Process.Pid, unix.SIGKILL)
		wait(t, cmd)
		eventually(t, "the other's processes alone", func() bool { return len(processesOf(h.alice)) == before })
	}
	h.run(h.unc(h.alice, "kill", "web")).works(t)
	h.forgotten(h.alice)
}
