package nsexec

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/idmap"
	"unc/internal/userns"
)

// joins has a container join the network of b, as its supervisor offers it.
func joins(t *testing.T, b *box) func(*Spec) {
	t.Helper()
	target := b.target(t)
	return func(s *Spec) { s.Network, s.Join, s.IDs = JoinedNetwork, target, target.IDs }
}

func (b *box) target(t *testing.T) *Target {
	t.Helper()
	init, netns, err := b.Offer(b.Handles)
	if err != nil {
		t.Fatal(err)
	}
	target, err := OpenTarget(init, netns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	return target
}

// kinds are those of namespaces, and whether a container that joins another shares it.
var kinds = map[string]bool{"user": true, "net": true, "mnt": false, "pid": false, "uts": false, "ipc": false, "cgroup": false}

// residence is what a command tells of where it is.
type residence struct {
	Namespaces map[string]uint64
	UIDs, GIDs [][]string
	Setgroups  string
	Self, Init map[string]string
	Processes  []string // that it sees
	Links      []string // that are up
	Heard      string   // from the server on loopback, or why not
	Dumpable   int      // PR_GET_DUMPABLE(2const)
}

// greeting is what a server in the joined container says, and loopbackPort where.
const (
	greeting     = "hello"
	loopbackPort = "127.0.0.1:8080"
)

// childResides looks around, and asks who serves on loopback.
func childResides() error {
	s := residence{Namespaces: map[string]uint64{}, Self: status("self"), Init: status("1")}
	for kind := range kinds {
		number, err := inode("/proc/self/ns/" + kind)
		if err != nil {
			return err
		}
		s.Namespaces[kind] = number
	}
	var err error
	if s.Dumpable, err = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	s.UIDs, s.GIDs = fieldsOf("/proc/self/uid_map"), fieldsOf("/proc/self/gid_map")
	text, err := os.ReadFile("/proc/self/setgroups")
	if err != nil {
		return err
	}
	s.Setgroups = strings.TrimSpace(string(text))
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return err
	}
	s.Processes = processes
	links, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, link := range links {
		if link.Flags&net.FlagUp != 0 {
			s.Links = append(s.Links, link.Name)
		}
	}
	conn, err := net.Dial("tcp", loopbackPort)
	if err != nil {
		s.Heard = err.Error()
		return save(s)
	}
	defer conn.Close()
	if err := conn.SetDeadline(soon()); err != nil {
		return err
	}
	heard, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	s.Heard = string(heard)
	return save(s)
}

// childServes looks around and then greets whoever connects, until it is killed.
func childServes() error {
	listener, err := net.Listen("tcp", loopbackPort)
	if err != nil {
		return err
	}
	if err := say(readyPipe); err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		_, err = io.WriteString(conn, greeting)
		if err = errors.Join(err, conn.Close()); err != nil {
			return err
		}
	}
}

// say tells a test, through a pipe beside the result, that something is done.
func say(pipe string) error {
	return os.WriteFile(filepath.Join(filepath.Dir(os.Getenv(resultVariable)), pipe), []byte{1}, 0)
}

// newServer is a container that greets on its loopback.
func newServer(t *testing.T, changes ...func(*Spec)) *box {
	t.Helper()
	return newRunning(t, "serve", changes...)
}

// newRunning is one whose command has said that it is ready.
func newRunning(t *testing.T, action string, changes ...func(*Spec)) *box {
	t.Helper()
	dir, result := anybodysDir(t)
	b := newBox(t, action, append([]func(*Spec){result}, changes...)...)
	awaitReady(t, dir, func() { b.release(t) })
	return b
}

func noNetwork(s *Spec) { s.Network = NoNetwork }

func noInit(s *Spec) { s.NoInit = true }

func unchanged(*Spec) {}

// Who joins a container has its user namespace and network, and is in nothing else of
// its; what it may do is what it may in any other container.
func TestJoin(t *testing.T) {
	for _, test := range []struct {
		name           string
		target, joiner func(*Spec)
		capabilities   Capabilities
	}{
		{"own network", unchanged, unchanged, DefaultCapabilities},
		{"no network", noNetwork, unchanged, DefaultCapabilities},
		{"a target without init", noInit, unchanged, DefaultCapabilities},
		{"without init", noNetwork, noInit, DefaultCapabilities},
		{"a target that may less", func(s *Spec) { s.Capabilities = 0 }, unchanged, DefaultCapabilities},
		{"one that may less", unchanged, func(s *Spec) { s.Capabilities = 0 }, 0},
		{"one id under another number", func(s *Spec) {
			s.IDs, s.User, s.Capabilities = callerIs(1000, 1001), User{UID: 1000, GID: 1001}, 0
		}, func(s *Spec) { s.User, s.Capabilities = User{UID: 1000, GID: 1001}, 0 }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newServer(t, test.target)
			checkJoined(t, b, newBox(t, "reside", joins(t, b), test.joiner), test.capabilities)
		})
	}
}

