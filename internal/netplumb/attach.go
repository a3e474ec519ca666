package netplumb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// Helper is a net-setup process, begun and waiting to be told for which process.
// Starting it takes longer than making namespaces does; begun first, it is ready
// when they are.
type Helper struct {
	process     int      // its number, until Close
	pid, result rawio.FD // to its standard input, from its standard output
}

// maxResult bounds what is read of net-setup's answer, in bytes.
const maxResult = 64 << 10

// Begin starts net-setup. Executing our own file gives it the capability that
// this process has given up.
func Begin() (*Helper, error) {
	const doing = "starting net-setup"
	var in, out [2]int
	if err := unix.Pipe2(in[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer unix.Close(in[0])
	if err := unix.Pipe2(out[:], unix.O_CLOEXEC); err != nil {
		unix.Close(in[1])
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer unix.Close(out[1])
	process, err := syscall.ForkExec("/proc/self/exe", []string{"unc", "net-setup", FromStdin}, &syscall.ProcAttr{
		Env:   []string{"GOMAXPROCS=1"}, // it does one thing after the other
		Files: []uintptr{uintptr(in[0]), uintptr(out[1]), 2},
		// What is typed at the terminal, Ctrl-C say, is for unc to act on.
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		unix.Close(in[1])
		unix.Close(out[0])
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return &Helper{process: process, pid: rawio.FD(in[1]), result: rawio.FD(out[0])}, nil
}

// Attach tells the helper which process's network namespace to attach.
func (h *Helper) Attach(pid int) {
	// If it has ended already, its answer says why.
	_, _ = unix.Write(int(h.pid), append(strconv.AppendInt(nil, int64(pid), 10), '\n'))
}

// Answer waits for what came of it. The helper has done all it does then; Close
// waits for its end.
func (h *Helper) Answer() (*Network, error) {
	line, err := bufio.NewReader(io.LimitReader(h.result, maxResult)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		return nil, errors.New("net-setup ended without an answer")
	}
	if err != nil {
		return nil, fmt.Errorf("hearing from net-setup: %w", err)
	}
	return parseAnswer(line)
}

// Close lets the helper go and waits for its end; without Attach before, it ends
// without having done anything.
func (h *Helper) Close() {
	unix.Close(int(h.pid))
	unix.Close(int(h.result))
	for {
		if _, err := unix.Wait4(h.process, nil, 0, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
