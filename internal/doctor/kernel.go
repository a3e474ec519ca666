package doctor

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// oldest is the first kernel with all system calls that a container's start makes:
// mount_setattr(2) came last.
const oldestMajor, oldestMinor = 5, 12

func kernelRelease() (string, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return "", fmt.Errorf("asking for the kernel's version: %w", err)
	}
	return unix.ByteSliceToString(uts.Release[:]), nil
}

func (m *machine) kernel() []Finding {
	release, err := m.release()
	if err != nil {
		return []Finding{found("kernel", Problem, err)}
	}
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return []Finding{found("kernel", Problem, fmt.Errorf("the kernel's release %q is no version", release))}
	}
	if major < oldestMajor || major == oldestMajor && minor < oldestMinor {
		return []Finding{found("kernel", Problem, hint.With(
			fmt.Errorf("this is Linux %s, and unc needs %d.%d or newer", release, oldestMajor, oldestMinor),
			"sudo apt-get full-upgrade && sudo reboot    # or however this system gets a newer kernel"))}
	}
	return []Finding{fine("kernel", "Linux "+release)}
}

// kernelFilters asks for a filter at address 0: a kernel that has filters looks there
// before anything else, and finds nothing (seccomp(2), EFAULT).
func kernelFilters() error {
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, 0, 0, 0)
}

func (m *machine) seccomp() []Finding {
	if err := m.filters(); errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return []Finding{found("seccomp", Problem, hint.With(
			errors.New("this kernel can't filter system calls: it was built without CONFIG_SECCOMP_FILTER"),
			"unc run --security-opt seccomp=unconfined COMMAND    # goes without; or take a kernel that can"))}
	}
	return []Finding{fine("seccomp", "this kernel filters system calls, on "+runtime.GOARCH)}
}

func (m *machine) ipv6() []Finding {
	var err error
	switch m.settings("net.ipv6.conf.all.disable_ipv6") {
	case "0":
		return []Finding{fine("ipv6", "turned on")}
	case "":
		err = hint.With(errors.New("this kernel has no IPv6, so containers have IPv4 alone"),
			"ipv6.disable=0    # on the kernel's command line, in place of ipv6.disable=1, makes it have IPv6 at the next boot")
	default:
		err = hint.With(errors.New("IPv6 is turned off on this host, so containers have IPv4 alone: net.ipv6.conf.all.disable_ipv6 is 1"),
			"sudo sysctl -w net.ipv6.conf.all.disable_ipv6=0")
	}
	return []Finding{found("ipv6", Note, err)}
}
