package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// over starts a container in a rootfs whose command fails, so that it is kept, and waits for that.
func (h *host) over(rootfs string, flags []string, command ...string) *living {
	h.t.Helper()
	args := append(append([]string{"run", "-d", "--name", "box", "--network", "none", "--rootfs", rootfs}, flags...), command...)
	h.run(h.unc(h.alice, args...)).works(h.t)
	h.run(h.unc(h.alice, "wait", "box")).works(h.t)
	return &living{host: h, name: "box"}
}

// logs runs unc logs, which must succeed.
func (c *living) logs(flags ...string) result {
	c.t.Helper()
	got := c.run(c.host.unc(c.alice, append(append([]string{"logs"}, flags...), c.name)...))
	got.works(c.t)
	return got
}

// removed removes a container that is kept, of which nothing is left.
func (c *living) removed() {
	c.t.Helper()
	c.run(c.host.unc(c.alice, "rm", c.name)).works(c.t)
	c.forgotten(c.alice)
}

func TestLogs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	begin := time.Now()
	c := h.livingWith(rootfs, []string{"--network", "none", "-i"}, "sh")
	shell, length := c.attach(), 0
	// Of two pipes nobody can tell which was written to first: each text is in the log before
	// the next is written.
	says := func(command, text string) {
		t.Helper()
		shell.types(command + "\n")
		length += len(text)
		eventually(t, text+" in the log", func() bool { got := c.logs(); return len(got.stdout)+len(got.stderr) == length })
	}
	for n := 1; n <= 5; n++ {
		says(fmt.Sprintf("echo out %d", n), "out 1\n")
		says(fmt.Sprintf("echo err %d >&2", n), "err 1\n")
	}
	says("printf part", "part")
	says("printf 'part err' >&2", "part err")
	shell.types("exit 3\n")
	h.run(h.unc(h.alice, "wait", c.name)).works(t)
	const out, errs = "out 1\nout 2\nout 3\nout 4\nout 5\npart", "err 1\nerr 2\nerr 3\nerr 4\nerr 5\npart err"
	for _, test := range []struct {
		flags     []string
		out, errs string
	}{
		{nil, out, errs},
		{[]string{"-f"}, out, errs},
		{[]string{"--tail", "all"}, out, errs},
		{[]string{"--tail=-1"}, out, errs},
		{[]string{"--tail", "100"}, out, errs},
		{[]string{"--tail", "0"}, "", ""},
		{[]string{"-n", "1"}, "", "part err"},
		{[]string{"-n", "4"}, "out 5\npart", "err 5\npart err"},
		{[]string{"-f", "--tail", "3"}, "part", "err 5\npart err"},
	} {
		if got := c.logs(test.flags...); got.stdout != test.out || got.stderr != test.errs {
			t.Errorf("%q: got %q and %q, want %q and %q", test.flags, got.stdout, got.stderr, test.out, test.errs)
		}
	}
	// Each line with the time when it was written, to the nanosecond, in UTC.
	got := c.logs("-t")
	for stream, want := range map[string]string{got.stdout: out, got.stderr: errs} {
		last := begin
		var text strings.Builder
		for line := range strings.Lines(stream) {
			stamp, rest, _ := strings.Cut(line, " ")
			at, err := time.Parse("2006-01-02T15:04:05.000000000Z", stamp)
			if err != nil || at.Before(last) || at.After(time.Now()) {
				t.Errorf("the line %q: %v, want a time between %v and now", line, err, last)
			}
			last = at
			text.WriteString(rest)
		}
		if text.String() != want {
			t.Errorf("-t: got %q, want %q", text.String(), want)
		}
	}
	for _, wrong := range []string{"some", "-2", "1.5", ""} {
		h.run(h.unc(h.alice, "logs", "--tail="+wrong, "box")).fails(t, "--tail")
	}
	h.run(h.unc(h.bob, "logs", "box")).fails(t, `no container of yours is called "box"`)
	c.removed()
	h.run(h.unc(h.alice, "logs", "box")).fails(t, `no container of yours is called "box"`)
}

func TestLogsOfOneInTheForeground(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := h.shell(h.alice, busyboxRootfs(t, h.alice), "--name", "front")
	h.run(h.unc(h.alice, "logs", "front")).fails(t, "writes to where it was started", "hint: unc run --detach ")
	s.end()
}

