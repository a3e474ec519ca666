package seccomp

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A filter can't be taken off, so it is put on a child: the test binary,
// executed again with the name of what to do in the environment. The child tries system
// calls and reports what came of each, as JSON.

const childVariable = "UNC_SECCOMP_TEST"

func TestMain(m *testing.M) {
	if name, asked := os.LookupEnv(childVariable); asked {
		runtime.LockOSThread() // a filter is its thread's
		childActions[name]()
		return
	}
	os.Exit(m.Run())
}

var childActions = map[string]func(){
	"default": func() {
		install(Default(containerCaps))
		report(attemptDefault)
	},
	"with CAP_SYS_ADMIN": func() {
		install(Default(with("CAP_SYS_ADMIN")))
		report(func(try func(string, uintptr, ...uint64)) {
			try("clone3", unix.SYS_CLONE3)
			try("mount", unix.SYS_MOUNT)
			try("write into a terminal", unix.SYS_IOCTL, badFD, unix.TIOCSTI)
		})
	},
	"long": func() {
		// The Go runtime goes on making system calls, so all but those of two kinds are allowed.
		swap := strings.NewReplacer("write", "pread64", "SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO")
		install(compileText([]byte(swap.Replace(longProfile(200))), nil))
		report(func(try func(string, uintptr, ...uint64)) {
			try("read, the last value", unix.SYS_READ, badFD, 0, 0, 7*199)
			try("read, a value between", unix.SYS_READ, badFD, 0, 0, 7*199-1)
			try("read, the last mask", unix.SYS_READ, badFD, 0, 0, 1<<40+199)
		})
	},
}

// report prints the errors of system calls.
func report(attempts func(try func(string, uintptr, ...uint64))) {
	outcomes := map[string]string{}
	attempts(func(name string, nr uintptr, args ...uint64) {
		var a [argCount]uintptr
		for i := range args {
			a[i] = uintptr(args[i])
		}
		_, _, errno := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
		outcomes[name] = unix.ErrnoName(errno)
	})
	if err := json.NewEncoder(os.Stdout).Encode(outcomes); err != nil {
		panic(err)
	}
}

func install(filter []unix.SockFilter, err error) {
	if err != nil {
		panic(err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		panic(errno)
	}
}

// badFD makes the kernel refuse with EBADF what the filter lets through.
const badFD = 1<<31 - 1

// badClone makes the kernel refuse with EINVAL: CLONE_THREAD wants CLONE_SIGHAND (clone(2)).
const badClone = unix.CLONE_THREAD

func attemptDefault(try func(string, uintptr, ...uint64)) {
	try("getpid", unix.SYS_GETPID)
	try("clone", unix.SYS_CLONE, badClone)
	try("clone a user namespace", unix.SYS_CLONE, badClone|unix.CLONE_NEWUSER)
	try("clone a user namespace, upper half filled", unix.SYS_CLONE, badClone|unix.CLONE_NEWUSER|1<<32)
	try("clone a network namespace", unix.SYS_CLONE, badClone|unix.CLONE_NEWNET)
	try("clone3", unix.SYS_CLONE3)
	try("unshare", unix.SYS_UNSHARE, unix.CLONE_NEWUSER)
	try("ioctl", unix.SYS_IOCTL, badFD, unix.TCGETS)
	try("write into a terminal", unix.SYS_IOCTL, badFD, unix.TIOCSTI)
	try("write into a terminal, upper half filled", unix.SYS_IOCTL, badFD, unix.TIOCSTI|1<<32)
	try("write into a terminal, upper half full", unix.SYS_IOCTL, badFD, unix.TIOCSTI|0xffffffff<<32)
	try("paste into a console", unix.SYS_IOCTL, badFD, unix.TIOCLINUX|1<<63)
	try("socket of IPv4", unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM)
	try("socket of a virtual machine's", unix.SYS_SOCKET, unix.AF_VSOCK, unix.SOCK_STREAM)
	try("socket of the crypto API", unix.SYS_SOCKET, unix.AF_ALG, unix.SOCK_SEQPACKET)
	try("personality, asked for", unix.SYS_PERSONALITY, 0xffffffff)
	try("personality, without randomization", unix.SYS_PERSONALITY, 0x40000)
	try("mount", unix.SYS_MOUNT)
	try("keyctl", unix.SYS_KEYCTL)
	try("bpf", unix.SYS_BPF)
	try("io_uring", unix.SYS_IO_URING_SETUP)
	try("chroot", unix.SYS_CHROOT)
	try("a call newer than the profile", unix.SYS_OPEN_TREE_ATTR)
	try("a call that does not exist", 5000)
}

func TestInstalled(t *testing.T) {
	for _, test := range []struct {
		child string
		want  map[string]string
	}{
		{"default", map[string]string{
			"getpid":                 "",
			"clone":                  "EINVAL",
			"clone a user namespace": "EPERM",
			"clone a user namespace, upper half filled": "EPERM",
			"clone a network namespace":                 "EPERM",
			"clone3":                                    "ENOSYS",
			"unshare":                                   "EPERM",
			"ioctl":                                     "EBADF",
			"write into a terminal":                     "EPERM",
			"write into a terminal, upper half filled": "EPERM",
			"write into a terminal, upper half full":   "EPERM",
			"paste into a console":                     "EPERM",
			"socket of IPv4":                           "",
			"socket of a virtual machine's":            "EPERM",
			"socket of the crypto API":                 "EPERM",
			"personality, asked for":                   "",
			"personality, without randomization":       "EPERM",
			"mount":                                    "EPERM",
			"keyctl":                                   "EPERM",
			"bpf":                                      "EPERM",
			"io_uring":                                 "EPERM",
			"chroot":                                   "EFAULT",
			"a call newer than the profile":            "ENOSYS",
			"a call that does not exist":               "ENOSYS",
		}},
		{"with CAP_SYS_ADMIN", map[string]string{"clone3": "EINVAL", "mount": "EFAULT", "write into a terminal": "EPERM"}},
		{"long", map[string]string{"read, the last value": "EPERM", "read, a value between": "EBADF", "read, the last mask": "EPERM"}},
	} {
		t.Run(test.child, func(t *testing.T) {
			text, err := child(test.child).Output()
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]string
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}

func child(name string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childVariable+"="+name)
	return cmd
}

// endedBy returns the signal that a child died of.
func endedBy(t *testing.T, name string) syscall.Signal {
	t.Helper()
	err := child(name).Run()
	var exit *exec.ExitError
	if err == nil {
		return 0
	}
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status := exit.Sys().(syscall.WaitStatus)
	if !status.Signaled() {
		t.Fatalf("got %v, want a signal", err)
	}
	return status.Signal()
}
