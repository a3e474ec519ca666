package netplumb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// Helper is a net-setup process, begun and waiting to be told for which process.
// Starting it takes longer than making namespaces does; begun first, it is ready
// when they are.
type Helper struct {
	pid, result rawio.FD // to its standard input, from its standard output

	starting sync.WaitGroup // what is below is set when it is done
	process  int            // its number, 0 if it could not be started
	failed   error
}

// maxResult bounds what is read of net-setup's answer, in bytes.
const maxResult = 64 << 10

// Begin starts net-setup, and does not wait until it runs. Executing our own file
// gives it the capability that this process has given up.
func Begin() (*Helper, error) {
	var in, out [2]int
	if err := unix.Pipe2(in[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	if err := unix.Pipe2(out[:], unix.O_CLOEXEC); err != nil {
		unix.Close(in[0])
		unix.Close(in[1])
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	h := &Helper{pid: rawio.FD(in[1]), result: rawio.FD(out[0])}
	h.starting.Go(func() { h.start(in[0], out[1]) })
	return h, nil
}

// start returns when the new process has executed its file, which takes a while.
func (h *Helper) start(stdin, stdout int) {
	// Closed in any case: the other ends then see the end of a process that never was.
	defer unix.Close(stdin)
	defer unix.Close(stdout)
	process, err := syscall.ForkExec("/proc/self/exe", []string{"unc", "net-setup", FromStdin}, &syscall.ProcAttr{
		Env:   []string{"GOMAXPROCS=1"}, // it does one thing after the other
		Files: []uintptr{uintptr(stdin), uintptr(stdout), 2},
	})
	if err != nil {
		h.failed = fmt.Errorf("starting net-setup: %w", err)
		return
	}
	h.process = process
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
		h.starting.Wait()
		if h.failed != nil {
			return nil, h.failed
		}
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
	h.starting.Wait()
	for h.process != 0 {
		if _, err := unix.Wait4(h.process, nil, 0, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
