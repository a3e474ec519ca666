package netplumb

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

const newBoth = unix.CLONE_NEWUSER | unix.CLONE_NEWNET

func TestOpenNetns(t *testing.T) {
	for _, test := range []struct {
		name   string
		action string
		attr   *syscall.SysProcAttr
		want   bool
	}{
		{"a user and a network namespace", "wait", ownNamespaces(newBoth), true},
		{"our own network namespace", "wait", ownNamespaces(0), false},
		{"ours, from a user namespace of its own", "wait", ownNamespaces(unix.CLONE_NEWUSER), false},
		{"two user namespaces deep", "nest", ownNamespaces(newBoth), false},
		{"a network namespace of our user namespace", "wait", ownNamespaces(unix.CLONE_NEWNET), false},
		{"another user's", "nest", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 61003, Gid: 61003}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			pid, err := waiting(t, test.action, test.attr)
			if err != nil {
				cannotNest(t, err)
			}
			fd, err := openNetns(pid)
			if test.want {
				if err != nil {
					t.Fatalf("got error %v, want none: the caller made it", err)
				}
				unix.Close(fd)
				return
			}
			// The very sentence: anything more could tell one refusal from another.
			if got, want := fmt.Sprint(err), errRefused.Error(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// cannotNest skips what root alone can set up, or what this machine forbids to all.
func cannotNest(t *testing.T, err error) {
	t.Helper()
	if os.Getuid() == 0 && !tier.Is("userns") {
		tier.Skip(t, "root can't make these namespaces here: %v", err)
	}
	t.Skipf("making these namespaces: %v", err)
}

func TestOpenNetnsOfNobody(t *testing.T) {
	// Larger than any process's number can be (PID_MAX_LIMIT in linux/threads.h).
	for _, pid := range []int{1 << 23, 0, -1} {
		if _, err := openNetns(pid); !errors.Is(err, errRefused) {
			t.Errorf("process %d: got %v, want %v", pid, err, errRefused)
		}
	}
}

// What is no network namespace at all is refused by the same function.
func TestMayAttachRefuses(t *testing.T) {
	for _, path := range []string{"/proc/self/ns/net", "/proc/self/ns/user", "/proc/self/ns/uts", "/dev/null", "/"} {
		t.Run(path, func(t *testing.T) {
			fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if mayAttach(fd) {
				t.Error("got true, want false")
			}
		})
	}
}
