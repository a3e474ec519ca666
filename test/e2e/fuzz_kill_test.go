package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestKillAnyProcessAtAnyMoment: of unc, its net-setup, the container's process 1
// and its command, one dies at any moment while a container starts, works or ends.
// Nothing is left of any of them that acts, and others can have what they had.
func TestKillAnyProcessAtAnyMoment(t *testing.T) {
	needSpeed(t)
	h, lan := newNeighbours(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	const lanes, rounds = 4, 50
	f := &killer{h: h, lan: lan, rootfs: rootfs, hit: map[string]int{}}
	failed := make(chan error, lanes*rounds)
	var all sync.WaitGroup
	for lane := range lanes {
		all.Go(func() {
			for round := range rounds {
				n := lane*rounds + round
				if err := f.round(n); err != nil {
					failed <- fmt.Errorf("round %d: %w", n, err)
				}
			}
		})
	}
	all.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	t.Logf("killed: %v", f.hit)
	for _, operation := range operations {
		for _, victim := range operation.victims {
			if f.hit[victim+" while "+operation.name] == 0 {
				t.Errorf("%s was never killed while %s", victim, operation.name)
			}
		}
	}

	// A connection that was left behind when its supervisor was killed, and whose other side
	// has gone too, keeps the link for as long as TCP tries (tcp_orphan_retries), most of two
	// minutes: there is nobody left to tell the kernel (nsexec.Handles.LetGo). Its owner can
	// let go of it by name, which every such container has.
	for n := range lanes * rounds {
		for _, u := range []user{h.alice, h.bob} {
			if h.linkIndex(fmt.Sprintf("unc-name.%d.%s", u.uid, nameOf(n))) != 0 {
				h.release(u, nameOf(n))
			}
		}
	}
	eventually(t, "no link left", func() bool { return len(h.leases()) == 0 })
	if pids := processesOf(h.alice, h.bob); len(pids) > 0 {
		t.Errorf("processes left: %v", pids)
	}
	if l := h.listeners(); len(l) > 0 {
		t.Errorf("sockets left: %v", l)
	}
	// Each port and each name that one user had is free, for the other too.
	for first := 0; first < lanes*rounds; first += 20 {
		for _, u := range []user{h.alice, h.bob} {
			ports := fmt.Sprintf("%d-%d:1000-1019", firstPort+first, firstPort+first+19)
			h.run(h.unc(u, "run", "--rootfs", rootfs, "-p", ports, "-p", ports+"/udp", "--name", nameOf(first+rand.N(20)), "true")).works(t)
		}
	}
	h.nothingLeft()
}

const firstPort = 20000

func nameOf(n int) string { return fmt.Sprintf("round-%d", n) }

// operations are what a container may be at when somebody dies.
var operations = []struct {
	name    string
	victims []string
}{
	{"it starts", []string{"unc", "net-setup", "process 1", "the command"}},
	{"it works", []string{"unc", "process 1", "the command"}},
	{"it ends", []string{"unc", "process 1", "the command"}},
}

type killer struct {
	h, lan *host
	rootfs string

	mu  sync.Mutex
	hit map[string]int
}

func (f *killer) round(n int) error {
	operation := operations[n%len(operations)]
	victim := operation.victims[n/len(operations)%len(operation.victims)]
	u := []user{f.h.alice, f.h.bob}[rand.N(2)]
	port := strconv.Itoa(firstPort + n)
	cmd := f.h.unc(u, "run", "--rootfs", f.rootfs, "--name", nameOf(n), "-p", port+":80", "-p", port+":80/udp",
		"sh", "-c", "nc -ll -p 80 -e cat & echo up; exec cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := f.h.in(cmd.Start); err != nil {
		return err
	}
	defer in.Close()
	if operation.name != "it starts" {
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			return errors.Join(fmt.Errorf("the container says %q: %w", line, err), cmd.Wait())
		}
	}
	switch operation.name {
	case "it works":
		conn, err := dial(f.lan, "tcp", at(hostAddr, firstPort+n), inTime)
		if err == nil {
			defer conn.Close()
			go func() {
				for buf := make([]byte, 1000); err == nil; {
					if _, err = conn.Write(buf); err == nil {
						_, err = conn.Read(buf)
					}
				}
			}()
		} else if !errors.Is(err, unix.ECONNREFUSED) { // its server is still starting
			return fmt.Errorf("connecting to the container: %w", err)
		}
	case "it ends":
		in.Close()
	}
	f.strike(cmd, victim, operation.name)
	in.Close() // the end of the command, unless it has come already
	var ended *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &ended) {
		return err
	}
	return nil
}

// strike kills one of cmd's processes, soon after it is there.
func (f *killer) strike(cmd *exec.Cmd, victim, during string) {
	var pid int
	lookUntil(deadline, func() bool {
		pid = find(cmd.Process.Pid, victim)
		return pid != 0 || !alive(cmd.Process.Pid)
	})
	if moment := rand.N(3 * time.Millisecond); during != "it ends" {
		<-time.After(moment) // any will do
	}
	if pid != 0 && unix.Kill(pid, unix.SIGKILL) == nil {
		f.mu.Lock()
		f.hit[victim+" while "+during]++
		f.mu.Unlock()
	}
}

func alive(pid int) bool {
	state := statusOf(pid)["State"]
	return state != "" && !strings.HasPrefix(state, "Z")
}

// find returns the host's number of one of unc's processes, 0 when it is not there.
func find(supervisor int, victim string) int {
	if victim == "unc" {
		if statusOf(supervisor)["Name"] == "unc" { // and not what is about to execute it
			return supervisor
		}
		return 0
	}
	for _, child := range allChildrenOf(supervisor) {
		isContainer := strings.Contains(statusOf(child)["NSpid"], "\t")
		switch {
		case victim == "net-setup" && !isContainer, victim == "process 1" && isContainer:
			return child
		case victim == "the command" && isContainer:
			for _, inside := range allChildrenOf(child) {
				return inside
			}
		}
	}
	return 0
}

// allChildrenOf lists those of every thread.
func allChildrenOf(pid int) (children []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}
