package nsexec

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// somebody is a process that waits, and that a test can point at.
type somebody struct {
	pid int
	cmd *exec.Cmd
}

// childDwells says who it is, and waits for the end of its input.
func childDwells() error {
	fmt.Println(os.Getpid())
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// childNests starts somebody in namespaces of his own, who takes its place.
func childNests() error {
	inner := exec.Command("/proc/self/exe")
	inner.Env = []string{childVariable + "=dwell", noRaceSleep}
	inner.Stdin, inner.Stdout, inner.Stderr = os.Stdin, os.Stdout, os.Stderr
	inner.SysProcAttr = ownNetns()
	return inner.Run()
}

func ownNetns() *syscall.SysProcAttr {
	attr := ownUserns()
	attr.Cloneflags |= unix.CLONE_NEWNET
	return attr
}

// newSomebody is a process that does the action, with these attributes.
func newSomebody(t *testing.T, action string, attr *syscall.SysProcAttr) somebody {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{childVariable + "=" + action, noRaceSleep}
	cmd.SysProcAttr = attr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("hearing from a process that is to %s: %v", action, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return somebody{pid, cmd}
}

func (s somebody) open(t *testing.T, kind string) *os.File {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", s.pid, kind))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (s somebody) pidfd(t *testing.T) *os.File {
	t.Helper()
	fd, err := unix.PidfdOpen(s.pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "init")
}

// What is no network in a user namespace that the caller has made is refused, all
// strangers' in the same words.
func TestTargets(t *testing.T) {
	needContainers(t)
	self := somebody{pid: os.Getpid()}
	root := os.Getuid() == 0 && !tier.Is("userns")
	for _, test := range []struct {
		name string
		root bool // takes the machine's root
		find func(t *testing.T) (init, netns *os.File)
		want string
	}{
		{"the host's", false, func(t *testing.T) (init, netns *os.File) {
			return self.pidfd(t), self.open(t, "net")
		}, ErrNotYours.Error()},
		{"no network namespace", false, func(t *testing.T) (init, netns *os.File) {
			s := newSomebody(t, "dwell", ownNetns())
			return s.pidfd(t), s.open(t, "mnt")
		}, ErrNotYours.Error()},
		{"no namespace", false, func(t *testing.T) (init, netns *os.File) {
			null, err := os.Open(os.DevNull)
			if err != nil {
				t.Fatal(err)
			}
			return self.pidfd(t), null
		}, ErrNotYours.Error()},
		{"no process", false, func(t *testing.T) (init, netns *os.File) {
			s := newSomebody(t, "dwell", ownNetns())
			return s.open(t, "net"), s.open(t, "net")
		}, ErrNotYours.Error()},
		{"a container's container", false, func(t *testing.T) (init, netns *os.File) {
			s := newSomebody(t, "nest", ownUserns())
			return s.pidfd(t), s.open(t, "net")
		}, ErrNotYours.Error()},
		{"a network without a user namespace", true, func(t *testing.T) (init, netns *os.File) {
			s := newSomebody(t, "dwell", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET})
			return s.pidfd(t), s.open(t, "net")
		}, ErrNotYours.Error()},
		{"another user's", true, func(t *testing.T) (init, netns *os.File) {
			s := newSomebody(t, "nest", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}})
			return s.pidfd(t), s.open(t, "net")
		}, ErrNotYours.Error()},
		{"one's own", false, func(t *testing.T) (init, netns *os.File) {
			s := newSomebody(t, "dwell", ownNetns())
			return s.pidfd(t), s.open(t, "net")
		}, ""},
		{"one that has ended", false, func(t *testing.T) (init, netns *os.File) {
			s := newSomebody(t, "dwell", ownNetns())
			init, netns = s.pidfd(t), s.open(t, "net")
			end(t, s, init)
			return init, netns
		}, ErrEnded.Error()},
		{"one that has ended and is not gone", false, func(t *testing.T) (init, netns *os.File) {
			s := newSomebody(t, "dwell", ownNetns())
			init, netns = s.pidfd(t), s.open(t, "net")
			kill(t, init)
			return init, netns
		}, ErrEnded.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.root && !root {
				t.Skip("this takes the machine's root")
			}
			target, err := OpenTarget(test.find(t))
			if err == nil {
				target.Close()
			}
			if got := errText(err); got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
		})
	}
}

// kill ends the process of a pidfd, and returns when it has ended.
func kill(t *testing.T, pidfd *os.File) {
	t.Helper()
	err := unix.PidfdSendSignal(int(pidfd.Fd()), unix.SIGKILL, nil, 0)
	if err == nil {
		_, err = unix.Poll([]unix.PollFd{{Fd: int32(pidfd.Fd()), Events: unix.POLLIN}}, 10_000)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func end(t *testing.T, s somebody, pidfd *os.File) {
	t.Helper()
	kill(t, pidfd)
	var exit *exec.ExitError
	if err := s.cmd.Wait(); !errors.As(err, &exit) {
		t.Fatal(err)
	}
}

// The number of a process says nothing once it has ended, whoever has it then.
func TestOfferOfWhatHasEnded(t *testing.T) {
	b := newServer(t)
	init, netns, err := b.Offer(b.Handles)
	if err != nil {
		t.Fatal(err)
	}
	b.ended = true
	if err := b.Abort(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenTarget(init, netns); !errors.Is(err, ErrEnded) {
		t.Errorf("got error %v, want %v", err, ErrEnded)
	}
}

func TestNoOffer(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Spec)
		want   string
	}{
		{
			"the host's network", func(s *Spec) { s.Network = HostNetwork },
			"the container is in the host's network, which --network host has as well",
		},
		{
			"a way into mounts", func(s *Spec) { s.Capabilities = AllCapabilities },
			"the container has CAP_SYS_ADMIN, which would reach into the mounts of whatever joins it",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBox(t, "who", test.change)
			if _, _, err := b.Offer(b.Handles); errText(err) != test.want {
				t.Errorf("got error %q, want %q", errText(err), test.want)
			}
		})
	}
}
