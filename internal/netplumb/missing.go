package netplumb

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// goWithout is the way out that everybody has: these two take no net-setup.
const goWithout = "go without: unc run --network none ..., or with the host's own: unc run --network host ..."

// orGoWithout adds that way out to the hints of an error.
func orGoWithout(err error) error { return hint.With(err, append(hint.Of(err), goWithout)...) }

// explainMissingCapability tells which of the ways to lose a file capability it
// was: execve(2) grants none, and says nothing, in each of these cases.
func explainMissingCapability() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("looking for this program's own file: %w", err)
	}
	setcap := "sudo setcap cap_net_admin+ep " + hint.Quote(exe)
	status := selfStatus()

	var fs unix.Statfs_t
	_, xattrErr := unix.Getxattr("/proc/self/exe", "security.capability", nil)
	statErr := unix.Statfs("/proc/self/exe", &fs)
	bounding, boundErr := strconv.ParseUint(status["CapBnd"], 16, 64)
	switch {
	case errors.Is(xattrErr, unix.ENODATA), errors.Is(xattrErr, unix.EOPNOTSUPP):
		return hint.With(fmt.Errorf("%q has not got the file capability cap_net_admin, without which it can't attach a network", exe), setcap)
	case status["NoNewPrivs"] == "1":
		return hint.With(errors.New("no_new_privs is set, so unc's file capability has no effect"),
			"start unc from outside of whatever set it: a sandbox, a container, or a service with NoNewPrivileges=yes")
	case statErr == nil && fs.Flags&unix.ST_NOSUID != 0:
		return hint.With(fmt.Errorf("%q is on a file system mounted nosuid, so its file capability has no effect", exe),
			"install unc elsewhere: PREFIX=/usr/local ./install.sh    # the mount: findmnt -T "+hint.Quote(exe))
	case status["TracerPid"] != "" && status["TracerPid"] != "0":
		return hint.With(errors.New("unc is being traced, so its file capability has no effect"), "run it without strace or a debugger")
	case boundErr == nil && bounding&(1<<unix.CAP_NET_ADMIN) == 0:
		return hint.With(errors.New("CAP_NET_ADMIN is not in the bounding set, so unc's file capability has no effect"),
			"start unc from outside of whatever took it away: a container, or a service with CapabilityBoundingSet=")
	}
	return hint.With(fmt.Errorf("%q has a file capability, but CAP_NET_ADMIN was not granted", exe), setcap)
}

// selfStatus reads /proc/self/status (proc_pid_status(5)).
func selfStatus() map[string]string {
	fields := map[string]string{}
	text, err := rawio.ReadFile("/proc/self/status", 64<<10)
	if err != nil {
		return fields
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields
}
