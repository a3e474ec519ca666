package netplumb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// Helper is a net-setup process, started and waiting to be told for which
// process. Starting it takes longer than making namespaces does; begun first,
// it is ready when they are.
type Helper struct {
	process     int  // its number, until Close
	pid, result pipe // to its standard input, from its standard output
}

// pipe is one end of a blocking pipe: a thread that waits in read wakes sooner
// than one that waits for the runtime to be told that it may.
type pipe int

func (p pipe) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(int(p), b)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
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
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"unc", "net-setup", FromStdin}, &syscall.ProcAttr{
		Env:   []string{"GOMAXPROCS=1"}, // it does one thing after the other
		Files: []uintptr{uintptr(in[0]), uintptr(out[1]), 2},
	})
	if err != nil {
		unix.Close(in[1])
		unix.Close(out[0])
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return &Helper{process: pid, pid: pipe(in[1]), result: pipe(out[0])}, nil
}

// Attach tells the helper which process's network namespace to attach.
func (h *Helper) Attach(pid int) {
	// If it has ended already, its answer says why.
	_, _ = unix.Write(int(h.pid), append(strconv.AppendInt(nil, int64(pid), 10), '\n'))
}

// Answer waits for what came of it. The helper has done all it does then; Close
// waits for its end.
func (h *Helper) Answer() (*Network, error) {
	var a answer
	err := json.NewDecoder(io.LimitReader(h.result, maxResult)).Decode(&a)
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("net-setup ended without an answer")
	case err != nil:
		return nil, fmt.Errorf("reading net-setup's answer: %w", err)
	case a.Error != "":
		return nil, hint.With(errors.New(a.Error), a.Hints...)
	}
	if err := a.validate(); err != nil {
		return nil, fmt.Errorf("reading net-setup's answer: %w", err)
	}
	return &a.Network, nil
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

// answer is what net-setup prints: a network, or to the process that began it,
// which prints all errors, what went wrong.
type answer struct {
	Network
	Error string   `json:"error,omitempty"`
	Hints []string `json:"hints,omitempty"`
}

// Answer encodes the outcome of Setup as one line of JSON.
func Answer(n *Network, err error) []byte {
	var v any = n
	if err != nil {
		v = struct {
			Error string   `json:"error"`
			Hints []string `json:"hints,omitempty"`
		}{err.Error(), hint.Of(err)}
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic("unc has a bug: " + err.Error())
	}
	return append(text, '\n')
}
