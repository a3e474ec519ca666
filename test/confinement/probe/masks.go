package main

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// The paths that Docker hides or makes read-only, and more of their kind: of the latter a
// file below each that a root of the machine may write.
var (
	masked = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
		"/sys/devices/system/cpu/cpu0/thermal_throttle", "/sys/devices/virtual/powercap", "/sys/firmware",
	}
	readOnly = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}

	looked = []string{
		"/proc/cmdline", "/proc/config.gz", "/proc/kallsyms", "/proc/key-users", "/proc/kpagecount", "/proc/modules",
		"/proc/mtrr", "/proc/pagetypeinfo", "/proc/slabinfo", "/proc/vmallocinfo", "/proc/vmcore",
		"/sys/class/dmi", "/sys/fs/bpf", "/sys/fs/cgroup", "/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/tracing",
		"/sys/kernel/slab", "/sys/kernel/vmcoreinfo", "/sys/module", "/sys/power",
	}
	written = []string{
		"/proc/bus/pci/00/00.0", "/proc/irq/default_smp_affinity", "/proc/mtrr", "/proc/sysrq-trigger",
		"/proc/sys/fs/binfmt_misc/register", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe",
		"/proc/sys/kernel/ns_last_pid", "/proc/sys/kernel/shmmax", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/ping_group_range",
		"/proc/sys/user/max_user_namespaces", "/proc/sys/vm/drop_caches", "/proc/sys/vm/overcommit_memory",
		"/sys/class/net/lo/mtu", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/kernel/profiling", "/sys/kernel/uevent_helper",
		"/sys/module/printk/parameters/time", "/sys/power/state",
	}
)

// maskTries look through, write to and take off what lies over /proc and /sys.
func maskTries() []try {
	var all []try
	add := func(group, verb string, names []string, do func(string) error) {
		for _, name := range names {
			all = append(all, try{group, verb, name, func() error { return do(name) }})
		}
	}
	add("Masked by Docker", "read", masked, shows)
	add("Masked by Docker", "unmount", masked, expire)
	add("Masked by Docker", "mount over", masked, cover)
	add("More of the kernel's files", "read", looked, shows)
	// Opened for writing, and closed again.
	add("More of the kernel's files", "write to", written, func(name string) error { return opened(name, unix.O_WRONLY) })
	// To read it would take lines away from whoever keeps the log.
	add("More of the kernel's files", "open", []string{"/proc/kmsg"}, func(name string) error { return opened(name, unix.O_RDONLY) })
	add("Read-only in Docker", "unmount", readOnly, expire)
	add("Read-only in Docker", "mount over", readOnly, cover)
	add("Read-only in Docker", "remount", readOnly, remount)
	return all
}

// shows tells whether there is something in a file or directory: masks are empty.
func shows(name string) error {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.IsDir() {
		_, err = f.Readdirnames(1)
		return emptyAtEnd(err)
	}
	n, err := unix.Read(int(f.Fd()), make([]byte, 1))
	if err == nil && n == 0 {
		err = io.EOF
	}
	return emptyAtEnd(err)
}

func emptyAtEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return errEmpty
	}
	return err
}

// cover binds something over itself, which changes nothing, and takes it off again.
func cover(name string) error {
	if err := unix.Mount(name, name, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return before("take it off", unix.Unmount(name, unix.MNT_DETACH))
}
