package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// claimIn names the store in which a process that is started by these tests claims a name.
const claimIn = "UNC_TEST_CLAIM_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(claimIn); dir != "" {
		fmt.Println(claimer(dir))
		_, _ = io.Copy(io.Discard, os.NewFile(3, "the end")) // until it is killed, or its parent is gone
		return
	}
	os.Exit(m.Run())
}

// claimer claims "web" when its standard input ends, and tells how that went.
func claimer(dir string) string {
	s, err := site{runtime: dir, uid: os.Geteuid()}.open()
	if err != nil {
		return err.Error()
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	h, err := s.Claim("web")
	switch {
	case errors.Is(err, ErrTaken):
		return "taken"
	case err != nil:
		return err.Error()
	}
	if err := h.Put(&Info{Name: "web", PID: os.Getpid()}); err != nil {
		return err.Error()
	}
	if h.Stale {
		return "stale"
	}
	return "new"
}

// Of fifty processes that claim one name, one gets it, whoever else looks and sweeps, and again
// when that one has been killed. Of each who was killed, one process hears: who claimed next, or
// who swept.
func TestClaimTogether(t *testing.T) {
	const processes, rounds = 50, 4
	dir := memory(t)
	s := newStore(t, dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var told atomic.Int32
	stop := make(chan struct{})
	var sweepers sync.WaitGroup
	sweepers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := s.List(func(*Info) { told.Add(1) }); err != nil {
				t.Errorf("listing: %v", err)
				return
			}
		}
	})
	for range rounds {
		winner, stale := oneOf(t, self, dir, processes)
		if stale {
			told.Add(1)
		}
		e, err := s.Find("web")
		if err != nil || !e.Alive || e.Info.PID != winner.Process.Pid {
			t.Errorf("got %+v, %v, want process %d", e, err, winner.Process.Pid)
		}
		_ = winner.Process.Kill()
		_ = winner.Wait()
	}
	close(stop)
	sweepers.Wait()
	if _, err := s.List(func(*Info) { told.Add(1) }); err != nil {
		t.Fatal(err)
	}
	if got := told.Load(); got != rounds {
		t.Errorf("told of: got %d that were killed, want %d", got, rounds)
	}
	if got := tree(t, s.path); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}

// oneOf starts processes that claim the name at once, and returns the one that got it.
func oneOf(t *testing.T, self, dir string, processes int) (winner *exec.Cmd, stale bool) {
	t.Helper()
	start, begin, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	end, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hold.Close() })
	all := make([]*exec.Cmd, processes)
	outputs := make([]io.Reader, processes)
	for i := range all {
		c := exec.Command(self)
		c.Env = append(os.Environ(), claimIn+"="+dir, "GOMAXPROCS=1")
		c.Stdin, c.Stderr, c.ExtraFiles = start, os.Stderr, []*os.File{end}
		if outputs[i], err = c.StdoutPipe(); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all[i] = c
	}
	start.Close()
	end.Close()
	begin.Close()
	for i, c := range all {
		line, _ := bufio.NewReader(outputs[i]).ReadString('\n')
		switch said := strings.TrimSpace(line); {
		case said == "taken":
			_ = c.Process.Kill()
			_ = c.Wait()
		case said != "new" && said != "stale":
			t.Errorf("got %q", said)
		case winner != nil:
			t.Error("two of them have it")
			_ = c.Process.Kill()
		default:
			winner, stale = c, said == "stale"
		}
	}
	if winner == nil {
		t.Fatal("nobody has it")
	}
	return winner, stale
}

// Readers find all of a record or none, and are never in the way of who claims.
func TestReadersOfOneThatEnds(t *testing.T) {
	dir := memory(t)
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	renumbers := fs.Type == unix.TMPFS_MAGIC // and gives no inode's number to another one soon
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		s := newStore(t, dir) // as another process has it
		readers.Go(func() {
			recorded := uint64(0) // the latest that was found with its record
			for {
				select {
				case <-stop:
					return
				default:
				}
				list, err := s.List(func(*Info) { t.Error("swept a living one") })
				if err != nil {
					t.Errorf("listing: %v", err)
					return
				}
				for _, e := range list {
					switch {
					case !e.Alive:
						t.Errorf("got a dead one: %+v", e.Info)
					case e.Info.PID != 0:
						recorded = e.ino
					case e.ino == recorded && renumbers:
						t.Errorf("got a living one that has lost its record")
					}
				}
			}
		})
	}
	s := newStore(t, dir)
	for range 100 {
		h, err := s.Claim("web")
		if err != nil {
			t.Errorf("claiming: %v", err)
			break
		}
		// Removing takes its time.
		for n := range 100 {
			if err := os.WriteFile(s.path+"/web/"+nameOf(n), nil, 0o600); err != nil {
				t.Error(err)
			}
		}
		if err := errors.Join(h.Put(sample("web")), h.Close()); err != nil {
			t.Errorf("recording: %v", err)
			break
		}
	}
	close(stop)
	readers.Wait()
	if got := tree(t, s.path); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}
