package e2e

import (
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What TestMain makes once, for all tests.
var (
	workDir   string // a tmpfs: not nosuid, and every uid may pass through it
	emptyDir  string // belongs to root, and holds nothing
	unc       string // installed as install.sh does it: cap_net_admin+ep
	permitted string // the same program with cap_net_admin+p
	plain     string // the same program without any capability
)

// cannot is why nothing of it was made.
var cannot string

const (
	busybox = "/bin/busybox"

	// insideOwnMounts marks the second execution of the test program.
	insideOwnMounts = "UNC_E2E_INSIDE_OWN_MOUNTS"
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	flag.Parse()
	if *debianOnly {
		if err := printDebian(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	if cannot = whatIsMissing(); cannot != "" {
		fmt.Fprintln(os.Stderr, cannot)
		return m.Run()
	}
	if os.Getenv(insideOwnMounts) == "" {
		fmt.Fprintln(os.Stderr, "entering a mount namespace:", enterOwnMounts())
		return 1
	}
	os.Unsetenv(insideOwnMounts)
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// programs that the tests run, and the Debian packages that have them.
var programs = []struct{ name, pkg string }{
	{"setpriv", "util-linux"},
	{"unshare", "util-linux"},
	{"mount", "mount"},
	{"env", "coreutils"},
	{"setcap", "libcap2-bin"},
	{"ip", "iproute2"},
	{"nft", "nftables"},
	{"strace", "strace"},
}

func whatIsMissing() string {
	if os.Geteuid() != 0 {
		return "the end-to-end tests need root: test/run root"
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p.name); err != nil {
			return "the end-to-end tests need " + p.name + ": sudo apt-get install " + p.pkg
		}
	}
	if !isStatic(busybox) {
		return "the end-to-end tests need a static " + busybox + ": sudo apt-get install busybox-static"
	}
	return ""
}

func isStatic(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return false
		}
	}
	return true
}

// enterOwnMounts executes this program again in a mount namespace whose mounts
// are shared among each other, as systemd has them, but with nobody outside: a
// mount that unc should let out is seen here, and nothing else is.
func enterOwnMounts() error {
	// Only the calling thread moves, and it is the one that execve keeps.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	for _, propagation := range []uintptr{unix.MS_PRIVATE, unix.MS_SHARED} {
		if err := unix.Mount("", "/", "", unix.MS_REC|propagation, ""); err != nil {
			return err
		}
	}
	return syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), insideOwnMounts+"=1"))
}

// workDirs are where the tmpfs may lie, in the mount namespace of the tests only.
// None is a part of a throw-away system, nor below /tmp: what a test plants there
// is in sight of a container's first process until that changes its root.
var workDirs = []string{"/srv", "/mnt", "/media"}

func prepare() (err error) {
	for _, workDir = range workDirs {
		if err = unix.Mount("unc-e2e", workDir, "tmpfs", 0, "mode=755"); err == nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("mounting a tmpfs: %w", err)
	}
	emptyDir = filepath.Join(workDir, "empty")
	unc = filepath.Join(workDir, "bin", "unc")
	permitted = filepath.Join(workDir, "bin", "unc-permitted")
	plain = filepath.Join(workDir, "bin", "unc-plain")
	err = errors.Join(
		os.Mkdir(emptyDir, 0o755),
		os.Mkdir(filepath.Dir(unc), 0o755),
		build(plain),
	)
	if err != nil {
		return err
	}
	return errors.Join(install(unc, "cap_net_admin+ep"), install(permitted, "cap_net_admin+p"))
}

// build makes the program, or takes the one that UNC_BIN names.
func build(to string) error {
	if from := os.Getenv("UNC_BIN"); from != "" {
		return copyFile(to, from, 0o755)
	}
	// No version control: a tree of another user's is "dubious" to git.
	cmd := exec.Command("go", "build", "-tags=purego", "-trimpath", "-buildvcs=false", "-o", to, "unc")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building unc: %w\n%s", err, out)
	}
	return os.Chmod(to, 0o755)
}

func install(to, capability string) error {
	if err := copyFile(to, plain, 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("setcap", capability, to).CombinedOutput(); err != nil {
		return fmt.Errorf("setting a file capability: %w\n%s", err, out)
	}
	return nil
}

func copyFile(to, from string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return makeProgram(to, in, mode)
}

// makeScript makes a program of a text.
func makeScript(to, text string) error { return makeProgram(to, strings.NewReader(text), 0o755) }

// makeProgram makes a file that may be started at once.
func makeProgram(to string, content io.Reader, mode os.FileMode) error {
	// No program is started meanwhile: between fork and execve it would have the file open for
	// writing, and who executes that would be told that it is busy (ETXTBSY, execve(2)).
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Chmod(mode), out.Close())
}
