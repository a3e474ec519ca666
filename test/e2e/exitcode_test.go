package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	write := func(name, text string, mode os.FileMode) {
		path := filepath.Join(rootfs, "bin", name)
		must(t, os.WriteFile(path, []byte(text), mode))
		must(t, os.Chmod(path, mode))
	}
	write("not-for-execution", "#!/bin/sh\n", 0o644)
	write("no-interpreter", "#!/bin/nowhere\n", 0o755)
	write("no-program", "just words\n", 0o755)
	giveTo(t, h.alice, rootfs)
	staysTheSame(t, rootfs)

	for _, test := range []struct {
		name string
		args []string
		want int
		says string // on stderr; "" is silence
	}{
		{"success", []string{"true"}, 0, ""},
		{"a failure", []string{"false"}, 1, ""},
		{"one of the command's", []string{"sh", "-c", "exit 7"}, 7, ""},
		{"the highest", []string{"sh", "-c", "exit 255"}, 255, ""},
		{"unc's own from a command", []string{"sh", "-c", "exit 125"}, 125, ""},
		{"SIGTERM", []string{"sh", "-c", "kill -TERM $$"}, 128 + 15, ""},
		{"SIGKILL", []string{"sh", "-c", "kill -KILL $$"}, 128 + 9, ""},
		{"SIGUSR1", []string{"sh", "-c", "kill -USR1 $$"}, 128 + 10, ""},
		{"a flag that is none", []string{"--nonsense", "true"}, 125, "nonsense"},
		{"no command", nil, 125, "command"},
		{"an empty command", []string{""}, 125, "command"},
		{"only --", []string{"--"}, 125, "command"},
		{"no such rootfs", []string{"--rootfs", "/nowhere", "true"}, 125, "/nowhere"},
		{"a hostname that is too long", []string{"--hostname", strings.Repeat("a", 65), "true"}, 125, "hostname"},
		{"not executable", []string{"/bin/not-for-execution"}, 126, "not executable"},
		{"not executable, by its name", []string{"not-for-execution"}, 126, "not executable"},
		{"no program", []string{"no-program"}, 126, "a program for this machine"},
		{"a directory", []string{"/bin"}, 126, "not executable"},
		{"not found", []string{"nowhere-at-all"}, 127, `"nowhere-at-all"`},
		{"not found, with a path", []string{"/bin/nowhere"}, 127, `"/bin/nowhere"`},
		{"no interpreter", []string{"no-interpreter"}, 127, "interpreter"},
	} {
		for _, flags := range [][]string{{}, {"--no-init"}} {
			name := strings.Join(append([]string{test.name}, flags...), " ")
			// Process 1 can't end by a signal of its own container.
			if len(flags) > 0 && strings.HasPrefix(test.name, "SIG") {
				continue
			}
			t.Run(name, func(t *testing.T) {
				h := h.of(t)
				args := append([]string{"run"}, flags...)
				if !strings.Contains(strings.Join(test.args, " "), "--rootfs") {
					args = append(args, "--rootfs", rootfs)
				}
				got := h.run(h.unc(h.alice, append(args, test.args...)...))
				if got.code != test.want {
					t.Errorf("exit code %d, want %d; stderr: %s", got.code, test.want, got.stderr)
				}
				if test.says != "" {
					got.says(t, test.says)
				} else if got.stderr != "" {
					t.Errorf("stderr is %q, want silence", got.stderr)
				}
				if got.stdout != "" {
					t.Errorf("stdout is %q, want silence", got.stdout)
				}
			})
		}
	}
}

func TestHelpAndVersionNeedNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, flag := range []string{"--help", "--version"} {
		for _, binary := range []string{unc, permitted, plain} {
			got := h.run(h.as(h.alice, binary, flag))
			if got.works(t) == "" || got.stderr != "" {
				t.Errorf("%s: stdout %q, stderr %q", flag, got.stdout, got.stderr)
			}
		}
	}
	if len(h.leases()) > 0 || hasBridge(h) {
		t.Error("the host has a network of unc's")
	}
}

func hasBridge(h *host) bool {
	h.t.Helper()
	var there bool
	h.inHost(func() error {
		found, err := links()
		_, there = found["link unc0"]
		return err
	})
	return there
}
