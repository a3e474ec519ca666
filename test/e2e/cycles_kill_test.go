package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cycleVictims are who is killed, and during what.
var cycleVictims = []struct{ process, during string }{
	{"the front", "run"},
	{"the supervisor", "run"},
	{"process 1", "run"},
	{"the client", "exec"},
	{"the supervisor", "exec"},
	{"process 1", "exec"},
	{"the client", "stop"},
	{"the supervisor", "stop"},
	{"process 1", "stop"},
	{"the supervisor", "logs -f"},
}

// TestKillInAnyCycle: while a container is started, entered, watched and stopped, one of those who
// have to do with it is killed. Nothing of it is left, and its name is free at once.
func TestKillInAnyCycle(t *testing.T) {
	needSpeed(t)
	const lanes, rounds = 4, 70 // of whom some have ended before they are killed
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "true")).works(t) // what stays with the first one
	staysTheSame(t, rootfs)
	leavesNothing(t, h.alice)
	f := &cycleKiller{h: h, rootfs: rootfs, hit: map[string]int{}}
	failed := make(chan error, lanes*rounds)
	var all sync.WaitGroup
	for lane := range lanes {
		all.Go(func() {
			for round := range rounds {
				if err := f.round(lane, lane*rounds+round); err != nil {
					failed <- fmt.Errorf("round %d: %w", lane*rounds+round, err)
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
	for _, victim := range cycleVictims {
		if f.hit[victim.process+" during "+victim.during] == 0 {
			t.Errorf("%s was never killed during %s", victim.process, victim.during)
		}
	}

	// A command that was killed has failed, as far as anybody can tell, and is kept.
	h.run(h.unc(h.alice, "rm", "-a", "-f")).works(t)
	h.forgotten(h.alice)
	h.nothingLeft()
}

type cycleKiller struct {
	h      *host
	rootfs string

	mu  sync.Mutex
	hit map[string]int
}

// round is one cycle. The name is that of the lane's round before, which need not have been told
// that it is over.
func (f *cycleKiller) round(lane, n int) error {
	victim := cycleVictims[n%len(cycleVictims)]
	called := fmt.Sprintf("lane-%d", lane)
	network := []string{"--network=none", "--network=bridge"}[n%2]
	front := f.h.unc(f.h.alice, "run", "-d", "--name", called, network, "--rootfs", f.rootfs, "sleep", "1000")
	if victim.during == "run" {
		if err := f.strike(front, victim.process, victim.during, called); err != nil {
			return err
		}
	} else {
		if out, err := f.output(front); err != nil || out != called+"\n" {
			return fmt.Errorf("unc run -d says %q: %w", out, err)
		}
		args := map[string][]string{
			"exec": {"exec", called, "sleep", "1000"}, "stop": {"stop", called}, "logs -f": {"logs", "-f", called},
		}[victim.during]
		if err := f.strike(f.h.unc(f.h.alice, args...), victim.process, victim.during, called); err != nil {
			return err
		}
	}
	// Whatever is there of it now ends, or has ended.
	if out, err := f.output(f.h.unc(f.h.alice, "rm", "-f", called)); err != nil && !strings.Contains(out, "no container of yours") && !strings.Contains(out, "has ended") {
		return fmt.Errorf("unc rm -f says %q: %w", out, err)
	}
	return nil
}

// output runs a command to its end, for all that it says.
func (f *cycleKiller) output(cmd *exec.Cmd) (string, error) {
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := f.h.in(cmd.Start); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return out.String(), err
}

// strike starts cmd, kills somebody at any moment from then on, and waits for the end of cmd.
func (f *cycleKiller) strike(cmd *exec.Cmd, victim, during, called string) error {
	pid := 0
	if during != "run" {
		pid = f.find(victim, called)
	}
	if err := f.h.in(cmd.Start); err != nil {
		return err
	}
	switch {
	case victim == "the front", victim == "the client":
		pid = cmd.Process.Pid
	case during == "run":
		lookUntil(deadline, func() bool {
			pid = f.find(victim, called)
			return pid != 0 || !alive(cmd.Process.Pid)
		})
	}
	<-time.After(rand.N(2 * startTime)) // any moment will do
	if pid != 0 && alive(pid) && unix.Kill(pid, unix.SIGKILL) == nil {
		f.mu.Lock()
		f.hit[victim+" during "+during]++
		f.mu.Unlock()
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &ended) {
		return err
	}
	return nil
}

// find returns the host's number of somebody who has to do with a container, 0 when there is none.
func (f *cycleKiller) find(victim, called string) int {
	for _, pid := range processesOf(f.h.alice) {
		args := strings.Split(commandLine(pid), " ")
		if !slices.Contains(args, "--supervise") || !slices.Contains(args, called) {
			continue
		}
		if session, err := unix.Getsid(pid); err != nil || session != pid {
			continue // not executed yet
		}
		if victim == "the supervisor" {
			return pid
		}
		return find(pid, victim)
	}
	return 0
}
