package netplumb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"unc/internal/hint"
)

// Helper is a net-setup process, started and waiting to be told for which
// process. Starting it takes longer than making namespaces does; begun first,
// it is ready when they are.
type Helper struct {
	process *os.Process
	pid     *os.File // to its standard input
	result  *os.File // from its standard output
}

// maxResult bounds what is read of net-setup's answer, in bytes.
const maxResult = 64 << 10

// Begin starts net-setup. Executing our own file gives it the capability that
// this process has given up.
func Begin() (*Helper, error) {
	const doing = "starting net-setup"
	stdin, pid, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer stdin.Close()
	result, stdout, err := os.Pipe()
	if err != nil {
		pid.Close()
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer stdout.Close()
	process, err := os.StartProcess("/proc/self/exe", []string{"unc", "net-setup", FromStdin}, &os.ProcAttr{
		Env:   []string{"GOMAXPROCS=1"}, // it does one thing after the other
		Files: []*os.File{stdin, stdout, os.Stderr},
	})
	if err != nil {
		pid.Close()
		result.Close()
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return &Helper{process, pid, result}, nil
}

// Attach has the network namespace of pid attached and returns what it got. The
// helper has done all it does then; Close waits for its end.
func (h *Helper) Attach(pid int) (*Network, error) {
	// If it has ended already, its answer says why.
	_, _ = fmt.Fprintf(h.pid, "%d\n", pid)
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
	h.pid.Close()
	h.result.Close()
	_, _ = h.process.Wait()
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
