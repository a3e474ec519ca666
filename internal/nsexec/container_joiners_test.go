package nsexec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A network outlives the container that it was made for, as long as one is in it: here
// one that joins only after that, and one that joins the joiner.
func TestJoinedNetworkLivesOn(t *testing.T) {
	b := newRunning(t, "signal", noNetwork)
	first := newServer(t, joins(t, b))
	second := joins(t, b)
	third := joins(t, first)
	b.ended = true
	if err := b.Abort(); err != nil {
		t.Fatal(err)
	}
	for name, join := range map[string]func(*Spec){"joins what has ended": second, "joins who joined": third} {
		t.Run(name, func(t *testing.T) {
			var got residence
			newBox(t, "reside", join).finish(t, &got)
			if got.Heard != greeting || !slices.Equal(got.Links, []string{"lo"}) {
				t.Errorf("got links %v, and %q from loopback, want lo, and %q", got.Links, got.Heard, greeting)
			}
		})
	}
}

// What has joined can be ended, and its end is not the other's.
func TestJoinerEndsAlone(t *testing.T) {
	b := newServer(t)
	for range 3 {
		j := newBox(t, "serve", joins(t, b))
		j.ended = true
		if err := j.Abort(); err != nil {
			t.Error(err)
		}
	}
	var got residence
	newBox(t, "reside", joins(t, b)).finish(t, &got)
	if got.Heard != greeting {
		t.Errorf("got %q from loopback, want %q", got.Heard, greeting)
	}
}

// A target that is another one than its ids were read of is found out.
func TestJoinChecksIDs(t *testing.T) {
	b := newRunning(t, "signal")
	target := b.target(t)
	target.IDs = callerIs(7, 7)
	_, err := Start(&Spec{
		Rootfs: b.root, Hostname: "box", Args: []string{"/test"}, User: User{UID: 7, GID: 7},
		Network: JoinedNetwork, Join: target, IDs: target.IDs,
	})
	if !errors.Is(err, ErrEnded) {
		t.Errorf("got error %v, want %v", err, ErrEnded)
	}
}

// findings is what an attacker has got at beside his own processes.
type findings struct {
	Rounds int
	Found  []string
}

// childAttacks tries at everybody whom it can name, until it is told to stop, to end
// them, to stop them and to read their memory.
func childAttacks() error {
	told := make(chan os.Signal, 1)
	signal.Notify(told, unix.SIGTERM)
	if err := say(readyPipe); err != nil {
		return err
	}
	var f findings
	own := os.Getpid()
	for {
		select {
		case <-told:
			return save(f)
		default:
		}
		f.Rounds++
		// Numbers are given out in their order, so all that a few rounds of it could have are near.
		for pid := 2; pid < own+100; pid++ {
			if pid == own || unix.Kill(pid, 0) != nil || isThread(pid) {
				continue
			}
			way := fmt.Sprintf("signal %d", pid)
			if unix.PtraceSeize(pid) == nil {
				way += ", trace it"
			}
			if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid)); err == nil {
				way += ", read it"
			}
			f.Found = append(f.Found, way)
		}
		if err := unix.PtraceSeize(1); err == nil {
			f.Found = append(f.Found, "trace pid 1")
		}
		if _, err := os.ReadFile("/proc/1/maps"); err == nil {
			f.Found = append(f.Found, "read pid 1")
		}
		// All but itself and pid 1 that it may signal; to the kernel nobody is ESRCH (kill(2)).
		if err := unix.Kill(-1, unix.SIGKILL); !errors.Is(err, unix.ESRCH) {
			f.Found = append(f.Found, fmt.Sprintf("kill everybody: %v", err))
		}
	}
}

func isThread(tid int) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", tid))
	return err == nil
}

// Root of the other container, with all but the one capability that is refused, gets at
// no process of a container that joins, while it is made or when it runs.
func TestHostileTarget(t *testing.T) {
	b := newRunning(t, "attack", func(s *Spec) { s.Capabilities = AllCapabilities &^ (1 << unix.CAP_SYS_ADMIN) })
	target := b.target(t)
	for range 20 {
		j := newBox(t, "reside", func(s *Spec) { s.Network, s.Join, s.IDs = JoinedNetwork, target, target.IDs })
		if uid := os.Getuid(); uid != 0 {
			var st unix.Stat_t
			if err := unix.Stat(fmt.Sprintf("/proc/%d/environ", j.PID), &st); err != nil || int(st.Uid) == uid {
				t.Errorf("got a process whose memory is uid %d's, %v, want root's", st.Uid, err)
			}
		}
		var got residence
		j.finish(t, &got)
		if !strings.HasSuffix(got.Heard, "connection refused") {
			t.Errorf("got %q from loopback, want nobody there", got.Heard)
		}
	}
	if err := b.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := b.end(t); code != 0 {
		t.Fatalf("got exit code %d from the attacker, want 0", code)
	}
	var got findings
	load(t, b.result, &got)
	if diff := cmp.Diff([]string(nil), got.Found); diff != "" || got.Rounds < 2 {
		t.Errorf("got %d rounds; what it got at (-want +got):\n%s", got.Rounds, diff)
	}
}

// childJoins is the supervisor of a container that joins what is open on 3 and 4.
func childJoins() error {
	target, err := OpenTarget(os.NewFile(3, "init"), os.NewFile(4, "netns"))
	if err != nil {
		return err
	}
	c, err := Start(&Spec{
		Rootfs: os.Getenv("ROOT"), Hostname: "box", Args: []string{"/test"}, Env: []string{childVariable + "=wait"},
		Network: JoinedNetwork, Join: target, IDs: target.IDs, Capabilities: DefaultCapabilities,
	})
	if err != nil {
		return err
	}
	if _, err := c.Ready(); err != nil {
		return err
	}
	if err := c.Release(); err != nil {
		return err
	}
	_, err = c.Wait()
	return err
}

// Whenever the supervisor is killed, nothing of the container is left: everything in it
// has the pipe that was the supervisor's standard output, or ends with who has.
func TestJoinerDiesWithItsSupervisor(t *testing.T) {
	b := newServer(t)
	root := t.TempDir()
	copyExecutable(t, filepath.Join(root, "test"))
	for i := range 40 {
		init, netns, err := b.Offer(b.Handles)
		if err != nil {
			t.Fatal(err)
		}
		input, hold, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		output, theirs, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{childVariable + "=join", noRaceSleep, "ROOT=" + root}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = input, theirs, theirs
		cmd.ExtraFiles = []*os.File{init, netns}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for _, f := range []*os.File{init, netns, input, theirs} {
			f.Close()
		}
		<-time.After(time.Duration(i) * 400 * time.Microsecond) // from before it begins until the command runs
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if err := output.SetReadDeadline(soon()); err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(output)
		if err != nil {
			t.Fatalf("killed after %d: something is left that has the supervisor's output: %v", i, err)
		}
		if text := strings.TrimSpace(string(said)); text != "" && text != "2" {
			t.Errorf("killed after %d: got %q, want nothing, or the command's number", i, said)
		}
		hold.Close()
		output.Close()
	}
}
