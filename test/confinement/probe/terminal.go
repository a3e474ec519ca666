package main

import (
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// terminalTries type into a terminal that the probe has made itself, and leads. In a
// terminal that is shared with somebody outside, the same would give him commands.
func terminalTries() []try {
	const group = "Terminals"
	const (
		tiocsti   = unix.TIOCSTI
		tioclinux = 0x541c
		high      = 1 << 32 // the kernel takes 32 bits of the request, a filter sees 64
	)
	var all []try
	for _, r := range []struct {
		name    string
		request uintptr
	}{
		{"TIOCSTI", tiocsti},
		{"TIOCSTI (with high bits)", tiocsti | high},
		{"TIOCLINUX", tioclinux},
		{"TIOCLINUX (with high bits)", tioclinux | high},
	} {
		all = append(all, try{group, "type with", r.name, func() error { return typeWith(r.request) }})
	}
	return append(all, try{group, "make", "a pseudo-terminal", func() error {
		return withTerminal(func(int) error { return nil })
	}})
}

// typeWith puts a character into the terminal's input. TIOCLINUX is for the machine's
// consoles, so where it arrives the terminal says that it has no such request.
func typeWith(request uintptr) error {
	return withTerminal(func(tty int) error {
		return past(call(unix.SYS_IOCTL, uintptr(tty), request, addr(&[2]byte{'\r'})), unix.ENOTTY)
	})
}

// withTerminal gives do a new terminal, which becomes the process's own.
func withTerminal(do func(tty int) error) error {
	ptmx, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return before("open ptmx", err)
	}
	// With it, the session ends that the probe leads.
	signal.Ignore(unix.SIGHUP)
	defer ptmx.Close()
	if err := unix.IoctlSetPointerInt(int(ptmx.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return before("unlock", err)
	}
	n, err := unix.IoctlGetInt(int(ptmx.Fd()), unix.TIOCGPTN)
	if err != nil {
		return before("number", err)
	}
	tty, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return before("open the other side", err)
	}
	defer unix.Close(tty)
	if err := call(unix.SYS_IOCTL, uintptr(tty), unix.TIOCSCTTY, 0); err != nil {
		return before("take it", err)
	}
	return do(tty)
}