// Whatever a container writes, the log gives back.
func TestLogsAreBinary(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	random := make([]byte, 1<<20)
	_, _ = rand.Read(random)
	for name, text := range map[string][]byte{
		"random":             random,
		"a line of megabyte": bytes.Repeat([]byte("x"), 1<<20),
		"nothing but ends":   bytes.Repeat([]byte("\n"), 5000),
		"a log of its own":   bytes.Repeat([]byte("2026-11-23T23:40:00.123456789Z unc F begins at 1048576\n"), 100),
		"control characters": []byte("\x1b[2J\x00\r\n\x7f\x9b\xff\xfe"),
	} {
		t.Run(name, func(t *testing.T) {
			h := h.with(t)
			path := filepath.Join(rootfs, "tmp", "text")
			must(t, os.WriteFile(path, text, 0o644))
			c := h.over(rootfs, []string{"--log-opt", "max-size=16m"}, "sh", "-c", "cat /tmp/text; cat /tmp/text >&2; exit 1")
			got := c.logs()
			if got.stdout != string(text) || got.stderr != string(text) {
				t.Errorf("%d and %d bytes came back of %d, or others", len(got.stdout), len(got.stderr), len(text))
			}
			c.removed()
		})
	}
}

// A log takes no more room than it may, and has the latest. Who follows it sees all.
func TestLogsAreBounded(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	const limit, lines = 128 << 10, 100_000 // about 10 MB
	c := h.livingWith(rootfs, []string{"--network", "none", "--log-opt", "max-size=128k"}, "sh", "-c",
		untilTold+fmt.Sprintf(`yes "$(printf %%0100d 7)" | head -n %d; echo last; exit 1`, lines))
	dir := fmt.Sprintf("/tmp/unc-%d/box", h.alice.uid)
	size := func() (sum int64) {
		logs, _ := filepath.Glob(filepath.Join(dir, "log*"))
		for _, path := range logs {
			if st, err := os.Stat(path); err == nil {
				sum += st.Size()
			}
		}
		return sum
	}
	follower := h.begin(h.unc(h.alice, "logs", "-f", "box"))
	h.follows(follower.pid())
	ended := make(chan int, 1)
	waiting := h.unc(h.alice, "wait", "box")
	h.start(waiting)
	go func() { ended <- wait(t, waiting) }()
	tell(t, rootfs)
	most := int64(0)
	for over := false; !over; {
		select {
		case <-ended:
			over = true
		default:
		}
		most = max(most, size())
	}
	// Between the two steps of a rotation there may seem to be one more.
	if most > limit*3/2 || most < limit/4 {
		t.Errorf("the log took up to %d bytes, want at most %d", most, limit)
	}
	if kept := size(); kept > limit || kept < limit/3 {
		t.Errorf("the log has %d bytes, want %d at most and not much less", kept, limit)
	}
	seen := follower.result()
	// What it was too slow for, it has said.
	if got := strings.Count(seen.stdout, "\n"); got != lines+1 && !strings.Contains(seen.stderr, "were overwritten before they were read") {
		t.Errorf("%d of %d lines were shown, and of the others nothing was said: %.300q", got, lines, seen.stderr)
	}
	if !strings.HasSuffix(seen.stdout, "7\nlast\n") {
		t.Errorf("the last that was shown is %q", seen.stdout[max(0, len(seen.stdout)-300):])
	}
	got := c.logs()
	if n := strings.Count(got.stdout, "\n"); n < limit/3/150 || strings.Trim(got.stdout, "07\n") != "last" || got.stderr != "" {
		t.Errorf("the log has %d lines, to %q", n, got.stdout[max(0, len(got.stdout)-300):])
	}
	for _, wrong := range []string{"max-size=63k", "max-size=x", "max-file=3", "max-size"} {
		h.run(h.unc(h.alice, "run", "-d", "--log-opt", wrong, "true")).fails(t, "--log-opt")
	}
	h.run(h.unc(h.alice, "run", "--log-opt", "max-size=1m", "true")).fails(t, "--log-opt means nothing without --detach")
	c.removed()
}

// Of a container with a terminal there is one stream, as it was for a person.
func TestLogsOfATerminal(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.over(busyboxRootfs(t, h.alice), []string{"-t"}, "sh", "-c", `tty; echo "TERM is $TERM"; echo err >&2; seq 1 5000; exit 3`)
	got := c.logs()
	if want := "/dev/pts/0\r\nTERM is xterm\r\nerr\r\n1\r\n2\r\n"; !strings.HasPrefix(got.stdout, want) || !strings.HasSuffix(got.stdout, "\r\n5000\r\n") || got.stderr != "" {
		t.Errorf("got %.60q...%q and %q", got.stdout, got.stdout[max(0, len(got.stdout)-20):], got.stderr)
	}
	c.removed()
}
