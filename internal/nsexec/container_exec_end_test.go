package nsexec

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Signals reach a command that has a user, and rights, of its own.
func TestExecSignals(t *testing.T) {
	dir := t.TempDir()
	b := running(t, func(s *Spec) { s.Mounts = append(s.Mounts, Mount{Source: dir, Target: resultDir}) })
	var p *Process
	awaitReady(t, dir, func() { p = b.exec(t, command("signal")) })
	for _, sig := range []unix.Signal{0, -1, 65} {
		if err := p.Signal(sig); err == nil {
			t.Errorf("got no error for signal %d", sig)
		}
	}
	if err := p.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := p.Wait(); got != goodCode {
		t.Errorf("got exit code %d, want %d", got, goodCode)
	}
	// In its place is another one now, which is not meant.
	other := b.exec(t, command("wait"))
	if other.slot != p.slot {
		t.Fatalf("got slot %d for another command, want %d again", other.slot, p.slot)
	}
	if err := p.Signal(unix.SIGKILL); err != nil {
		t.Errorf("a signal to a command that has ended: got %v, want nothing", err)
	}
	if err := other.Signal(unix.SIGINT); err != nil { // of a whole group
		t.Fatal(err)
	}
	if got, want := other.Wait(), 2; got != want && got != 128+want {
		t.Errorf("got exit code %d, want that of a program that was interrupted", got)
	}
}

// Commands end with their container, and those that have ended before it keep their code.
func TestExecEndsWithTheContainer(t *testing.T) {
	b := running(t)
	over, waiting := b.exec(t, command("exit", "3")), b.exec(t, command("wait"))
	if got := over.Wait(); got != 3 {
		t.Errorf("got exit code %d, want 3", got)
	}
	last := b.exec(t, command("kill"))
	b.end(t)
	for _, test := range []struct {
		name string
		p    *Process
		want int
	}{
		{"one that had ended", over, 3},
		{"one that had not", waiting, 137},
		{"the one that ended it", last, 137},
	} {
		if got := test.p.Wait(); got != test.want {
			t.Errorf("%s: got exit code %d, want %d", test.name, got, test.want)
		}
		if err := test.p.Signal(unix.SIGTERM); err != nil {
			t.Errorf("%s: got %v from a signal after the end, want nothing", test.name, err)
		}
	}
	if _, err := b.Exec(command("exit", "0")); !errors.Is(err, ErrEnded) {
		t.Errorf("got error %v, want %v", err, ErrEnded)
	}
}

// childKills ends the container, and stays.
func childKills() error {
	if err := unix.Kill(2, unix.SIGKILL); err != nil {
		return err
	}
	return childWaits()
}

// Many are started at a time, each with a code of its own, and none is mistaken for
// another.
func TestExecMany(t *testing.T) {
	b := running(t)
	const many = 200
	var got, want [many]string
	var all sync.WaitGroup
	for i := range many {
		want[i] = strconv.Itoa(i % 128)
		all.Go(func() {
			p, err := b.Exec(command("exit", want[i]))
			if err == nil {
				err = p.Started()
			}
			if got[i] = errText(err); err == nil {
				got[i] = strconv.Itoa(p.Wait())
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("exit codes (-want +got):\n%s", diff)
	}
	var list []string
	if b.ask(t, command("processes"), &list); len(list) != 2 {
		t.Errorf("got processes %q, want pid 1 and the first command", list)
	}
}

// At whatever moment a container ends: whoever starts something in it then gets an answer.
func TestExecWhileEnding(t *testing.T) {
	for i := range 10 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			b := running(t)
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for {
						p, err := b.Exec(command("exit", "0"))
						if errors.Is(err, ErrEnded) {
							return
						}
						if err == nil {
							err = p.Started()
						}
						if err != nil {
							t.Errorf("got error %v, want %v", err, ErrEnded)
							return
						}
						if code := p.Wait(); code != 0 && code != 137 {
							t.Errorf("got exit code %d, want 0, or 137 at the end", code)
						}
					}
				})
			}
			for range i {
				b.exec(t, command("exit", "0")).Wait()
			}
			if err := b.Signal(unix.SIGKILL); err != nil {
				t.Error(err)
			}
			b.end(t)
			all.Wait()
		})
	}
}

