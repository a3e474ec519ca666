package confinement

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// another is a user and group that owns what the probe must not: nobody's uid in a container with
// one id, and a user like any other where all ids are mapped. The probe has the same number.
const another = 1

// NewRootfs fills dir, which is empty and belongs to who will run the container, with the
// root directory of every run: the probe and what it tries things on. It takes root.
//
//	/probe   the program
//	/other   a file of another user's
//	/setuid  the program again, setuid to another user
//	/setcap  the program again, with the file capability CAP_NET_RAW
func NewRootfs(dir, probe string) error {
	var owner unix.Stat_t
	if err := unix.Stat(dir, &owner); err != nil {
		return fmt.Errorf("looking at the rootfs: %w", err)
	}
	for _, name := range []string{"dev", "etc", "proc", "sys", "tmp"} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(name, 0o755), os.Chown(name, int(owner.Uid), int(owner.Gid))); err != nil {
			return fmt.Errorf("filling the rootfs: %w", err)
		}
	}
	program, err := os.ReadFile(probe)
	if err != nil {
		return fmt.Errorf("reading the probe: %w", err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	// Who owns a file takes its capabilities and its setuid bit from it: those come last.
	err = errors.Join(
		os.WriteFile(at("probe"), program, 0o755),
		os.WriteFile(at("setuid"), program, 0o755),
		os.WriteFile(at("setcap"), program, 0o755),
		os.WriteFile(at("other"), []byte("another's\n"), 0o644),
		os.Chown(at("setuid"), another, another),
		os.Chown(at("setcap"), another, another),
		os.Chown(at("other"), another, another),
		unix.Chmod(at("setuid"), unix.S_ISUID|0o755),
		unix.Setxattr(at("setcap"), "security.capability", netRaw[:], 0),
	)
	if err != nil {
		return fmt.Errorf("filling the rootfs: %w", err)
	}
	return nil
}

// netRaw is CAP_NET_RAW, 13, permitted and effective, of revision 2 (struct vfs_cap_data in
// linux/capability.h).
var netRaw = [20]byte{0: 1, 3: 2, 5: 1 << (13 - 8)}

// BuildProbe compiles the probe, as a static program. It is called in the module's tree.
func BuildProbe(to string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", to, "unc/test/confinement/probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the probe: %w\n%s", err, out)
	}
	return os.Chmod(to, 0o755)
}
