package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// processTries look at other processes: process 1 of the container, those that are
// not the container's, and those of one's own.
func processTries() []try {
	const group = "Processes"
	all := []try{
		{group, "see", "the kernel's threads", seeKernelThreads},
		{group, "signal", "process 1", func() error { return unix.Kill(1, 0) }},
		{group, "trace", "process 1", func() error { return unix.PtraceSeize(1) }},
		{group, "trace", "a process of one's own", func() error { return helper("wait", nil, unix.PtraceSeize) }},
		{group, "trace with process_vm_readv", "a process of one's own", func() error { return helper("wait", nil, readMemory) }},
		{group, "trace with kcmp", "a process of one's own", func() error {
			return helper("wait", nil, func(pid int) error {
				const vm = 1 // KCMP_VM
				return call(unix.SYS_KCMP, uintptr(unix.Getpid()), uintptr(pid), vm, 0, 0)
			})
		}},
		{group, "trace with pidfd_getfd", "a process of one's own", func() error { return helper("wait", nil, takeDescriptor) }},
		{group, "change /proc/self/", "oom_score_adj (down)", func() error {
			return os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0)
		}},
		{group, "change /proc/self/", "oom_score_adj (up)", func() error {
			return os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
		}},
	}
	for _, name := range []string{"environ", "mem", "maps", "auxv", "stack", "syscall", "fd", "ns/net", "ns/user"} {
		all = append(all, try{group, "open /proc/1/", name, func() error {
			return opened("/proc/1/"+name, unix.O_RDONLY)
		}})
	}
	for _, name := range []string{"root", "cwd", "exe"} {
		all = append(all, try{group, "follow /proc/1/", name, func() error { return opened("/proc/1/"+name, unix.O_PATH) }})
	}
	return all
}

// seeKernelThreads: process 2 of a machine is the father of all kernel threads.
func seeKernelThreads() error {
	comm, err := os.ReadFile("/proc/2/comm")
	if isNotThere(err) {
		return yesIf(false)
	}
	if err != nil {
		return err
	}
	return yesIf(strings.TrimSpace(string(comm)) == "kthreadd")
}

// readMemory looks for one byte of another process: that at the start of its program.
func readMemory(pid int) error {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return before("read maps", err)
	}
	var start uintptr
	if _, err := fmt.Sscanf(string(maps), "%x-", &start); err != nil {
		return before("read maps", err)
	}
	var b [1]byte
	local := []unix.Iovec{{Base: &b[0], Len: 1}}
	_, err = unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: start, Len: 1}}, 0)
	return err
}

func takeDescriptor(pid int) error {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return before("pidfd_open", err)
	}
	fd, err := unix.PidfdGetfd(pidfd, 0, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}
