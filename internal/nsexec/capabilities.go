package nsexec

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// Capabilities is a set of them, bit n for the capability with number n (capabilities(7)).
type Capabilities uint64

// DefaultCapabilities are what root inside a container may do there: what package
// managers and servers need, and nothing that manages mounts, networks or namespaces.
// CAP_SYS_ADMIN above all is not among them: with it the masks over /proc are
// just unmounted.
const DefaultCapabilities = Capabilities(1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID |
	1<<unix.CAP_KILL | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETPCAP |
	1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_SYS_CHROOT | 1<<unix.CAP_SETFCAP)

// capabilityNames are in the order of their numbers (linux/capability.h).
var capabilityNames = [...]string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
	"LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
	"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
	"MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
	"CHECKPOINT_RESTORE",
}

// AllCapabilities are those that Linux has so far.
const AllCapabilities = Capabilities(1)<<len(capabilityNames) - 1

// ParseCapability reads a name as in capabilities(7), in either case and with or without
// the CAP_.
func ParseCapability(name string) (Capabilities, error) {
	i := slices.Index(capabilityNames[:], strings.TrimPrefix(strings.ToUpper(name), "CAP_"))
	if i < 0 {
		return 0, hint.With(errors.New("there is no such capability"), "man 7 capabilities")
	}
	return 1 << i, nil
}

// Names lists the set as capabilities(7) spells it, by number.
func (c Capabilities) Names() []string {
	var names []string
	for n := range c.each {
		names = append(names, "CAP_"+capabilityNames[n])
	}
	return names
}

// each yields the numbers of the known capabilities in the set.
func (c Capabilities) each(yield func(n int) bool) {
	for n := range capabilityNames {
		if c&(1<<n) != 0 && !yield(n) {
			return
		}
	}
}
