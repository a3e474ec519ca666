package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExecExitCodes(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for name, text := range map[string]string{"no-interpreter": "#!/bin/nowhere\n", "no-program": "just words\n"} {
		must(t, makeScript(filepath.Join(rootfs, "bin", name), text))
	}
	must(t, os.WriteFile(filepath.Join(rootfs, "bin/plain"), nil, 0o644))
	giveTo(t, h.alice, rootfs)
	staysTheSame(t, rootfs)
	c := h.living(rootfs)
	defer c.end()
	for _, test := range []struct {
		name string
		args []string
		want int
		says string // on stderr; "" is silence
	}{
		{"success", []string{"box", "true"}, 0, ""},
		{"a failure", []string{"box", "false"}, 1, ""},
		{"one of the command's", []string{"box", "sh", "-c", "exit 7"}, 7, ""},
		{"the highest", []string{"box", "sh", "-c", "exit 255"}, 255, ""},
		{"unc's own from a command", []string{"box", "sh", "-c", "exit 125"}, 125, ""},
		{"SIGTERM", []string{"box", "sh", "-c", "kill -TERM $$"}, 128 + 15, ""},
		{"SIGKILL", []string{"box", "sh", "-c", "kill -KILL $$"}, 128 + 9, ""},
		{"a dash after the name", []string{"box", "--", "sh", "-c", "exit 3"}, 3, ""},
		{"flags of the command", []string{"box", "echo", "-e", "-w"}, 0, ""},
		{"a flag that is none", []string{"--nonsense", "box", "true"}, 125, "nonsense"},
		{"no name", nil, 125, "name"},
		{"no command", []string{"box"}, 125, "command"},
		{"an empty command", []string{"box", ""}, 125, "command"},
		{"a name that nothing can have", []string{"../box", "true"}, 125, "../box"},
		{"unknown", []string{"boxx", "true"}, 125, `no container of yours is called "boxx"`},
		{"no such directory", []string{"-w", "/nowhere", "box", "true"}, 125, `"/nowhere": no such file or directory`},
		{"no directory", []string{"-w", "/bin/sh", "box", "true"}, 125, `"/bin/sh": not a directory`},
		{"no absolute directory", []string{"-w", "bin", "box", "true"}, 125, `"bin"`},
		{"a user that is nobody", []string{"-u", "erin", "box", "true"}, 125, "hint: unc exec -u 1000:1000 box COMMAND "},
		{"not executable", []string{"box", "/bin/plain"}, 126, "not executable"},
		{"no program", []string{"box", "no-program"}, 126, "a program for this machine"},
		{"a directory", []string{"box", "/bin"}, 126, "not executable"},
		{"not found", []string{"box", "nowhere-at-all"}, 127, `"nowhere-at-all"`},
		{"no interpreter", []string{"box", "no-interpreter"}, 127, "interpreter"},
		{"not found, detached", []string{"-d", "box", "nowhere-at-all"}, 127, `"nowhere-at-all"`},
		{"a terminal where there is none", []string{"-t", "box", "true"}, 125, "--tty: standard input is no terminal"},
		{"a terminal for nobody", []string{"-d", "-t", "box", "true"}, 125, "--tty means nothing with --detach"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := c.of(t)
			got := c.run(c.host.unc(c.alice, append([]string{"exec"}, test.args...)...))
			if got.code != test.want {
				t.Errorf("exit code %d, want %d; stderr: %s", got.code, test.want, got.stderr)
			}
			if test.says != "" {
				got.says(t, test.says)
			} else if got.stderr != "" {
				t.Errorf("stderr is %q, want silence", got.stderr)
			}
			if test.want > 0 && got.stdout != "" {
				t.Errorf("stdout is %q, want silence", got.stdout)
			}
		})
	}
}

// What execve takes of arguments arrives as it was typed, and what it does not is said.
func TestExecArguments(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice))
	defer c.end()
	for _, arg := range []string{"", " ", "-e", "a\nb", "\x01\x7f", "café", "caf\xe9", "\xff\xfe", strings.Repeat("x", 100<<10)} {
		// busybox's echo would read a backslash.
		if got := c.run(c.exec(nil, "printf", "%s.", arg)).works(t); got != arg+"." {
			t.Errorf("got %.20q, want %.20q", got, arg)
		}
		if got := c.run(c.exec([]string{"-e", "A=" + arg}, "sh", "-c", `printf %s. "$A"`)).works(t); got != arg+"." {
			t.Errorf("in the environment, got %.20q, want %.20q", got, arg)
		}
	}
	must(t, os.Mkdir(fmt.Sprintf("/proc/%d/root/tmp/caf\xe9", c.PID), 0o755))
	if got := c.run(c.exec([]string{"-w", "/tmp/caf\xe9"}, "pwd")).works(t); got != "/tmp/caf\xe9\n" {
		t.Errorf("the working directory is %q", got)
	}
	many := slices.Repeat([]string{strings.Repeat("x", 60<<10)}, 25)
	if got := c.run(c.exec(nil, append([]string{"sh", "-c", "echo $#", "sh"}, many...)...)).works(t); got != "25\n" {
		t.Errorf("%q of 25 long arguments have arrived", got)
	}
	// With an environment that the caller's own execve knows nothing of.
	file := filepath.Join(newDir(t, h.alice), "env")
	must(t, os.WriteFile(file, []byte(manyVariables(14)), 0o644))
	got := c.run(c.exec([]string{"--env-file", file}, append([]string{"true"}, many...)...))
	if got.code != 126 {
		t.Errorf("exit code %d, want that of what is not executable", got.code)
	}
	got.says(t, "argument list too long")
}

