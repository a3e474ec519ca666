package userns

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// childVariable has a process of the test binary wait, or start another that does.
const childVariable = "UNC_USERNS_TEST"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(childVariable) {
	case "":
		os.Exit(m.Run())
	case "wait":
		fmt.Println(os.Getpid())
		_, err = io.Copy(io.Discard, os.Stdin)
	case "nest":
		cmd := child("wait", making(unix.CLONE_NEWUSER|unix.CLONE_NEWNET))
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		err = cmd.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(action string, attr *syscall.SysProcAttr) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{childVariable + "=" + action}
	cmd.Dir = "/"
	cmd.SysProcAttr = attr
	return cmd
}

// making has the caller be root in a new user namespace, if there is to be one.
func making(flags uintptr) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: flags}
	if flags&unix.CLONE_NEWUSER != 0 {
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// namespaces is the directory of those of a process that lasts as long as the test.
func namespaces(t *testing.T, action string, attr *syscall.SysProcAttr) string {
	t.Helper()
	cmd := child(action, attr)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tier.Skip(t, "no namespaces can be made: %v", err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the child: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the child did not come up: %v", err)
	}
	return "/proc/" + strings.TrimSpace(line) + "/ns/"
}

func opened(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func TestOwnerOf(t *testing.T) {
	const own = "/proc/self/ns/"
	both := making(unix.CLONE_NEWUSER | unix.CLONE_NEWNET)
	another := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 61003, Gid: 61003}}
	me := uint32(os.Getuid())
	for _, test := range []struct {
		name string
		root bool // takes the machine's root
		path func(t *testing.T) string
		uid  uint32
		want error
	}{
		{"one's own", false, func(t *testing.T) string { return namespaces(t, "wait", both) + "net" }, me, nil},
		{"one's own, for another", false, func(t *testing.T) string { return namespaces(t, "wait", both) + "net" }, me + 1, errNotMade},
		{"that of this process", false, func(*testing.T) string { return own + "net" }, 0, errNotBelow},
		{"that of this process, in a user namespace of its own", false, func(t *testing.T) string {
			return namespaces(t, "wait", making(unix.CLONE_NEWUSER)) + "net"
		}, 0, errNotBelow},
		{"two user namespaces deep", false, func(t *testing.T) string { return namespaces(t, "nest", both) + "net" }, me, errNotBelow},
		{"without a user namespace", true, func(t *testing.T) string { return namespaces(t, "wait", making(unix.CLONE_NEWNET)) + "net" }, 0, errNotBelow},
		{"another user's", true, func(t *testing.T) string { return namespaces(t, "nest", another) + "net" }, 0, errNotMade},
		{"another user's, for that one", true, func(t *testing.T) string { return namespaces(t, "nest", another) + "net" }, 61003, nil},
		{"a mount namespace", false, func(t *testing.T) string { return namespaces(t, "wait", both) + "mnt" }, me, errNoNetns},
		{"a user namespace", false, func(t *testing.T) string { return namespaces(t, "wait", both) + "user" }, me, errNoNetns},
		{"a device", false, func(*testing.T) string { return os.DevNull }, me, errNoNetns},
		{"a directory", false, func(*testing.T) string { return "/" }, me, errNoNetns},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.root && os.Getuid() != 0 {
				t.Skip("this takes the machine's root")
			}
			path := test.path(t)
			netns := opened(t, path)
			before := descriptors(t)
			got, err := OwnerOf(netns, test.uid)
			if !errors.Is(err, test.want) {
				t.Fatalf("got error %v, want %v", err, test.want)
			}
			if err != nil {
				if after := descriptors(t); got != -1 || after != before {
					t.Errorf("got descriptor %d, and %d are open; want -1, and %d", got, after, before)
				}
				return
			}
			defer unix.Close(got)
			var found, want unix.Stat_t
			if err := errors.Join(unix.Fstat(got, &found), unix.Stat(filepath.Dir(path)+"/user", &want)); err != nil {
				t.Fatal(err)
			}
			if found.Dev != want.Dev || found.Ino != want.Ino {
				t.Errorf("got the namespace %d, want %d", found.Ino, want.Ino)
			}
		})
	}
	if _, err := OwnerOf(-1, me); !errors.Is(err, errNoNetns) {
		t.Errorf("no descriptor: got error %v, want %v", err, errNoNetns)
	}
}

// descriptors counts those that are open.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
