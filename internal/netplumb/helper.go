package netplumb

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Helper is a net-setup process, begun and waiting to be told for which process.
// Starting it takes longer than making namespaces does; begun first, it is ready
// when they are.
type Helper struct {
	process int // its number, until Close
	sock    int // to its standard input, from its standard output
}

// maxResult bounds what is read of net-setup's answer, in bytes.
const maxResult = 256 << 10

// Begin starts net-setup. Executing our own file gives it the capability that
// this process has given up.
func Begin() (*Helper, error) {
	const doing = "starting net-setup"
	// A socket, for descriptors travel on it; one end for both directions, as it
	// has no other use for its standard input and output.
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer unix.Close(ends[1])
	process, err := syscall.ForkExec("/proc/self/exe", []string{"unc", "net-setup", FromStdin}, &syscall.ProcAttr{
		Env:   []string{"GOMAXPROCS=1"}, // it does one thing after the other
		Files: []uintptr{uintptr(ends[1]), uintptr(ends[1]), 2},
		// What is typed at the terminal, Ctrl-C say, is for unc to act on.
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		unix.Close(ends[0])
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return &Helper{process: process, sock: ends[0]}, nil
}

// Attach tells the helper what is wanted of it.
func (h *Helper) Attach(r Request) {
	// If it has ended already, its answer says why.
	for line := r.line(); len(line) > 0; {
		n, err := unix.SendmsgN(h.sock, line, nil, nil, unix.MSG_NOSIGNAL)
		if err != nil {
			return
		}
		line = line[n:]
	}
}

// Answer waits for what came of it. The helper has done all it does then; Close
// waits for its end.
func (h *Helper) Answer() (*Network, error) { return receive(h.sock) }

// Close lets the helper go and waits for its end; without Attach before, it ends
// without having done anything. There need not be a helper, and it may be closed already.
func (h *Helper) Close() {
	if h == nil || h.sock < 0 {
		return
	}
	unix.Close(h.sock)
	h.sock = -1
	for {
		if _, err := unix.Wait4(h.process, nil, 0, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
