package netplumb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// ErrUsage is what net-setup says to arguments that are not exactly right.
var ErrUsage = errors.New("net-setup takes one process number, or - to read it from standard input, and nothing else")

// FromStdin in place of the process number is how unc run starts net-setup
// before the container exists.
const FromStdin = "-"

// parseArgs accepts one canonical decimal number of a process, or FromStdin.
func parseArgs(args []string) (pid int, fromInput bool, err error) {
	if len(args) != 1 {
		return 0, false, ErrUsage
	}
	if args[0] == FromStdin {
		return 0, true, nil
	}
	pid, err = parsePID(args[0])
	return pid, false, err
}

// parsePID accepts what the kernel prints for a process, and no other spelling.
func parsePID(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n <= 0 || n > math.MaxInt32 || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("%w; %.20q is not one", ErrUsage, text)
	}
	return int(n), nil
}

// errNoPID means that the other side went away without naming a process.
var errNoPID = errors.New("standard input ended before it named a process")

// readPID reads one line with a process number, and no more than that takes.
func readPID(r io.Reader) (int, error) {
	var line []byte
	var b [1]byte
	for len(line) <= len("2147483647") {
		n, err := r.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n':
			return parsePID(string(line))
		case n == 1:
			line = append(line, b[0])
		case errors.Is(err, io.EOF):
			return 0, errNoPID
		case err != nil:
			return 0, fmt.Errorf("reading a process number: %w", err)
		}
	}
	return 0, fmt.Errorf("%w; %.20q is not one", ErrUsage, bytes.TrimSpace(line))
}
