package netplumb

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"unc/internal/name"
	"unc/internal/ports"
)

// Request is what a caller wants from net-setup.
type Request struct {
	PID     int             // whose network namespace to attach
	Name    string          // the container's, or empty
	Address netip.Addr      // the lease it must be, or invalid
	Publish []ports.Mapping // which sockets to open on the host
}

// FromStdin in place of the process number is how unc run starts net-setup
// before the container exists: the request comes as a line of pairs.
const FromStdin = "-"

// errUsage is what net-setup says to arguments that are not exactly right.
var errUsage = errors.New("net-setup takes [--name=NAME] [--ip=ADDRESS] PID, or one of -, report, checkup, reload, remove and release NAME")

// parseArgs reads a request from the command line. Each argument is in its one
// canonical spelling, or refused.
func parseArgs(args []string) (r Request, err error) {
	if len(args) == 0 {
		return r, errUsage
	}
	seen := map[string]bool{}
	for _, arg := range args[:len(args)-1] {
		flag, value, found := strings.Cut(arg, "=")
		key, known := map[string]string{"--name": keyName, "--ip": keyAddress}[flag]
		if !found || !known || seen[key] {
			return r, fmt.Errorf("%w; %.40q is none of these", errUsage, arg)
		}
		seen[key] = true
		if err := r.set(key, value); err != nil {
			return r, err
		}
	}
	return r, r.set(keyPID, args[len(args)-1])
}

// The keys of a request's line.
const (
	keyPID     = "pid"
	keyName    = "name"
	keyAddress = "ip"
	keyPublish = "publish"
)

// line is the request as net-setup reads it.
func (r *Request) line() []byte {
	line := appendPair(nil, keyPID, strconv.Itoa(r.PID))
	if r.Name != "" {
		line = appendPair(line, keyName, r.Name)
	}
	if r.Address.IsValid() {
		line = appendPair(line, keyAddress, r.Address.String())
	}
	for _, m := range r.Publish {
		line = appendPair(line, keyPublish, m.String())
	}
	return append(line, '\n')
}

// set takes one pair, in the only spelling that line has for it.
func (r *Request) set(key, value string) (err error) {
	again := key == keyPID && r.PID != 0 || key == keyName && r.Name != "" || key == keyAddress && r.Address.IsValid()
	if again {
		return fmt.Errorf("%w; there is more than one %s", errUsage, key)
	}
	switch key {
	case keyPID:
		r.PID, err = parsePID(value)
	case keyName:
		r.Name = value
		err = name.Check(value)
	case keyAddress:
		r.Address, err = netip.ParseAddr(value)
		if err != nil || !r.Address.Is4() || r.Address.String() != value {
			err = fmt.Errorf("%w; %.40q is not an IPv4 address", errUsage, value)
		}
	case keyPublish:
		var m ports.Mapping
		m, err = ports.ParseMapping(value)
		r.Publish = append(r.Publish, m)
	default:
		err = fmt.Errorf("%w; %.20q is no part of a request", errUsage, key)
	}
	return err
}

// parsePID accepts what the kernel prints for a process, and no other spelling.
func parsePID(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("%w; %.20q is not a process number", errUsage, text)
	}
	return int(n), nil
}

// errNoRequest means that the other side went away without a request.
var errNoRequest = errors.New("standard input ended before it named a process")

// maxRequest bounds a request's line, in bytes.
const maxRequest = 64 << 10

// readRequest reads one line, and refuses what comes with it.
func readRequest(from io.Reader) (r Request, err error) {
	var text []byte
	buf := make([]byte, 4<<10)
	for len(text) == 0 || text[len(text)-1] != '\n' {
		n, err := from.Read(buf)
		text = append(text, buf[:n]...)
		switch {
		case len(text) > maxRequest:
			return r, fmt.Errorf("%w; the request is longer than %d bytes", errUsage, maxRequest)
		case n > 0:
		case errors.Is(err, io.EOF):
			return r, errNoRequest
		case err != nil:
			return r, fmt.Errorf("reading a request: %w", err)
		}
	}
	if err := eachPair(string(text), r.set); err != nil {
		return r, fmt.Errorf("reading a request: %w", err)
	}
	if r.PID == 0 {
		return r, errNoRequest
	}
	return r, nil
}
