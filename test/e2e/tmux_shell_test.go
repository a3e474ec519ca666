package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// interactive are shells and editors as people have them in a container.
var interactive = []struct {
	name   string
	rootfs func(t *testing.T, h *host) string
	shell  []string
	prompt string // without the space at its end
}{
	{"busybox", func(t *testing.T, h *host) string { t.Helper(); return busyboxRootfs(t, h.alice) }, []string{"sh"}, "/ #"},
	{"Debian", debianOfOneUser, []string{"bash"}, "root@box:/#"},
}

// TestAShellInATerminal is an hour of somebody's work, driven through tmux.
func TestAShellInATerminal(t *testing.T) {
	t.Parallel()
	for _, test := range interactive {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			rootfs := test.rootfs(t, h)
			e := h.newEmulator(100, 30)
			before := e.done("stty -a", 0)
			if !strings.Contains(strings.Join(before, " "), "rows 30; columns 100") {
				t.Fatalf("the terminal is %q, want one of 30 rows and 100 columns", before)
			}
			e.prompt = test.prompt
			e.begin(unc + " run --hostname box --rootfs " + rootfs + " " + strings.Join(test.shell, " ") + "; echo \"<unc ended $?>\"")
			e.prompted()

			e.windowSize(t)
			h.of(t).jobControl(e)
			e.editor(t, filepath.Join(rootfs, "root/file"))

			e.done("true", 0)
			e.prompt = "outside>"
			e.atPrompt("\x04")
			if screen := e.prompted(); !slices.Contains(screen, "<unc ended 0>") {
				t.Errorf("after Ctrl-D the screen is %q, want the exit code 0", screen)
			}
			if after := e.done("stty -a", 0); !slices.Equal(before, after) {
				t.Errorf("afterwards the terminal is\n%q, before it was\n%q", after, before)
			}
			e.atPrompt("exit\r")
			eventually(t, "no process left", func() bool { return len(processesOf(h.alice)) == 0 })
		})
	}
}

// windowSize resizes the terminal while a command runs, and back.
func (e *emulator) windowSize(t *testing.T) {
	t.Helper()
	if got := e.done("stty size", 0); !slices.Equal(got, []string{"30 100"}) {
		t.Errorf("the size inside is %q, want 30 100", got)
	}
	e.begin("sh -c 'trap \"stty size\" WINCH; echo rea''dy; while :; do read x; done'")
	e.expect("ready")
	e.resize(120, 40)
	e.expect("40 120")
	e.resize(100, 30)
	e.expect("30 100")
	e.typed("\x03")
	e.prompted()
	if got := e.done("stty size", 0); !slices.Equal(got, []string{"30 100"}) {
		t.Errorf("the size inside is %q, want 30 100 again", got)
	}
}

// jobControl stops, continues and interrupts jobs of the shell's.
func (h *host) jobControl(e *emulator) {
	h.t.Helper()
	e.done("sleep 1000 & true", 0)
	background := h.sleeping("1000")
	e.begin("sleep 2000")
	foreground := h.sleeping("2000")
	h.inForeground(foreground)
	e.typed("\x1a")
	e.prompted()
	if state := statusOf(foreground)["State"]; !strings.HasPrefix(state, "T") {
		h.t.Errorf("after Ctrl-Z the job is %q, want it stopped", state)
	}
	h.jobs(e, "Running 1000", "Stopped 2000")

	e.done("bg", 0)
	h.jobs(e, "Running 1000", "Running 2000")

	e.begin("fg %2")
	h.inForeground(foreground)
	e.typed("\x03")
	e.prompted()
	h.jobs(e, "Running 1000")
	if pids := h.named("sleep"); !slices.Equal(pids, []int{background}) {
		h.t.Errorf("after Ctrl-C there are %v, want %d, the job in the background", pids, background)
	}
	e.done("kill %1; wait %1", 128+15)
	h.jobs(e)
}

// sleeping waits until sleep runs with this argument, and returns its number.
func (h *host) sleeping(seconds string) (pid int) {
	h.t.Helper()
	eventually(h.t, "sleep "+seconds, func() bool {
		for _, pid = range h.named("sleep") {
			if strings.HasSuffix(strings.TrimSpace(commandLine(pid)), " "+seconds) {
				return true
			}
		}
		return false
	})
	return pid
}

// inForeground waits until a process is whom the keys go to.
func (h *host) inForeground(pid int) {
	h.t.Helper()
	eventually(h.t, fmt.Sprintf("process %d in the foreground", pid), func() bool {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		// proc_pid_stat(5), from the state on: ppid, pgrp, session, tty_nr, tpgid. The last
		// two are numbers in the reader's namespace.
		f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		return len(f) > 5 && f[2] == f[5]
	})
}

// jobs fails the test unless these are the shell's jobs.
func (h *host) jobs(e *emulator, want ...string) {
	h.t.Helper()
	var got []string
	for _, line := range e.done("jobs", 0) {
		// [1]-  Running   sleep 1000 &
		f := strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), "&"))
		if len(f) < 4 {
			h.t.Errorf("jobs printed %q", line)
			continue
		}
		got = append(got, f[1]+" "+f[len(f)-1])
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		h.t.Errorf("the jobs are %q, want %q", got, want)
	}
}

// editor writes a file with vi, whose screen follows the window.
func (e *emulator) editor(t *testing.T, file string) {
	t.Helper()
	e.begin("vi /root/file")
	tildes := func(n int) func([]string) bool {
		return func(screen []string) bool {
			count := 0
			for _, line := range screen {
				if strings.TrimSpace(line) == "~" {
					count++
				}
			}
			return count == n
		}
	}
	// All lines but the first, in which the file's text would be, and the last.
	e.until("an empty file in 30 rows", tildes(28))
	e.resize(90, 20)
	e.until("an empty file in 20 rows", tildes(18))
	e.resize(100, 30)
	e.until("an empty file in 30 rows again", tildes(28))
	e.typed("ifirst line\rsecond")
	e.expect("second")
	// Together with what follows, the key would be one of those that send several bytes.
	e.typed("\x1b")
	e.until("no mode of insertion", func(screen []string) bool { return !strings.HasPrefix(lastOf(screen), "I ") })
	e.typed("kyyp:wq\r")
	e.prompted()
	const want = "first line\nfirst line\nsecond\n"
	if got := strings.Join(e.done("cat /root/file", 0), "\n") + "\n"; got != want {
		t.Errorf("the file is %q inside, want %q", got, want)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("the file is %q on the host, %v, want %q", got, err, want)
	}
}
