package e2e

import (
	"bytes"
	"crypto/rand"
	"os"
	"testing"
)

func TestStreamsPassByteForByte(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	staysTheSame(t, rootfs)
	random := make([]byte, 1<<20)
	_, _ = rand.Read(random)
	for name, input := range map[string][]byte{
		"nothing":                  {},
		"one letter":               []byte("x"),
		"without end of line":      []byte("a\nb"),
		"all that a tty would eat": []byte("\x00\x03\x04\x11\x13\x1a\x1c\r\n\xff"),
		"a megabyte at random":     random,
	} {
		t.Run(name, func(t *testing.T) {
			h := h.of(t)
			cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "cat")
			cmd.Stdin = bytes.NewReader(input)
			if got := h.run(cmd).works(t); got != string(input) {
				t.Errorf("%d bytes came back of %d, or not the same", len(got), len(input))
			}
		})
	}
}

func TestStandardErrorIsKeptApart(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	got := h.run(h.unc(h.alice, "run", "sh", "-c", "echo out; echo err >&2"))
	if got.works(t) != "out\n" || got.stderr != "err\n" {
		t.Errorf("stdout %q, stderr %q; want only what the command wrote", got.stdout, got.stderr)
	}
}

func TestAReaderThatGoesAwayEndsTheCommand(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	r, w, err := os.Pipe()
	must(t, err)
	cmd := h.unc(h.alice, "run", "yes")
	cmd.Stdout = w
	h.start(cmd)
	must(t, w.Close())
	_, err = r.Read(make([]byte, 10))
	must(t, err)
	must(t, r.Close())
	if code := wait(t, cmd); code != 128+13 {
		t.Errorf("exit code %d, want that of SIGPIPE", code)
	}
}

func TestADirectoryIsNotPassedIn(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	dir, err := os.Open(workDir)
	must(t, err)
	defer dir.Close()
	cmd := h.unc(h.alice, "run", "--rootfs", rootfs, "ls", "/proc/self/fd/0/")
	cmd.Stdin = dir
	h.run(cmd).fails(t, "directory")
}

func TestClosedDescriptors(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, redirections := range []string{"<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", "<&- >&- 2>&-"} {
		script := `"$@" ` + redirections + `; echo "ended $?"`
		got := h.run(h.as(h.alice, "sh", "-c", script, "sh", unc, "run", "--rootfs", rootfs, "sh", "-c", "exit 3"))
		if got.stdout != "ended 3\n" {
			t.Errorf("%s: stdout is %q, stderr %q; want the command's exit code", redirections, got.stdout, got.stderr)
		}
	}
}
