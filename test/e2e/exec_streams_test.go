package e2e

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExecStreams(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	c := h.living(rootfs)
	defer c.end()
	random := make([]byte, 4<<20)
	_, _ = rand.Read(random)
	for name, input := range map[string][]byte{
		"nothing":                  {},
		"without end of line":      []byte("a\nb"),
		"all that a tty would eat": []byte("\x00\x03\x04\x11\x13\x1a\x1c\r\n\xff"),
		"four megabytes at random": random,
	} {
		t.Run(name, func(t *testing.T) {
			c := c.of(t)
			cmd := c.exec([]string{"-i"}, "cat")
			cmd.Stdin = bytes.NewReader(input)
			if got := c.run(cmd).works(t); got != string(input) {
				t.Errorf("%d bytes came back of %d, or not the same", len(got), len(input))
			}
		})
	}
	t.Run("both outputs apart", func(t *testing.T) {
		c := c.of(t)
		got := c.run(c.exec(nil, "sh", "-c", "echo out; echo err >&2; exit 2"))
		if got != (result{"out\n", "err\n", 2}) {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("the end of input as soon as it is there", func(t *testing.T) {
		c := c.of(t)
		cmd := c.exec(nil, "sh", "-c", "cat; echo end; read x; exec sleep 1000")
		in, err := cmd.StdinPipe()
		must(t, err)
		out, err := cmd.StdoutPipe()
		must(t, err)
		c.start(cmd)
		expect := expectLines(t, out)
		_, err = io.WriteString(in, "text\n")
		must(t, err)
		expect("text")
		must(t, in.Close())
		expect("end")
		kill(t, cmd.Process.Pid, unix.SIGTERM)
		wait(t, cmd)
	})
	t.Run("the end of output when the command closes it", func(t *testing.T) {
		c := c.of(t)
		cmd := c.exec(nil, "sh", "-c", "echo last; exec >&- 2>&-; exec sleep 2000")
		out, err := cmd.StdoutPipe()
		must(t, err)
		c.start(cmd)
		if text, err := io.ReadAll(out); err != nil || string(text) != "last\n" {
			t.Errorf("read %q, %v", text, err)
		}
		c.sleeping("2000") // goes on
		kill(t, cmd.Process.Pid, unix.SIGTERM)
		if code := wait(t, cmd); code != 128+15 {
			t.Errorf("exit code %d, want the command's 143", code)
		}
	})
	t.Run("a reader that goes away", func(t *testing.T) {
		c := c.of(t)
		r, w, err := os.Pipe()
		must(t, err)
		cmd := c.exec(nil, "yes")
		cmd.Stdout = w
		c.start(cmd)
		must(t, w.Close())
		_, err = r.Read(make([]byte, 10))
		must(t, err)
		must(t, r.Close())
		if code := wait(t, cmd); code != 128+13 {
			t.Errorf("exit code %d, want that of SIGPIPE", code)
		}
	})
	t.Run("a directory", func(t *testing.T) {
		c := c.of(t)
		dir, err := os.Open(workDir)
		must(t, err)
		defer dir.Close()
		cmd := c.exec(nil, "ls", "/proc/self/fd/0/")
		cmd.Stdin = dir
		c.run(cmd).fails(t, "directory")
	})
	t.Run("closed ones", func(t *testing.T) {
		c := c.of(t)
		for _, redirections := range []string{"<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"} {
			script := `"$@" ` + redirections + `; echo "ended $?"`
			got := c.run(c.as(c.alice, "sh", "-c", script, "sh", unc, "exec", c.name, "sh", "-c", "exit 3"))
			if got.stdout != "ended 3\n" {
				t.Errorf("%s: stdout is %q, stderr %q; want the command's exit code", redirections, got.stdout, got.stderr)
			}
		}
	})
	t.Run("the caller's stay as they are", func(t *testing.T) {
		c := c.of(t)
		// How a pipe is open is shared by all who have it. Programs with an event loop, who
		// have made theirs non-blocking, would block.
		var fds [2]int
		must(t, unix.Pipe2(fds[:], unix.O_CLOEXEC))
		var ends [2]*os.File
		for i, fd := range fds {
			ends[i] = os.NewFile(uintptr(fd), "pipe") // while it blocks, or os/exec would see to that
			defer ends[i].Close()
			must(t, unix.SetNonblock(fd, true))
		}
		cmd := c.exec(nil, "true")
		cmd.Stdin, cmd.Stdout = ends[0], ends[1]
		c.run(cmd).works(t)
		for _, fd := range fds {
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
				t.Errorf("a pipe blocks now: flags %#o, %v", flags, err)
			}
		}
	})
}
