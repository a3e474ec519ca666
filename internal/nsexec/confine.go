package nsexec

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// keptCaps are what root inside a container may do there: what package managers
// and servers need, and nothing that manages mounts, networks or namespaces.
// CAP_SYS_ADMIN above all is not among them: with it the masks over /proc are
// just unmounted.
var keptCaps = []uint{
	unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID,
	unix.CAP_KILL, unix.CAP_SETGID, unix.CAP_SETUID, unix.CAP_SETPCAP,
	unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_RAW, unix.CAP_SYS_CHROOT, unix.CAP_SETFCAP,
}

// lastCap is above every capability that a kernel has numbered so far; dropping
// a number that the kernel doesn't know is EINVAL.
const lastCap = 63

// maxFiles is the soft limit of open files, as systemd sets it. The caller's own
// is not known here: the Go runtime has raised it to the hard limit.
const maxFiles = 1024

// confine takes away all that the command must not have. It comes after the
// mounts, every one of which needed CAP_SYS_ADMIN.
func (p *program) confine() {
	var kept uint64
	for _, c := range keptCaps {
		kept |= 1 << c
	}
	for c := uint(0); c <= lastCap; c++ {
		if kept&(1<<c) == 0 {
			p.call("dropping a capability from the bounding set", unix.SYS_PRCTL,
				num(unix.PR_CAPBSET_DROP), num(uint64(c)), num(0), num(0), num(0)).forgive(unix.EINVAL)
		}
	}
	// The inheritable set stays empty: filled, it hands capabilities to programs
	// that drop root but have a file capability (CVE-2022-24769). Root's programs
	// get theirs from the bounding set.
	data := &[2]unix.CapUserData{
		{Effective: uint32(kept), Permitted: uint32(kept)},
		{Effective: uint32(kept >> 32), Permitted: uint32(kept >> 32)},
	}
	header := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	p.call("dropping capabilities", unix.SYS_CAPSET, p.ptr(unsafe.Pointer(header)), p.ptr(unsafe.Pointer(data)))
	p.call("setting no_new_privs", unix.SYS_PRCTL, num(unix.PR_SET_NO_NEW_PRIVS), num(1), num(0), num(0), num(0))
}

// limitFiles lowers the soft limit of open files to maxFiles, or to the hard one.
func (p *program) limitFiles(hard uint64) {
	limit := &unix.Rlimit{Cur: min(maxFiles, hard), Max: hard}
	p.call("limiting open files", unix.SYS_PRLIMIT64, num(0), num(unix.RLIMIT_NOFILE), p.ptr(unsafe.Pointer(limit)), num(0))
}
