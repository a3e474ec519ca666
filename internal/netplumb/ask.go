package netplumb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"unc/internal/hint"
)

// Report has net-setup read what the kernel knows of unc's network.
func Report() (*Status, error) { return ask[Status](0, reportWord) }

// Reload has net-setup put back what is missing of it, and read it then.
func Reload() (*Status, error) { return ask[Status](0, reloadWord) }

// forCheckup is how long a checkup may take; some milliseconds are usual.
const forCheckup = 2 * time.Second

// Examine has net-setup look at all that the caller's network depends on. It returns
// within seconds.
func Examine() (*Checkup, error) { return ask[Checkup](forCheckup, checkupWord) }

// forRelease is how long a release may take, during which nobody can claim a name.
const forRelease = 10 * time.Second

// Release has net-setup delete the link of the caller's container that is called name,
// so that name and address are free when it returns. That there is none is no error. It
// is for a container whose supervisor was killed; one that runs is cut off.
func Release(name string) error {
	_, err := runSetup(forRelease, releaseWord, name)
	return err
}

// ask is runSetup for what has an answer.
func ask[T any](limit time.Duration, args ...string) (*T, error) {
	text, err := runSetup(limit, args...)
	if err != nil {
		return nil, err
	}
	answer := new(T)
	if err := json.Unmarshal(text, answer); err != nil {
		return nil, fmt.Errorf("reading net-setup's answer: %w", err)
	}
	return answer, nil
}

// runSetup runs net-setup to its end, of which limit makes sure unless it is 0, and returns
// what it prints.
func runSetup(limit time.Duration, args ...string) ([]byte, error) {
	const doing = "running net-setup"
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer out.Close()
	// No standard input, and nothing of the caller's environment. It prints either an
	// answer or an error, so that one pipe does for both.
	process, err := os.StartProcess("/proc/self/exe", append([]string{"unc", "net-setup"}, args...), &os.ProcAttr{
		Env: []string{}, Files: []*os.File{nil, in, in},
	})
	in.Close()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if limit > 0 {
		defer time.AfterFunc(limit, func() { _ = process.Kill() }).Stop()
	}
	text, failed := io.ReadAll(out)
	state, err := process.Wait()
	switch {
	case errors.Join(failed, err) != nil:
		return nil, fmt.Errorf("%s: %w", doing, errors.Join(failed, err))
	case !state.Exited():
		return nil, fmt.Errorf("%s: it was ended: %v", doing, state)
	case !state.Success():
		if err := printedError(string(text)); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %v: %.200s", doing, state, text)
	}
	return text, nil
}

// printedError is the error that unc has printed, with its hints; nil where it was not
// unc that printed, but the Go runtime, say, for want of memory.
func printedError(text string) error {
	var message string
	var hints []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m, ok := strings.CutPrefix(line, "unc: "); ok && message == "" {
			message = m
		} else if h, ok := strings.CutPrefix(line, "hint: "); ok && message != "" {
			hints = append(hints, h)
		} else {
			return nil
		}
	}
	if message == "" {
		return nil
	}
	return hint.With(errors.New(message), hints...)
}
