package e2e

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// holding starts a program of u's that keeps a namespace, and returns its PID,
// which the program prints as $$ of a shell.
func (h *host) holding(u user, unshare ...string) int {
	h.t.Helper()
	s := h.open(h.as(u, append(unshare, "sh")...))
	pid, err := strconv.Atoi(strings.TrimSpace(s.do("echo $$")))
	must(h.t, err)
	return pid
}

// deadPID is a number that a process had a moment ago.
func (h *host) deadPID() int {
	h.t.Helper()
	cmd := h.as(h.alice, "true")
	h.run(cmd).works(h.t)
	return cmd.Process.Pid
}

// TestNetSetupRefuses all that is not the caller's, and doesn't tell why: the
// differences would tell about other users' processes.
func TestNetSetupRefuses(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	theirs := h.shell(h.bob, busyboxRootfs(t, h.bob))
	own := h.open(h.as(h.alice, "sh"))

	targets := []struct {
		name string
		pid  int
	}{
		{"process 1", 1},
		{"one's own shell", own.pid()},
		{"a user namespace in the host's network", h.holding(h.alice, "unshare", "-Ur")},
		{"another user's container", theirs.init()},
		{"another user's command", theirs.command()},
		{"another user's supervisor", theirs.pid()},
		{"another user's bare namespace", h.holding(h.bob, "unshare", "-Urn")},
		{"a dead process", h.deadPID()},
		{"two user namespaces deep", h.holding(h.alice, "unshare", "-Ur", "unshare", "-Urn")},
		{"a container in a container", h.holding(h.alice, "unshare", "-Urn", "unshare", "-Urn")},
		{"a network namespace of root's", h.puts("unshare", "-n")},
		{"one's own process in another user's namespace", h.puts("nsenter", "-n", "-t", strconv.Itoa(theirs.init()))},
		{"the highest number", 1<<31 - 1},
	}
	var sentence string
	for _, target := range targets {
		t.Run(target.name, func(t *testing.T) {
			h := h.with(t)
			got := h.run(h.unc(h.alice, "net-setup", strconv.Itoa(target.pid)))
			got.fails(t)
			if sentence == "" {
				sentence = got.stderr
			}
			if got.stderr != sentence || got.stdout != "" {
				t.Errorf("stdout %q, stderr %q; want nothing, and what the others got: %q", got.stdout, got.stderr, sentence)
			}
		})
	}
}

// puts has root put a process of alice's into a network namespace that is not hers.
// She may look into the process, and yet does not own where it is.
func (h *host) puts(argv ...string) int {
	h.t.Helper()
	return h.open(via(h.as(h.alice, "sh"), argv...)).pid()
}

func TestNetSetupOfOnesOwnShell(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	got := h.run(h.as(h.alice, "sh", "-c", `"$1" net-setup $$; exit $?`, "sh", unc))
	got.fails(t, "of your own")
}

// In a user namespace a file capability counts for that namespace only, and a
// lease could be put to nobody's account.
func TestNetSetupRefusesCallersInUserNamespaces(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	target := strconv.Itoa(h.bare(h.alice).pid())
	for _, flags := range [][]string{{"-Ur"}, {"-U"}, {"-Urn"}, {"-Uc"}, {"-Urm"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			h := h.with(t)
			argv := append(append([]string{"unshare"}, flags...), unc, "net-setup", target)
			h.run(h.as(h.alice, argv...)).fails(t)
		})
	}
}

func TestNetSetupRefusesRoot(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	target := h.bare(h.alice)
	got := h.run(h.command(unc, "net-setup", strconv.Itoa(target.pid())))
	got.fails(t, "uid 0")
}

// The number says which process, the descriptor which namespace: unc checks and
// uses one and the same. A process that changes its namespace all the time gets
// either a network in its own, or a refusal.
func TestNetSetupOfAProcessThatMoves(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	mover := h.as(h.alice, "unshare", "-Ur", "sh", "-c", `echo $$; while :; do unshare -n true; done`)
	out, err := mover.StdoutPipe()
	must(t, err)
	h.start(mover)
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	// Its children are each in a namespace of their own for a moment.
	for range 20 {
		for _, child := range childrenOf(pid) {
			got := h.run(h.unc(h.alice, "net-setup", child))
			if got.code != 0 {
				got.fails(t)
			}
		}
	}
	kill(t, pid, unix.SIGKILL)
}

func childrenOf(pid int) []string {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "task", strconv.Itoa(pid), "children"))
	return strings.Fields(string(text))
}
