package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// session is a shell into which a test types one script after the other,
// through a pipe: most of the time one in a container.
type session struct {
	h      *host
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer // complete when the session has ended
}

// open starts cmd, which is to become a shell, and returns when that answers.
func (h *host) open(cmd *exec.Cmd) *session {
	h.t.Helper()
	s := &session{h: h, cmd: cmd}
	in, err := cmd.StdinPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	s.in, s.out = in, bufio.NewReader(out)
	cmd.Stderr = &s.stderr
	h.start(cmd)
	s.do("true")
	return s
}

// shell opens a shell in a container with this rootfs and these flags of run.
func (h *host) shell(u user, rootfs string, flags ...string) *session {
	h.t.Helper()
	return h.open(h.unc(u, append(append([]string{"run", "--rootfs", rootfs}, flags...), "sh")...))
}

// bare opens a shell in a network namespace made by somebody else than unc.
func (h *host) bare(u user) *session {
	h.t.Helper()
	return h.open(h.as(u, "unshare", "-Urn", "sh"))
}

// try runs a script and returns all it printed, and its exit code.
func (s *session) try(script string) (output string, code int) {
	s.h.t.Helper()
	const mark = "@@ended with "
	_, err := fmt.Fprintf(s.in, "{ %s\n} </dev/null 2>&1; echo '%s'$?\n", script, mark)
	for err == nil {
		var line string
		line, err = s.out.ReadString('\n')
		before, after, ended := strings.Cut(line, mark)
		output += before
		if ended {
			code, err = strconv.Atoi(strings.TrimSpace(after))
			if err == nil {
				return output, code
			}
		}
	}
	_ = s.in.Close()
	code = wait(s.h.t, s.cmd)
	s.h.t.Fatalf("the shell ended over %q with exit code %d: %v\nstdout: %s\nstderr: %s", script, code, err, output, &s.stderr)
	return "", 0
}

// do is try for a script that must succeed.
func (s *session) do(script string) string {
	s.h.t.Helper()
	output, code := s.try(script)
	if code != 0 {
		s.h.t.Fatalf("%s: exit code %d: %s", script, code, output)
	}
	return output
}

// end ends the shell, waits for that, and returns its exit code.
func (s *session) end() int {
	s.h.t.Helper()
	_ = s.in.Close()
	return s.ended()
}

// ended waits for the end of a shell that something else ends.
func (s *session) ended() int {
	s.h.t.Helper()
	_, _ = io.Copy(io.Discard, s.out)
	return wait(s.h.t, s.cmd)
}

// pid is unc's in a container, and the shell's own in a bare one.
func (s *session) pid() int { return s.cmd.Process.Pid }

// init is the host's number of the container's process 1.
func (s *session) init() int {
	s.h.t.Helper()
	return childNumbered(s, s.pid(), "1")
}

// command is the host's number of the container's shell, which is process 2.
func (s *session) command() int {
	s.h.t.Helper()
	return childNumbered(s, s.init(), "2")
}

// childNumbered finds the child of a process that has this number in its own
// PID namespace.
func childNumbered(s *session, parent int, number string) int {
	s.h.t.Helper()
	for _, pid := range processesOf(s.h.alice, s.h.bob) {
		status := statusOf(pid)
		numbers := strings.Fields(status["NSpid"])
		if status["PPid"] == strconv.Itoa(parent) && len(numbers) > 1 && numbers[len(numbers)-1] == number {
			return pid
		}
	}
	s.h.t.Fatalf("process %d has no child with number %s in its namespace", parent, number)
	return 0
}

// readProc reads a file of /proc/PID.
func (h *host) readProc(pid int, name string) string {
	h.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}
