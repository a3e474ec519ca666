package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// The names under which this test program has a key in a session keyring of its own,
// uses up its user's quota of keys or not, and executes its arguments; and under which
// it looks for that key.
const (
	hasKey    = "has-key"
	fillsKeys = "fills-keys"
	findsKey  = "finds-key"

	keyName = "unc-e2e-of-the-caller"
)

func init() {
	var err error
	switch filepath.Base(os.Args[0]) {
	case hasKey, fillsKeys:
		err = withKey(filepath.Base(os.Args[0]) == fillsKeys)
	case findsKey:
		err = findKey()
	default:
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// withKey works on the main thread, as every init does, and so does execve.
func withKey(fill bool) error {
	if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("joining a session keyring: %w", err)
	}
	_, err := unix.AddKey("user", keyName, []byte("secret"), unix.KEY_SPEC_SESSION_KEYRING)
	const many = 1 << 16
	for i := 0; fill && err == nil && i < many; i++ {
		_, err = unix.AddKey("user", fmt.Sprint("more ", i), []byte("x"), unix.KEY_SPEC_SESSION_KEYRING)
	}
	if fill != errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("adding keys: %w", err)
	}
	return syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
}

func findKey() error {
	key, err := unix.KeyctlSearch(unix.KEY_SPEC_SESSION_KEYRING, "user", keyName, 0)
	if err != nil {
		fmt.Println(err)
		return nil
	}
	secret := make([]byte, 16)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, key, secret, 0)
	fmt.Printf("%s, %v\n", secret[:max(n, 0)], err)
	return nil
}

// The caller's keys are not a container's, which without a filter could ask for them: not
// even when the quota of keys, that any program of the caller's uses up, leaves no keyring.
func TestTheCallersKeys(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	if _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false); errors.Is(err, unix.ENOSYS) {
		tier.Skip(t, "this kernel has no keys")
	}
	self, err := os.Executable()
	must(t, err)
	if !isStatic(self) {
		tier.Skip(t, "this test was built with cgo and does not run in a rootfs; CGO_ENABLED=0 runs it")
	}
	rootfs := busyboxRootfs(t, h.alice)
	bin := filepath.Join(rootfs, "bin")
	for _, name := range []string{hasKey, fillsKeys, findsKey} {
		must(t, copyFile(filepath.Join(bin, name), self, 0o755))
	}
	const unfiltered = "--security-opt=seccomp=unconfined"
	open := "--security-opt=seccomp=" + h.profile(`{"defaultAction": "SCMP_ACT_ALLOW"}`)
	const none, refused, noKeyring = "required key not available\n", "operation not permitted\n", "making a session keyring: disk quota exceeded"
	for _, test := range []struct{ before, flag, prints, fails string }{
		{hasKey, "--read-only", refused, ""},
		{hasKey, unfiltered, none, ""},
		{hasKey, open, none, ""},
		{fillsKeys, "--read-only", refused, ""},
		{fillsKeys, unfiltered, "", noKeyring},
		{fillsKeys, open, "", noKeyring},
	} {
		t.Run(test.before+" "+test.flag, func(t *testing.T) {
			h := h.of(t)
			before := filepath.Join(bin, test.before)
			// Each of them is somebody else, for keys that nobody has any more count for a moment.
			if got := h.run(h.as(newUser(), before, filepath.Join(bin, findsKey))).works(t); got != "secret, <nil>\n" {
				t.Fatalf("outside, the key is %q", got)
			}
			got := h.run(h.as(newUser(), before, unc, "run", "--network", "none", "--rootfs", rootfs, test.flag, findsKey))
			if test.fails != "" {
				got.fails(t, test.fails, "kernel.keys.maxkeys")
				return
			}
			if printed := got.works(t); printed != test.prints {
				t.Errorf("the container has found %q, want %q", printed, test.prints)
			}
		})
	}
}

// In a directory that others may write to, somebody may have planted a root file system
// with the commands that everybody types.
func TestAPlantedRootfs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, test := range []struct {
		name  string
		owner user
		mode  os.FileMode
		used  bool
	}{
		{"one's own", h.alice, 0o755, true},
		{"root's", user{}, 0o755, true},
		{"somebody else's", h.bob, 0o755, false},
		{"root's, for everybody, as /tmp", user{}, 0o777 | os.ModeSticky, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.of(t)
			dir := busyboxRootfs(t, test.owner)
			must(t, os.WriteFile(filepath.Join(dir, "planted"), nil, 0o644))
			must(t, os.Chmod(dir, test.mode))
			cmd := h.unc(h.alice, "run", "--network", "none", "ls", "/")
			cmd.Dir = dir
			got := h.run(cmd)
			if used := strings.Contains(got.works(t), "planted"); used != test.used || (got.stderr == "") != used {
				t.Errorf("used: %v, and stderr is %q; want it used: %v, or a warning", used, got.stderr, test.used)
			}
			cmd = h.unc(h.alice, "run", "--network", "none", "--rootfs", ".", "ls", "/")
			cmd.Dir = dir
			if got := h.run(cmd).works(t); !strings.Contains(got, "planted") {
				t.Errorf("with --rootfs there is %q, want what is named", got)
			}
		})
	}
}
