package nsexec

import (
	"slices"

	"golang.org/x/sys/unix"
)

// lastCap is above every capability that a kernel has numbered so far; dropping
// a number that the kernel doesn't know is EINVAL.
const lastCap = 63

// maxFiles is the soft limit of open files, as systemd sets it. The caller's own
// is not known here: the Go runtime has raised it to the hard limit.
const maxFiles = 1024

// startCaps are what pid 1 keeps in any case: to make the command's process another
// user's, and to pass signals on to it then.
const startCaps = Capabilities(1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_KILL)

// confine takes away all that nothing in the container may have. It comes after the
// mounts, every one of which needed CAP_SYS_ADMIN.
func (p *program) confine(kept Capabilities) {
	for c := uint(0); c <= lastCap; c++ {
		if kept&(1<<c) == 0 {
			p.call("dropping a capability from the bounding set", unix.SYS_PRCTL,
				num(unix.PR_CAPBSET_DROP), num(uint64(c)), num(0), num(0), num(0)).forgive(unix.EINVAL)
		}
	}
	p.setCapabilities(kept|startCaps, 0)
	p.call("setting no_new_privs", unix.SYS_PRCTL, num(unix.PR_SET_NO_NEW_PRIVS), num(1), num(0), num(0), num(0))
}

// setCapabilities sets what the process may and does use. The inheritable set is empty
// but for what is to become ambient: filled, it hands capabilities to programs that
// drop root but have a file capability (CVE-2022-24769). Root's programs get theirs
// from the bounding set.
func (p *program) setCapabilities(permitted, inheritable Capabilities) {
	low := func(c Capabilities) uint32 { return uint32(c) }
	high := func(c Capabilities) uint32 { return uint32(c >> 32) }
	data := [2]unix.CapUserData{
		{Effective: low(permitted), Permitted: low(permitted), Inheritable: low(inheritable)},
		{Effective: high(permitted), Permitted: high(permitted), Inheritable: high(inheritable)},
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	p.call("setting capabilities", unix.SYS_CAPSET, keep(p, header), keep(p, data))
}

// limit sets the command's resource limits. Of open files there is a soft one in any
// case, maxFiles or the hard one.
func (p *program) limit(limits []Limit, openFiles uint64) {
	isFiles := func(l Limit) bool { return l.Resource == unix.RLIMIT_NOFILE }
	if !slices.ContainsFunc(limits, isFiles) {
		limits = append(slices.Clone(limits), Limit{unix.RLIMIT_NOFILE, min(maxFiles, openFiles), openFiles})
	}
	for _, l := range limits {
		limit := unix.Rlimit{Cur: l.Soft, Max: l.Hard}
		p.call("setting a resource limit", unix.SYS_PRLIMIT64, num(0), num(l.Resource), keep(p, limit), num(0))
	}
}

// filter installs the seccomp filter. It is the last thing before execve, in the
// command's own process: what a filter of the caller's forbids should not keep the
// command from being started. pid 1 needs none, for nobody inside can make it do anything.
func (p *program) filter(filter []unix.SockFilter) {
	if len(filter) == 0 {
		return
	}
	prog := sockFprog{length: uint16(len(filter)), filter: keep(p, filter...).value}
	// Speculative stores stay as they are for every program: kernels before 5.16 make
	// them slow for who has a filter, newer ones for nobody (seccomp(2)).
	p.call("installing the seccomp filter", unix.SYS_SECCOMP, num(unix.SECCOMP_SET_MODE_FILTER),
		num(unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW), keep(p, prog))
}

// sockFprog is struct sock_fprog of seccomp(2), with the filter's address.
type sockFprog struct {
	length uint16
	filter uintptr
}