// checkJoined lets j go, which has joined b, and looks at what it has found.
func checkJoined(t *testing.T, b, j *box, capabilities Capabilities) {
	t.Helper()
	target, host := map[string]uint64{}, map[string]uint64{}
	_, netns, err := b.Offer(b.Handles)
	if err != nil {
		t.Fatal(err)
	}
	defer netns.Close()
	owner, err := userns.OwnerOf(int(netns.Fd()), uint32(os.Geteuid()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(owner)
	target["net"], target["user"] = inodeOf(t, int(netns.Fd())), inodeOf(t, owner)
	for kind := range kinds {
		number, err := inode("/proc/self/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		host[kind] = number
	}
	want, err := idmap.Of(b.PID)
	if err != nil {
		t.Fatal(err)
	}
	setgroups, err := os.ReadFile(fmt.Sprintf("/proc/%d/setgroups", b.PID))
	if err != nil {
		t.Fatal(err)
	}
	var got residence
	j.finish(t, &got)
	for kind, shared := range kinds {
		if number := got.Namespaces[kind]; number == host[kind] || shared && number != target[kind] {
			t.Errorf("got %s namespace %d, want the target's %d, or else none of the host's %d", kind, number, target[kind], host[kind])
		}
	}
	if got.Setgroups != strings.TrimSpace(string(setgroups)) {
		t.Errorf("got setgroups %q, want %q", got.Setgroups, setgroups)
	}
	if len(got.UIDs) != len(want.UIDs) || len(got.GIDs) != len(want.GIDs) {
		t.Errorf("got ids %v and %v, want %+v", got.UIDs, got.GIDs, want)
	}
	for _, process := range got.Processes {
		if process != "/proc/1" && process != "/proc/2" {
			t.Errorf("got process %s, want those of its own container alone", process)
		}
	}
	if got.Dumpable != 1 {
		t.Errorf("got a command that is dumpable: %d, want 1, as any other", got.Dumpable)
	}
	if got.Heard != greeting {
		t.Errorf("got %q from loopback, want %q", got.Heard, greeting)
	}
	if diff := cmp.Diff([]string{"lo"}, got.Links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	status := capabilityStatus(0, capabilities, capabilities, capabilities, 0)
	status["NoNewPrivs"] = "1"
	if diff := cmp.Diff(status, pick(got.Self, status)); diff != "" {
		t.Errorf("the command (-want +got):\n%s", diff)
	}
}

func inodeOf(t *testing.T, fd int) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func TestJoinWithSubordinateIDs(t *testing.T) {
	withSubIDs(t, func(t *testing.T) {
		for _, test := range []struct {
			name           string
			target, joiner func(*Spec)
			capabilities   Capabilities
		}{
			{"root", func(s *Spec) { s.IDs = fullMap(0) }, unchanged, DefaultCapabilities},
			{"another user", func(s *Spec) { s.IDs = fullMap(0) }, func(s *Spec) {
				s.User = User{UID: 33, GID: 34, Groups: []uint32{35}}
			}, 0},
			{"of another user, who is nobody to the caller", func(s *Spec) {
				s.IDs, s.User = fullMap(1000), User{UID: 33, GID: 34, Groups: []uint32{}}
			}, unchanged, DefaultCapabilities},
		} {
			t.Run(test.name, func(t *testing.T) {
				b := newServer(t, test.target)
				_, result := anybodysDir(t)
				j := newBox(t, "reside", result, joins(t, b), test.joiner)
				permitted := test.capabilities
				got := checkJoinedUser(t, b, j)
				want := capabilityStatus(0, permitted, permitted, DefaultCapabilities, 0)
				if diff := cmp.Diff(want, pick(got.Self, want)); diff != "" {
					t.Errorf("the command (-want +got):\n%s", diff)
				}
			})
		}
	})
}

// checkJoinedUser is for who is not root, and has less of his own.
func checkJoinedUser(t *testing.T, b, j *box) (got residence) {
	t.Helper()
	want, err := idmap.Of(b.PID)
	if err != nil {
		t.Fatal(err)
	}
	j.finish(t, &got)
	if len(got.UIDs) != len(want.UIDs) || got.Setgroups != "allow" || got.Heard != greeting {
		t.Errorf("got ids %v, setgroups %q, and %q from loopback, want %v, allow, and %q", got.UIDs, got.Setgroups, got.Heard, want.UIDs, greeting)
	}
	return got
}
