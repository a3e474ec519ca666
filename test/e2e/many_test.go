package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowd starts n containers at once, each of which says which address it has
// when the gateway has answered it. They stay until leave is called.
func crowd(t *testing.T, h *host, n int) (addresses map[string]int, leave func()) {
	t.Helper()
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	// All share one pipe in, which holds them, and one out.
	hold, door, err := os.Pipe()
	must(t, err)
	out, in, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { door.Close(); out.Close() })

	var all []*exec.Cmd
	for range n {
		cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "sh", "-c", `
			ping -c 1 -W 20 10.100.42.1 >/dev/null || { echo "no answer"; exit 1; }
			set -- $(ip -4 -o addr show eth0)
			echo "$4"
			exec cat`)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = hold, in, in
		all = append(all, cmd)
	}
	var starting sync.WaitGroup
	for _, cmd := range all {
		starting.Go(func() { _ = h.in(cmd.Start) })
	}
	starting.Wait()
	must(t, hold.Close())
	must(t, in.Close())
	for _, cmd := range all {
		if cmd.Process == nil {
			t.Fatalf("starting %q: not started", cmd.Args)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	}

	must(t, out.SetReadDeadline(time.Now().Add(patience)))
	addresses = map[string]int{}
	lines := bufio.NewScanner(out)
	for range n {
		if !lines.Scan() {
			t.Fatalf("after %d containers: %v", len(addresses), lines.Err())
		}
		addresses[lines.Text()]++
	}
	return addresses, func() {
		t.Helper()
		must(t, door.Close())
		for _, cmd := range all {
			if code := wait(t, cmd); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
		}
	}
}

func TestHundredContainersAtOnce(t *testing.T) {
	needSpeed(t)
	h := newHost(t)
	addresses, leave := crowd(t, h, 100)
	if len(addresses) != 100 {
		t.Errorf("%d different addresses, want 100: %v", len(addresses), addresses)
	}
	for address := range addresses {
		if !strings.HasPrefix(address, "10.100.42.") || !strings.HasSuffix(address, "/24") {
			t.Errorf("address %q is not on the subnet", address)
		}
	}
	if n := len(h.leases()); n != 100 {
		t.Errorf("%d leases on the host, want 100", n)
	}
	leave()
	eventually(t, "no lease left", func() bool { return len(h.leases()) == 0 })
}

func TestTwentyFirstContainersAtOnce(t *testing.T) {
	t.Parallel()
	for range 3 {
		t.Run("on a host without a bridge", func(t *testing.T) {
			h := newHost(t)
			addresses, leave := crowd(t, h, 20)
			if len(addresses) != 20 {
				t.Errorf("%d different addresses, want 20: %v", len(addresses), addresses)
			}
			leave()
		})
	}
}

// bulk makes n network namespaces of u's and returns a process in each. They
// stay until the end of the test, or until leave is called.
func bulk(t *testing.T, h *host, u user, n int) (pids []int, leave func()) {
	t.Helper()
	cmd := h.as(u, "sh", "-c", `
		exec 3<&0
		i=0
		while [ $i -lt `+strconv.Itoa(n)+` ]; do
			unshare -Urn sh -c 'echo $$; exec cat' <&3 &
			i=$((i + 1))
		done
		wait`)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	h.start(cmd)
	t.Cleanup(func() { in.Close() })
	lines := bufio.NewScanner(out)
	for range n {
		if !lines.Scan() {
			t.Fatalf("only %d namespaces of %d: %v", len(pids), n, lines.Err())
		}
		pid, err := strconv.Atoi(lines.Text())
		must(t, err)
		pids = append(pids, pid)
	}
	return pids, func() { in.Close() }
}

// attach runs net-setup for each process, some at a time, and returns how often it worked.
func attach(t *testing.T, h *host, u user, pids []int) (worked int) {
	t.Helper()
	results := make(chan int)
	turns := make(chan struct{}, 4)
	for _, pid := range pids {
		cmd := h.unc(u, "net-setup", strconv.Itoa(pid))
		go func() {
			turns <- struct{}{}
			err := h.in(cmd.Start)
			if err == nil {
				err = cmd.Wait()
			}
			<-turns
			if err != nil {
				results <- 0
			} else {
				results <- 1
			}
		}()
	}
	for range pids {
		worked += <-results
	}
	return worked
}

func TestQuotaAndFullSubnet(t *testing.T) {
	h := newHost(t)
	alices, aliceLeaves := bulk(t, h, h.alice, 128)
	if n := attach(t, h, h.alice, alices); n != 128 {
		t.Fatalf("alice got %d networks, want 128", n)
	}
	h.run(h.unc(h.alice, "run", "true")).fails(t, "quota", "128", strconv.Itoa(h.alice.uid), "hint: ", "MAX_PER_USER")
	// Somebody else's quota is his own.
	h.run(h.unc(h.bob, "run", "true")).works(t)
	eventually(t, "bob's container gone", func() bool { return len(h.leases()) == 128 })

	bobs, bobLeaves := bulk(t, h, h.bob, 253-128)
	if n := attach(t, h, h.bob, bobs); n != 253-128 {
		t.Fatalf("bob got %d networks, want %d", n, 253-128)
	}
	h.run(h.unc(h.bob, "run", "true")).fails(t, "subnet is full", "10.100.42.0/24", "hint: unc net")
	if n := len(h.leases()); n != 253 {
		t.Errorf("%d leases, want 253", n)
	}

	// What is given back can be had again.
	aliceLeaves()
	bobLeaves()
	eventually(t, "no lease left", func() bool { return len(h.leases()) == 0 })
	h.run(h.unc(h.alice, "run", "true")).works(t)
}
