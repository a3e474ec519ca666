package main

import "golang.org/x/sys/unix"

// newerTries are calls that were added to Linux after the confinements' lists were begun: a
// list of what is allowed forgets them, a list of what is forbidden lets them through.
// Arguments that make no sense suffice to see whether they reach the kernel.
func newerTries() []try {
	const group = "Newer system calls, reached"
	var all []try
	for _, c := range []struct {
		name  string
		nr    uintptr
		args  []uintptr
		errno unix.Errno
	}{
		{"openat2 (5.6)", unix.SYS_OPENAT2, []uintptr{here, text("/"), 0, 0}, unix.EINVAL},
		{"faccessat2 (5.8)", unix.SYS_FACCESSAT2, []uintptr{here, text("/"), 0, 0xffff}, unix.EINVAL},
		{"close_range (5.9)", unix.SYS_CLOSE_RANGE, []uintptr{1 << 30, 1 << 30, 0}, 0},
		{"epoll_pwait2 (5.11)", unix.SYS_EPOLL_PWAIT2, []uintptr{badFD, 0, 0, 0, 0, 0}, unix.EBADF},
		{"memfd_secret (5.14)", unix.SYS_MEMFD_SECRET, []uintptr{0xffff}, unix.EINVAL},
		{"process_mrelease (5.15)", unix.SYS_PROCESS_MRELEASE, []uintptr{badFD, 0}, unix.EBADF},
		{"futex_waitv (5.16)", unix.SYS_FUTEX_WAITV, []uintptr{0, 0, 0xffff, 0, 0}, unix.EINVAL},
		{"set_mempolicy_home_node (5.17)", unix.SYS_SET_MEMPOLICY_HOME_NODE, []uintptr{1, 0, 0, 0}, unix.EINVAL},
		{"cachestat (6.5)", unix.SYS_CACHESTAT, []uintptr{badFD, 0, 0, 0}, unix.EBADF},
		{"fchmodat2 (6.6)", unix.SYS_FCHMODAT2, []uintptr{here, text("/"), 0, 0xffff}, unix.EINVAL},
		{"map_shadow_stack (6.6)", unix.SYS_MAP_SHADOW_STACK, []uintptr{0, 0, 0xffff}, unix.EINVAL},
		{"futex_wake (6.7)", unix.SYS_FUTEX_WAKE, []uintptr{0, 0, 0, 0xffff}, unix.EINVAL},
		{"statmount (6.8)", unix.SYS_STATMOUNT, []uintptr{0, 0, 0, 0xffff}, unix.EINVAL},
		{"listmount (6.8)", unix.SYS_LISTMOUNT, []uintptr{0, 0, 0, 0xffff}, unix.EINVAL},
		{"lsm_list_modules (6.8)", unix.SYS_LSM_LIST_MODULES, []uintptr{0, 0, 0xffff}, unix.EINVAL},
		{"mseal (6.10)", unix.SYS_MSEAL, []uintptr{0, 0, 0xffff}, unix.EINVAL},
		{"setxattrat (6.13)", unix.SYS_SETXATTRAT, []uintptr{here, 0, 0xffff, 0, 0, 0}, unix.EINVAL},
		{"open_tree_attr (6.15)", unix.SYS_OPEN_TREE_ATTR, []uintptr{badFD, text(""), 0xffff, 0, 0}, unix.EINVAL},
	} {
		all = append(all, try{group, "reach", c.name, func() error { return past(call(c.nr, c.args...), c.errno, unix.EFAULT) }})
	}
	// Programs ask for what is new, and do without where it is answered like this.
	return append(all, try{group, "be told ENOSYS for", "a number that no call has", func() error {
		return past(call(1000), unix.ENOSYS)
	}})
}
