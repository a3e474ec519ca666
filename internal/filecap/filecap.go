package filecap

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// exe is the file that this process is executed from, whatever its name is by now.
const exe = "/proc/self/exe"

// Path is the name of that file, for a person, also when another has taken its place
// since, as in an upgrade; where /proc does not tell, what it was started as.
func Path() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// setcap is how the file gets its capability.
func setcap() string { return "sudo setcap cap_net_admin+ep " + hint.Quote(Path()) }

// CheckFile returns an error where the file has not got the capability.
func CheckFile() error {
	var data [24]byte // the larger struct vfs_ns_cap_data (linux/capability.h)
	n, err := unix.Getxattr(exe, "security.capability", data[:])
	switch {
	case errors.Is(err, unix.ENODATA), errors.Is(err, unix.EOPNOTSUPP):
		return hint.With(fmt.Errorf("%q has not got the file capability cap_net_admin, without which it can't attach a network", Path()), setcap())
	case err == nil && !permits(data[:n]):
		return hint.With(fmt.Errorf("%q has a file capability, but not cap_net_admin, without which it can't attach a network", Path()), setcap())
	}
	return nil // or it can't be read, for which the file is not to blame
}

// permits reads struct vfs_cap_data: a word of magic, then the lower half of the
// permitted set, little-endian on every machine.
func permits(data []byte) bool {
	return len(data) >= 8 && binary.LittleEndian.Uint32(data[4:])&(1<<unix.CAP_NET_ADMIN) != 0
}

// CheckNoNewPrivs returns an error where no program that this process executes gains anything.
func CheckNoNewPrivs() error {
	if set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && set == 1 {
		return hint.With(errors.New("no_new_privs is set, so unc's file capability has no effect"),
			"start unc from outside of whatever set it: a sandbox, a container, or a service with NoNewPrivileges=yes")
	}
	return nil
}

// CheckMount returns an error where the file is on a mount that ignores capabilities.
func CheckMount() error {
	var fs unix.Statfs_t
	if err := unix.Statfs(exe, &fs); err == nil && fs.Flags&unix.ST_NOSUID != 0 {
		return hint.With(fmt.Errorf("%q is on a file system mounted nosuid, so its file capability has no effect", Path()),
			"install unc elsewhere: PREFIX=/usr/local ./install.sh    # the mount: findmnt -T "+hint.Quote(Path()))
	}
	return nil
}

// CheckTracer returns an error where somebody looks into this process who may not have what
// it would gain.
func CheckTracer() error {
	if tracer := status("TracerPid"); tracer != "" && tracer != "0" {
		return hint.With(errors.New("unc is being traced, so its file capability has no effect"), "run it without strace or a debugger")
	}
	return nil
}

// CheckBounding returns an error where nothing that is executed here can gain CAP_NET_ADMIN.
func CheckBounding() error {
	if has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, unix.CAP_NET_ADMIN, 0, 0, 0); err == nil && has == 0 {
		return hint.With(errors.New("CAP_NET_ADMIN is not in the bounding set, so unc's file capability has no effect"),
			"start unc from outside of whatever took it away: a container, or a service with CapabilityBoundingSet=")
	}
	return nil
}

// Why is the reason for a capability that was not granted.
func Why() error {
	return cmp.Or(CheckFile(), CheckNoNewPrivs(), CheckMount(), CheckTracer(), CheckBounding(),
		hint.With(fmt.Errorf("%q has a file capability, but CAP_NET_ADMIN was not granted", Path()), setcap()))
}

// status is a field of /proc/self/status (proc_pid_status(5)), "" where that can't be read.
func status(name string) string {
	text, err := rawio.ReadFile("/proc/self/status", 64<<10)
	if err != nil {
		return ""
	}
	value, _ := rawio.Field(string(text), name)
	return value
}
