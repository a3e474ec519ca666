package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// helper is a net-setup that is told on a socket what to do, as unc's is.
type helper struct {
	t    *testing.T
	cmd  *exec.Cmd
	sock *os.File // ours
}

// helps starts cmd, which is net-setup with "-", on a socket.
func (h *host) helps(cmd *exec.Cmd) *helper {
	h.t.Helper()
	ours, theirs := socketPair(h.t)
	cmd.Stdin, cmd.Stdout = theirs, theirs
	h.start(cmd)
	theirs.Close()
	return &helper{h.t, cmd, ours}
}

// socketPair has one end for the test to use, and another that blocks.
func socketPair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, unix.SetNonblock(ends[0], true)) // for package os to wait beside other things
	ours, theirs = os.NewFile(uintptr(ends[0]), "ours"), os.NewFile(uintptr(ends[1]), "theirs")
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs
}

// attach is the request for a process and nothing more.
func (s *helper) attach(pid int) { s.ask(fmt.Sprintf("pid=\"%d\"\n", pid)) }

// ask sends something. It may have ended before it has read all of that.
func (s *helper) ask(request string) {
	s.t.Helper()
	if _, err := s.sock.WriteString(request); err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		s.t.Fatalf("asking net-setup: %v", err)
	}
}

// hangUp tells that there is no more to come.
func (s *helper) hangUp() {
	s.t.Helper()
	raw, err := s.sock.SyscallConn()
	must(s.t, err)
	must(s.t, raw.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_WR) }))
	if err != nil && !errors.Is(err, unix.ENOTCONN) {
		s.t.Fatalf("hanging up: %v", err)
	}
}

// ended waits for its end, and returns its exit code and what it has answered.
func (s *helper) ended() (answer string, code int) {
	s.t.Helper()
	text, err := io.ReadAll(s.sock)
	if err != nil && !errors.Is(err, unix.ECONNRESET) { // it has not read all that we wrote
		s.t.Fatalf("hearing from net-setup: %v", err)
	}
	return string(text), wait(s.t, s.cmd)
}
