package nsexec

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminalFor gives a command one of the box's, and what controls it.
func (b *box) terminalFor(t *testing.T, cmd *Command) *os.File {
	t.Helper()
	controlling, tty, err := b.NewTerminal()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { controlling.Close() })
	t.Cleanup(func() { tty.Close() })
	cmd.Streams, cmd.Terminal = [3]*os.File{}, tty
	return controlling
}

// lines reads what comes from a terminal. A command that says nothing fails the test.
func lines(t *testing.T, f *os.File) func() string {
	t.Helper()
	said := make(chan string, 100)
	go func() {
		defer close(said)
		for scanner := bufio.NewScanner(f); scanner.Scan(); {
			said <- scanner.Text()
		}
	}()
	return func() string {
		t.Helper()
		select {
		case line := <-said:
			return line
		case <-time.After(time.Until(soon())):
			t.Fatal("the command says nothing")
			return ""
		}
	}
}

// childAtTerminal tells what it is on, and that it gets the signal of Ctrl-C.
func childAtTerminal() error {
	told := make(chan os.Signal, 1)
	signal.Notify(told, unix.SIGINT)
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	name, err := os.Readlink("/proc/self/fd/0")
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(0, &st); err != nil {
		return err
	}
	again, err := os.OpenFile(name, os.O_RDWR, 0) // as anybody would
	if err != nil {
		return err
	}
	foreground, err := unix.IoctlGetInt(int(again.Fd()), unix.TIOCGPGRP)
	if err != nil || foreground != os.Getpid() || int(st.Uid) != os.Getuid() {
		return errors.Join(err, errors.New("the terminal is not the command's"))
	}
	if _, err := tty.WriteString(name + "\n"); err != nil {
		return err
	}
	<-told
	_, err = tty.WriteString("interrupted\n")
	return err
}

// A command has a terminal of the container's for its own: with a name in there, job
// control, and signals from keys.
func TestExecTerminal(t *testing.T) {
	for _, test := range []struct {
		name string
		spec func(*Spec)
		want string
	}{
		{"the first", func(*Spec) {}, "/dev/pts/0"},
		{"beside the container's", func(s *Spec) { s.Terminal[1] = true }, "/dev/pts/1"},
		{"without capabilities", func(s *Spec) { s.Capabilities = 0 }, "/dev/pts/0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := running(t, test.spec)
			cmd := command("terminal")
			controlling := b.terminalFor(t, cmd)
			p := b.exec(t, cmd)
			next := lines(t, controlling)
			if got := next(); got != test.want {
				t.Errorf("got terminal %q, want %q", got, test.want)
			}
			if _, err := controlling.WriteString("\x03"); err != nil {
				t.Fatal(err)
			}
			if got := next(); got != "^Cinterrupted" {
				t.Errorf("got %q, want that it was interrupted", got)
			}
			if got := p.Wait(); got != 0 {
				t.Errorf("got exit code %d, want 0", got)
			}
		})
	}
}

// A terminal is at an end when its command is: nobody else in the container has it.
func TestExecTerminalEnds(t *testing.T) {
	b := running(t)
	cmd := command("exit", "0")
	controlling := b.terminalFor(t, cmd)
	p := b.exec(t, cmd)
	cmd.Terminal.Close()
	if got := p.Wait(); got != 0 {
		t.Errorf("got exit code %d, want 0", got)
	}
	if _, err := io.ReadAll(controlling); !errors.Is(err, unix.EIO) {
		t.Errorf("got %v, want %v, the end of a terminal (pty(7))", err, unix.EIO)
	}
}

// Only some of a command's descriptors may be the terminal.
func TestExecTerminalAndFile(t *testing.T) {
	b := running(t)
	cmd := command("exit", "0")
	streams := cmd.Streams
	b.terminalFor(t, cmd)
	cmd.Streams[2] = streams[2]
	if got := b.exec(t, cmd).Wait(); got != 0 {
		t.Errorf("got exit code %d, want 0", got)
	}
}

const ptmx = "/dev/pts/ptmx"

// childTakesTerminals tries to put something of its own in the place from which terminals
// come, and says what worked. Then it waits.
func childTakesTerminals() error {
	var worked []string
	for _, way := range []struct {
		name string
		do   func() error
	}{
		{"removing", func() error { return unix.Unlink(ptmx) }},
		{"renaming", func() error { return unix.Rename(ptmx, "/dev/pts/other") }},
		{"making", func() error { return unix.Mknod("/dev/pts/other", unix.S_IFREG|0o666, 0) }},
		{"linking", func() error { return unix.Symlink("/test", "/dev/pts/link") }},
		{"making a directory", func() error { return unix.Mkdir("/dev/pts/dir", 0o777) }},
		{"mounting over it", func() error { return unix.Mount("/test", ptmx, "", unix.MS_BIND, "") }},
		{"mounting over all", func() error { return unix.Mount("tmpfs", "/dev/pts", "tmpfs", 0, "") }},
		{"closing it", func() error { return unix.Chmod(ptmx, 0) }},
	} {
		if way.do() == nil {
			worked = append(worked, way.name)
		}
	}
	if err := save(worked); err != nil {
		return err
	}
	return childIsSignalled()
}

// Whatever root inside does to /dev/pts, with all capabilities: what NewTerminal opens is
// a terminal, or nothing.
func TestHostileTerminals(t *testing.T) {
	for _, test := range []struct {
		name         string
		capabilities Capabilities
		worked       []string
		want         error
	}{
		{"the usual capabilities", DefaultCapabilities, []string{"closing it"}, unix.EACCES},
		{"all capabilities", AllCapabilities, []string{"mounting over it", "mounting over all"}, unix.EXDEV},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			b := newBox(t, "terminals", func(s *Spec) {
				s.Capabilities = test.capabilities
				s.Mounts = append(s.Mounts, Mount{Source: dir, Target: resultDir})
			})
			awaitReady(t, dir, func() { b.release(t) })
			var worked []string
			load(t, b.result, &worked)
			// With something over /dev/pts, ptmx can't be closed; what is over it has been.
			if got := strings.Join(worked, ", "); !strings.HasPrefix(got, strings.Join(test.worked, ", ")) {
				t.Errorf("got %q done to it, want %q", worked, test.worked)
			}
			if os.Getuid() == 0 && errors.Is(test.want, unix.EACCES) {
				test.want = nil // this process may open what it likes
			}
			controlling, tty, err := b.NewTerminal()
			if !errors.Is(err, test.want) {
				t.Errorf("got error %v, want %v", err, test.want)
			}
			if err == nil {
				controlling.Close()
				tty.Close()
			}
		})
	}
}