// Before the container's command runs, there is time for others to ask.
func TestExecBeforeRelease(t *testing.T) {
	b := newBox(t, "wait")
	got := make(chan error)
	go func() {
		p, err := b.Exec(command("exit", "3"))
		if err == nil {
			err = p.Started()
		}
		if err == nil && p.Wait() != 3 {
			err = errors.New("it ended otherwise than it should")
		}
		got <- err
	}()
	b.release(t)
	if err := <-got; err != nil {
		t.Error(err)
	}

	never := newBox(t, "wait")
	go func() {
		_, err := never.Exec(command("exit", "0"))
		got <- err
	}()
	never.ended = true
	if err := never.Abort(); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, ErrEnded) {
		t.Errorf("got error %v from a container that never ran, want %v", err, ErrEnded)
	}
}

// A limit on processes keeps a command from being started, and nothing else.
func TestExecWithoutRoom(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root's processes are not limited; the tests of a user without privilege have this one")
	}
	b := running(t)
	limit := unix.Rlimit{Cur: 1, Max: 1}
	if err := unix.Prlimit(b.PID, unix.RLIMIT_NPROC, &limit, nil); err != nil {
		t.Fatalf("limiting pid 1: %v", err)
	}
	const want = "starting the command's process: resource temporarily unavailable: a limit on processes leaves no room for it in the container"
	if _, err := b.Exec(command("exit", "0")); errText(err) != want {
		t.Errorf("got error %q, want %q", errText(err), want)
	}
}

// Another user's command has what the first one of another user has, its terminal is his,
// and the pipes that it starts with can be opened by him.
func TestExecOtherUsers(t *testing.T) {
	withSubIDs(t, func(t *testing.T) {
		raw := Capabilities(1 << unix.CAP_NET_RAW)
		user := User{UID: 33, GID: 34, Groups: []uint32{35, 36}}
		for _, test := range []struct {
			name    string
			spec    func(*Spec)
			ambient Capabilities
			want    map[string]string
		}{
			{"another", func(*Spec) {}, 0, capabilityStatus(0, 0, 0, DefaultCapabilities, 0)},
			{"another, ambient", func(*Spec) {}, raw, capabilityStatus(raw, raw, raw, DefaultCapabilities, raw)},
			{"no capabilities", func(s *Spec) { s.Capabilities = 0 }, 0, capabilityStatus(0, 0, 0, 0, 0)},
		} {
			t.Run(test.name, func(t *testing.T) {
				b := running(t, func(s *Spec) { s.IDs = fullMap(0) }, test.spec)
				cmd := command("reopen")
				cmd.User, cmd.Ambient = user, test.ambient
				var got map[string]string
				b.ask(t, cmd, &got)
				test.want["Uid"], test.want["Gid"], test.want["Groups"] = "33 33 33 33", "34 34 34 34", "35 36"
				if diff := cmp.Diff(test.want, pick(got, test.want)); diff != "" {
					t.Errorf("the command (-want +got):\n%s", diff)
				}

				// A terminal can be given away with CHOWN alone.
				tty := command("terminal")
				tty.User, tty.Ambient = user, test.ambient
				controlling := b.terminalFor(t, tty)
				p := b.exec(t, tty)
				if strings.HasPrefix(test.name, "no ") {
					if got := p.Wait(); got != 1 {
						t.Errorf("got exit code %d, want 1 for a terminal that stays the caller's", got)
					}
					return
				}
				if got := lines(t, controlling)(); got != "/dev/pts/0" {
					t.Errorf("got terminal %q, want its own", got)
				}
				if err := p.Signal(unix.SIGKILL); err != nil || p.Wait() != 137 {
					t.Errorf("got %v and exit code %d from a signal to another user", err, p.code)
				}
			})
		}
	})
}

// childReopens opens what it has on standard output anew, as programs do.
func childReopens() error {
	out, err := os.OpenFile("/dev/stdout", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	os.Stdout = out
	return tellResult(status("self"))
}
