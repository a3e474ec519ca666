package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// ambient makes the shell that starts unc one that holds CAP_NET_ADMIN already,
// as pam_cap(8) gives it to a user. Then execve does not make net-setup
// non-dumpable: it has to do that itself.
func ambient(cmd *exec.Cmd) *exec.Cmd {
	for i, arg := range cmd.Args {
		if arg == "--inh-caps=-all" {
			cmd.Args = append(append(append([]string{}, cmd.Args[:i]...), "--inh-caps=+net_admin", "--ambient-caps=+net_admin"), cmd.Args[i+1:]...)
			break
		}
	}
	return cmd
}

// TestNetSetupIsClosedToItsCaller: while it holds the capability, a process of
// the same user can neither look into it nor change it.
func TestNetSetupIsClosedToItsCaller(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for name, start := range map[string]func(*exec.Cmd) *exec.Cmd{
		"of a caller without capabilities": func(cmd *exec.Cmd) *exec.Cmd { return cmd },
		"of a caller who holds it himself": ambient,
	} {
		t.Run(name, func(t *testing.T) {
			h := h.with(t)
			s := h.helps(start(h.unc(h.alice, "net-setup", "-")))
			pid := s.cmd.Process.Pid
			// It has opened its netlink socket when it waits for its input.
			eventually(t, "net-setup waiting for its input", func() bool { return runsUnc(s.cmd) && hasNetlink(t, pid) })

			tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
			must(t, err)
			for _, task := range tasks {
				status := readStatus(task)
				for _, set := range capabilitySets {
					want := noCaps
					if set == "CapPrm" {
						want = fmt.Sprintf("%016x", 1<<unix.CAP_NET_ADMIN)
					}
					if set != "CapBnd" && status[set] != want {
						t.Errorf("%s: %s is %s, want %s", task, set, status[set], want)
					}
				}
			}
			own := h.open(h.as(h.alice, "sh"))
			for _, script := range []string{
				"cat /proc/%d/environ", "cat /proc/%d/maps", "head -c 1 /proc/%d/mem", "echo >/proc/%d/mem", "ls /proc/%d/fd/",
				"readlink /proc/%d/exe", "ls /proc/%d/cwd/", "timeout 5 strace -o /dev/null -p %d",
			} {
				script = fmt.Sprintf(script, pid)
				if output, code := own.try(script); code == 0 || code == 124 {
					t.Errorf("%s: exit code %d: %s", script, code, output)
				}
			}
			own.end()
			s.hangUp()
			s.ended()
		})
	}
}

// hasNetlink tells whether a process has a socket beyond its standard descriptors.
func hasNetlink(t *testing.T, pid int) bool {
	t.Helper()
	for _, fd := range descriptorsOf(t, pid) {
		kind, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd))
		if !slices.Contains([]string{"0", "1", "2"}, fd) && strings.HasPrefix(kind, "socket:") {
			return true
		}
	}
	return false
}

func TestACallerWhoHasTheCapability(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := h.open(ambient(h.unc(h.alice, "run", "sh")))
	if status := statusOf(s.pid()); status["CapPrm"] != noCaps || status["CapInh"] != noCaps || status["CapAmb"] != noCaps {
		t.Errorf("the supervisor has %s, inheritable %s, ambient %s", status["CapPrm"], status["CapInh"], status["CapAmb"])
	}
	if status := statusOf(s.command()); status["CapInh"] != noCaps || status["CapAmb"] != noCaps || status["CapPrm"] != insideCaps() {
		t.Errorf("the command has %s, inheritable %s, ambient %s", status["CapPrm"], status["CapInh"], status["CapAmb"])
	}
	s.end()
}

// What holds the capability is not the caller's to be asked for another's: a
// number in a request is checked as one among the arguments is.
func TestNetSetupThatWaitsChecksAsWell(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	theirs := h.bare(h.bob)
	direct := h.run(h.unc(h.alice, "net-setup", strconv.Itoa(theirs.pid())))
	asked := h.helps(h.unc(h.alice, "net-setup", "-"))
	asked.attach(theirs.pid())
	answer, code := asked.ended()
	sentence := strings.TrimSuffix(strings.TrimPrefix(direct.stderr, "unc: "), "\n")
	if want := fmt.Sprintf("error=%q\n", sentence); code != 125 || answer != want {
		t.Errorf("exit code %d, answer %q; want 125 and %q", code, answer, want)
	}
}
