package main

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// deviceTries: what is in /dev, and whether it can be opened. Nothing is read or written.
func deviceTries() []try {
	const group = "Devices"
	all := []try{{group, "list", "/dev", listDev}}
	for _, name := range []string{
		"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console",
		"mem", "kmem", "port", "kmsg", "fuse", "kvm", "net/tun", "loop-control", "mapper/control", "hwrng", "vfio/vfio",
	} {
		all = append(all, try{group, "open /dev/", name, func() error { return opened("/dev/"+name, unix.O_RDWR) }})
	}
	return append(all, try{group, "open", "a disk of the machine", openDisk})
}

func listDev() error {
	entries, err := os.ReadDir("/dev")
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if slices.Contains(names, "kmsg") && len(names) > 20 {
		return found("the machine's")
	}
	return found(strings.Join(names, " "))
}

// openDisk opens the first disk that the kernel knows, for reading only; where /dev has
// none, by a node that it makes.
func openDisk() error {
	text, err := os.ReadFile("/proc/partitions")
	if err != nil {
		return before("find one", err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	fields := strings.Fields(lines[len(lines)-1])
	if len(fields) != 4 || fields[0] == "major" {
		return before("find one", errMissing)
	}
	err = opened("/dev/"+fields[3], unix.O_RDONLY)
	if err == nil || !isNotThere(err) {
		return err
	}
	return scratch(func(dir string) error {
		if err := unix.Mknod(dir+"/disk", unix.S_IFBLK|0o600, int(unix.Mkdev(number(fields[0]), number(fields[1])))); err != nil {
			return before("mknod", err)
		}
		return opened(dir+"/disk", unix.O_RDONLY)
	})
}

func number(s string) (n uint32) {
	for _, c := range s {
		n = 10*n + uint32(c-'0')
	}
	return n
}
