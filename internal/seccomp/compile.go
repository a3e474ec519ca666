package seccomp

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// x32 is the first number of x32's system calls (__X32_SYSCALL_BIT in arch/x86).
const x32 = 1 << 30

// compile makes the filter of a profile on a host.
func compile(p *profile, h host) ([]unix.SockFilter, error) {
	if h.arch.audit == 0 {
		return nil, errors.New("unc knows no system calls of this architecture, and can't filter them")
	}
	pol, err := collect(p, h)
	if err != nil {
		return nil, err
	}
	filter := assemble(pol.decision(h.arch))
	if len(filter) > maxInstructions {
		return nil, fmt.Errorf("it takes %d instructions, and the kernel takes %d (BPF_MAXINSNS)", len(filter), maxInstructions)
	}
	return filter, nil
}

// decision is the whole filter.
func (pol *policy) decision(a *arch) *node {
	kill := leaf(killProcess)
	return look(offsetArch, 1<<32-1, []span{{0, kill}, {a.audit, pol.byNumber(a)}, {a.audit + 1, kill}})
}

// byNumber decides by the number of the system call.
func (pol *policy) byNumber(a *arch) *node {
	otherwise, unknown := leaf(pol.otherwise), leaf(refuse(unix.ENOSYS))
	// A C library takes EPERM for an answer about this call, and ENOSYS for a kernel
	// that is too old for it, and goes another way. So calls that are newer than the
	// profile don't exist, as runc has it (libcontainer/seccomp/patchbpf).
	newer := otherwise
	if !pol.otherwise.permits() && pol.newest > 0 {
		newer = unknown
	}
	ioctl, _ := a.number("ioctl")
	var spans []span
	for nr := range max(pol.newest, ioctl) + 1 {
		n := otherwise
		if nr > pol.newest {
			n = newer
		}
		if v := pol.calls[nr]; v != nil {
			n = v.node(otherwise)
		}
		if nr == ioctl {
			n = guard(n)
		}
		spans = append(spans, span{nr, n})
	}
	spans = append(spans, span{uint32(len(spans)), newer})
	if a.x32 {
		spans = append(spans, span{x32, unknown})
	}
	return look(offsetNr, 1<<32-1, spans)
}

// guard refuses the ioctls that put input into a terminal, where a program
// outside would read it (CVE-2017-5226). The kernel takes 32 bits for the command, so
// no others must be looked at (CVE-2019-10063). What is refused anyhow stays as it is.
func guard(ioctl *node) *node {
	refused := ioctl.refusing(make(map[*node]*node))
	return look(offsetArgs+8, 1<<32-1, []span{
		{0, ioctl},
		{unix.TIOCSTI, refused},
		{unix.TIOCSTI + 1, ioctl},
		{unix.TIOCLINUX, refused},
		{unix.TIOCLINUX + 1, ioctl},
	})
}
