package cli

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"unc/internal/hint"
	"unc/internal/nsexec"
)

// mountOptions remembers what the options so far were about, so that none is followed
// by another that says the opposite.
type mountOptions struct{ about []string }

// setAll sets options with commas between them.
func (o *mountOptions) setAll(m *nsexec.Mount, list string) error {
	for option := range strings.SplitSeq(list, ",") {
		if err := o.set(m, option); err != nil {
			return err
		}
	}
	return nil
}

// set does what one option says. The names are podman's, whose --mount has its own for
// some of them; those that say what is so anyway are accepted.
func (o *mountOptions) set(m *nsexec.Mount, option string) (err error) {
	name, value, valued := strings.Cut(option, "=")
	what := subject(name)
	if err := o.once(what, option); err != nil {
		return err
	}
	if (what == "size" || what == "mode") && m.Kind != nsexec.Tmpfs {
		return fmt.Errorf("%q is for a tmpfs only", option)
	}
	switch what {
	case "writing":
		on, err := isOn(option, value, valued)
		m.ReadOnly = on == (name != "rw")
		return err
	case "executing":
		on, err := isOn(option, value, valued)
		m.NoExec = on == (name == "noexec")
		return err
	case "size":
		m.Size = value
		return checkTmpfsSize(value)
	case "mode":
		m.Mode, err = parseMode(value)
		return err
	}
	switch option {
	case "nosuid", "nodev", "private", "rprivate", "bind-propagation=private", "bind-propagation=rprivate":
		return nil
	case "rbind", "z", "Z", "relabel=shared", "relabel=private":
		// Labels: a container runs under the caller's own SELinux context, not in a domain that
		// has to be allowed the use of his files.
		if m.Kind == nsexec.Bind {
			return nil
		}
	case "notmpcopyup":
		if m.Kind == nsexec.Tmpfs {
			return nil
		}
	}
	return refuseOption(m, option, name)
}

// subject is what an option is about, or nothing if it may be given twice.
func subject(name string) string {
	switch name {
	case "ro", "readonly", "rw":
		return "writing"
	case "exec", "noexec":
		return "executing"
	case "size", "tmpfs-size":
		return "size"
	case "mode", "tmpfs-mode":
		return "mode"
	}
	return ""
}

// once refuses a second option about the same thing.
func (o *mountOptions) once(what, option string) error {
	if what != "" && slices.Contains(o.about, what) {
		return fmt.Errorf("%q is the second option about the same thing", option)
	}
	o.about = append(o.about, what)
	return nil
}

// isOn is what an option that can be true or false is.
func isOn(option, value string, valued bool) (bool, error) {
	if !valued {
		return true, nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", option)
	}
	return on, nil
}

// refuseOption says why unc has not what podman or Docker have.
func refuseOption(m *nsexec.Mount, option, name string) error {
	switch name {
	case "U", "chown":
		return fmt.Errorf("%q: unc gives no file of the host another owner", option)
	case "O", "upperdir", "workdir":
		return fmt.Errorf("%q: a volume is not copy-on-write; with --ephemeral the container's root is", option)
	case "suid":
		return fmt.Errorf("%q: what is mounted in a container is always nosuid", option)
	case "dev":
		return hint.With(fmt.Errorf("%q: what is mounted in a container is always nodev", option), "unc run --device SRC:DST ...")
	case "shared", "rshared", "slave", "rslave", "unbindable", "runbindable", "bind-propagation":
		return fmt.Errorf("%q: a mount made inside or outside later is never seen on the other side", option)
	case "bind", "bind-nonrecursive":
		return fmt.Errorf("%q: what is mounted below the source always comes along", option)
	case "copy", "tmpcopyup":
		return fmt.Errorf("%q: nothing is copied into what is mounted", option)
	}
	if m.Kind == nsexec.Tmpfs {
		return fmt.Errorf("%q is no option of a tmpfs", option)
	}
	return fmt.Errorf("%q is no option of a volume", option)
}

// checkTmpfsSize refuses what is not a size as tmpfs(5) has it: a number of bytes, of
// KiB, MiB or GiB with k, m or g, or a part of the memory with %. The kernel would cut
// off what has too many digits, and take 0 for no limit at all.
func checkTmpfsSize(text string) error {
	digits := strings.TrimRight(text, "kKmMgG%")
	unit := strings.ToLower(text[len(digits):])
	number, err := strconv.ParseUint(digits, 10, 63)
	limit := uint64(math.MaxInt64)
	switch unit {
	case "":
	case "k":
		limit >>= 10
	case "m":
		limit >>= 20
	case "g":
		limit >>= 30
	case "%":
		limit = 100
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || number == 0 || number > limit {
		return fmt.Errorf("%q is no size, which is bytes, or a number with k, m, g or %%", text)
	}
	return nil
}

// parseMode reads octal permission bits.
func parseMode(text string) (uint32, error) {
	mode, err := strconv.ParseUint(text, 8, 12)
	if err != nil {
		return 0, fmt.Errorf("%q is no mode, which is octal digits such as 1777", text)
	}
	return uint32(mode), nil
}
