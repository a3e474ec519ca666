package cli

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/nsexec"
)

// parseDevice reads SRC[:DST][:PERMISSIONS], as podman and Docker do.
func parseDevice(text string) (fileMount, error) {
	parts := strings.Split(text, ":")
	m := fileMount{Mount: nsexec.Mount{Kind: nsexec.Device, Source: parts[0], Target: parts[0]}}
	if len(parts) > 1 && isAccess(parts[len(parts)-1]) {
		m.access = parts[len(parts)-1]
		parts = parts[:len(parts)-1]
	}
	switch {
	case m.Source == "":
		return m, errors.New("no device is named")
	case !path.IsAbs(m.Source):
		return m, fmt.Errorf("%q is not an absolute path", m.Source)
	case len(parts) > 2:
		return m, hint.With(errors.New("it is not a device, a path inside and some of the letters rwm, with colons between them"),
			`unc run --device "$(readlink -f `+hint.Quote(text)+`)" ...    # if the name itself has colons`)
	case len(parts) == 2:
		m.Target = parts[1]
	}
	return m, nil
}

// isAccess tells a device's permissions from a path.
func isAccess(text string) bool {
	return text != "" && strings.Trim(text, "rwm") == ""
}

// checkDevice refuses what the caller could not open himself, or not as he says. The
// device is not opened for that: to some this is a signal, a watchdog for one.
func checkDevice(source, access string) error {
	var st unix.Stat_t
	switch err := unix.Stat(source, &st); {
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("there is no device %q", source)
	case errors.Is(err, unix.EACCES):
		return hint.With(fmt.Errorf("you may not reach %q", source), whoMay(source))
	case err != nil:
		return fmt.Errorf("looking at %q: %w", source, err)
	}
	var fs unix.Statfs_t
	if unix.Statfs(source, &fs) == nil && fs.Flags&unix.ST_NODEV != 0 {
		return fmt.Errorf("%q can't be used by anybody: its file system is mounted nodev", source)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		if access != "" && (!strings.Contains(access, "r") || !strings.Contains(access, "w")) {
			return fmt.Errorf("%q is a directory, and unc can't grant less than what you may do with the devices in it", source)
		}
		return checkDeviceDir(source)
	case unix.S_IFCHR, unix.S_IFBLK:
		return checkDeviceNode(source, access, &st)
	}
	return hint.With(fmt.Errorf("%q is neither a device nor a directory of devices", source),
		"unc run -v "+hint.Quote(source+":DST")+" ...")
}

// checkDeviceNode compares what the caller may do with what the container is to. Less
// is not possible: the kernel lets nobody forbid by a mount to write to a device
// (do_dentry_open in fs/open.c), and the list of devices of a control group is root's.
func checkDeviceNode(source, access string, st *unix.Stat_t) error {
	read, write := unix.Access(source, unix.R_OK) == nil, unix.Access(source, unix.W_OK) == nil
	if access == "" {
		if read || write {
			return nil
		}
		return mayNot("open", source, 0o060, st)
	}
	for _, right := range []struct {
		letter, verb string
		group        uint32
		has          bool
	}{
		{"r", "read from", 0o040, read},
		{"w", "write to", 0o020, write},
	} {
		wanted := strings.Contains(access, right.letter)
		switch {
		case wanted && !right.has:
			return mayNot(right.verb, source, right.group, st)
		case !wanted && right.has:
			return fmt.Errorf("you may %s %q, and so may a container that has it: unc can't grant less than that", right.verb, source)
		}
	}
	return nil
}

// mayNot names who could, and what to do to become such a one.
func mayNot(verb, source string, bits uint32, st *unix.Stat_t) error {
	caller := "$USER"
	if name, ok := userName(uint32(os.Getuid())); ok {
		caller = hint.Quote(name)
	}
	if st.Mode&bits == bits && st.Gid != 0 {
		group := strconv.FormatUint(uint64(st.Gid), 10)
		if known, err := user.LookupGroupId(group); err == nil {
			group = known.Name
		}
		return hint.With(fmt.Errorf("you may not %s %q, but its group %q may", verb, source, group),
			fmt.Sprintf("sudo usermod -aG %s %s    # then log in again", hint.Quote(group), caller))
	}
	return hint.With(fmt.Errorf("you may not %s %q", verb, source),
		fmt.Sprintf("sudo setfacl -m u:%d:rw %s    # until the next boot", os.Getuid(), hint.Quote(source)))
}
