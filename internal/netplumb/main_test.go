package netplumb

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Some tests need a second process: one that does to itself what can't be
// undone, or one that sits in namespaces of its own. It is the test binary,
// executed again with the name of what to do in the environment.
const childVariable = "UNC_NETPLUMB_TEST"

// noRaceSleep is for children of a test with -race: the race detector has its
// programs wait for a second before they end.
const noRaceSleep = "GORACE=atexit_sleep_ms=0"

var childActions = map[string]func() error{
	"harden": childHardens,
	"wait":   childWaits,
	"nest":   childNests,
}

func TestMain(m *testing.M) {
	name, asked := os.LookupEnv(childVariable)
	if !asked {
		os.Exit(m.Run())
	}
	if err := childActions[name](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// childWaits says who it is and stays until its input ends.
func childWaits() error {
	fmt.Println(os.Getpid())
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// childNests starts a child in namespaces of its own and speaks for it.
func childNests() error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{childVariable + "=wait", noRaceSleep}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = ownNamespaces(unix.CLONE_NEWUSER | unix.CLONE_NEWNET)
	return cmd.Run()
}

// ownNamespaces maps the user to root, where there is a user namespace to map in.
func ownNamespaces(flags uintptr) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: flags}
	if flags&unix.CLONE_NEWUSER != 0 {
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// waiting starts a child that waits until the end of the test, and returns the
// number that it names.
func waiting(t *testing.T, action string, attr *syscall.SysProcAttr) (int, error) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{childVariable + "=" + action, noRaceSleep}
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
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
		return 0, err
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
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return pid, nil
}

// hardened is what a child sees of itself after harden.
type hardened struct {
	Env   []string
	Dir   string
	Umask int
	Open  []int // of the descriptors that it was started with
	Files uint64
	Error string
}

// limitsVariable has the soft and the hard limit of open files for a child.
const limitsVariable = "UNC_NETPLUMB_LIMITS"

// childHardens reports as JSON, and passes on what then comes in.
func childHardens() error {
	var limit unix.Rlimit
	if _, err := fmt.Sscan(os.Getenv(limitsVariable), &limit.Cur, &limit.Max); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	unix.Umask(0)
	// The caller has made standard input non-blocking, so the runtime waits for it
	// with a descriptor of its own, which must survive.
	copied := make(chan error)
	go func() {
		_, err := io.Copy(os.Stdout, os.Stdin)
		copied <- err
	}()
	var h hardened
	if err := harden(); err != nil {
		h.Error = err.Error()
	}
	h.Env = os.Environ()
	h.Umask = unix.Umask(0)
	for fd := range 10 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && inherited(fd) {
			h.Open = append(h.Open, fd)
		}
	}
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	h.Files = limit.Cur
	var err error
	if h.Dir, err = os.Getwd(); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(h); err != nil {
		return err
	}
	return <-copied
}

// inherited tells the caller's descriptors from those of the Go runtime.
func inherited(fd int) bool {
	target, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return err == nil && !strings.HasPrefix(target, "anon_inode:")
}