func manyVariables(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "A%d=%s\n", i, strings.Repeat("x", 60<<10))
	}
	return text.String()
}

func TestExecWhereItCannotBe(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	t.Run("--no-init", func(t *testing.T) {
		h := h.with(t)
		c := h.living(rootfs, "--no-init")
		defer c.end()
		c.run(c.exec(nil, "true")).fails(t, "--no-init")
		c.run(c.exec([]string{"-d"}, "true")).fails(t, "--no-init")
	})
	t.Run("one that is kept", func(t *testing.T) {
		h := h.with(t)
		c := h.detached(h.alice, rootfs, "--name", "box", "false")
		h.run(h.unc(h.alice, "wait", c)).works(t)
		h.run(h.unc(h.alice, "exec", c, "true")).fails(t, `container "box" has ended`, "hint: unc logs box")
		h.run(h.unc(h.alice, "rm", c)).works(t)
		h.forgotten(h.alice)
	})
	t.Run("one that has ended", func(t *testing.T) {
		h := h.with(t)
		h.living(rootfs).end()
		h.run(h.unc(h.alice, "exec", "box", "true")).fails(t, `no container of yours is called "box"`, "hint: unc ps")
	})
	t.Run("somebody else's", func(t *testing.T) {
		h := h.with(t)
		c := h.living(rootfs)
		defer c.end()
		h.run(h.unc(h.bob, "exec", "box", "true")).fails(t, `no container of yours is called "box"`)
	})
	t.Run("one in the foreground", func(t *testing.T) {
		h := h.with(t)
		s := h.shell(h.alice, rootfs, "--name", "box")
		if got := h.run(h.unc(h.alice, "exec", "box", "cat", "/proc/1/comm")).works(t); got != "unc-init\n" {
			t.Errorf("process 1 is %q", got)
		}
		s.end()
	})
}

// -d leaves the command to itself.
func TestExecDetached(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice))
	defer c.end()
	got := c.run(c.exec([]string{"-d"}, "sh", "-c", `ls -l /proc/self/fd >/tmp/fds; exec sleep 2000`))
	if got != (result{}) {
		t.Errorf("unc exec -d said %+v, want nothing", got)
	}
	pid := h.sleeping("2000")
	for fd := range 3 {
		if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd)); to != "/dev/null" {
			t.Errorf("descriptor %d is %q, want /dev/null", fd, to)
		}
	}
	// It is nobody's but the container's: its end is not waited for, and leaves no zombie.
	kill(t, pid, unix.SIGKILL)
	eventually(t, "no process of it", func() bool { _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); return err != nil })
	c.run(c.exec([]string{"-d"}, "sleep", "2000")).works(t)
	h.sleeping("2000") // until the container ends
}

func TestManyExecs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c := h.living(busyboxRootfs(t, h.alice), "--network", "none")
	defer c.end()
	before := openFiles(t, c.Supervisor)
	const many = 100
	var group sync.WaitGroup
	var ins [many]io.Closer
	var asking [many]*started
	for i := range many {
		cmd := c.exec(nil, "sh", "-c", fmt.Sprintf("cat; echo of %d; exit %d", i, i))
		in, err := cmd.StdinPipe()
		must(t, err)
		ins[i], asking[i] = in, h.begin(cmd)
	}
	eventually(t, "all of them at the same time", func() bool { return len(h.named("cat")) == many })
	for i := range many {
		group.Go(func() { _ = ins[i].Close() })
	}
	group.Wait()
	for i, one := range asking {
		if got, want := one.result(), (result{stdout: fmt.Sprintf("of %d\n", i), code: i}); got != want {
			t.Errorf("command %d: got %+v, want %+v", i, got, want)
		}
	}
	eventually(t, "no descriptor kept", func() bool { return openFiles(t, c.Supervisor) <= before })
	if left := childrenOf(c.PID); len(left) != 1 {
		t.Errorf("process 1 has the children %v, want the first command alone", left)
	}
}
