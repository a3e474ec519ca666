package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// namespaceTries: each kind of namespace in each way to get into one. The kernel lets no
// program with several threads into some, so each is tried alone.
func namespaceTries() []try {
	const group = "Namespaces"
	kinds := []struct {
		name, file string
		flag       int
	}{
		{"user", "user", unix.CLONE_NEWUSER},
		{"mount", "mnt", unix.CLONE_NEWNS},
		{"network", "net", unix.CLONE_NEWNET},
		{"uts", "uts", unix.CLONE_NEWUTS},
		{"ipc", "ipc", unix.CLONE_NEWIPC},
		{"pid", "pid", unix.CLONE_NEWPID},
		{"cgroup", "cgroup", unix.CLONE_NEWCGROUP},
		{"time", "time", unix.CLONE_NEWTIME},
	}
	var unshared, cloned, entered []try
	for _, k := range kinds {
		unshared = append(unshared, try{group, "unshare", k.name, func() error {
			return alone(0, unix.SYS_UNSHARE, uintptr(k.flag), 0)
		}})
		if k.flag != unix.CLONE_NEWTIME { // for which clone(2) has no bit left
			cloned = append(cloned, try{group, "clone into a new", k.name, func() error {
				return alone(uintptr(k.flag), unix.SYS_GETPID, 0, 0)
			}})
		}
		if k.flag != unix.CLONE_NEWUSER { // the kernel has something against one's own, before the rights
			entered = append(entered, try{group, "setns into one's own", k.name, func() error {
				f, err := os.Open("/proc/self/ns/" + k.file)
				if err != nil {
					return before("open", err)
				}
				defer f.Close()
				return alone(0, unix.SYS_SETNS, f.Fd(), uintptr(k.flag))
			}})
		}
	}
	all := append(unshared, cloned...)
	all = append(all, entered...)
	return append(
		all,
		// Arguments of no size are refused by the call itself.
		try{group, "call", "clone3", func() error { return past(call(unix.SYS_CLONE3, 0, 0), unix.EINVAL) }},
		try{group, "unshare", "the working directory (of a thread)", func() error { return unix.Unshare(unix.CLONE_FS) }},
	)
}
