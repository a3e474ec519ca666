package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What a limit takes is a part of cgroup v2 that is handed to the user. Where the
// machine has none of that, these tests look at what unc says about it; test/vm
// runs them where unc tells the administrator to type a command, and they type it.

// groups is where test/vm has cgroup v2.
const groups = "/sys/fs/cgroup"

// delegated is a user who has a control group of his own.
type delegated struct {
	*host
	u    user
	hint string // the command that handed it to him
	dir  string // the group
}

// refused starts a container with a limit where none is to be had, and returns the
// hints of the refusal.
func (h *host) refused(u user) []string {
	h.t.Helper()
	got := h.run(h.unc(u, "run", "--network", "none", "-m", "64m", "true"))
	got.fails(h.t, "limiting the container's memory: ")
	_, hints, _ := strings.Cut(got.stderr, "\n")
	var list []string
	for line := range strings.Lines(hints) {
		list = append(list, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "hint: "))
	}
	return list
}

// delegate does as unc tells.
func delegate(t *testing.T) *delegated {
	t.Helper()
	h := newHost(t)
	d := &delegated{host: h, u: h.alice, dir: groups + "/unc-" + strconv.Itoa(h.alice.uid)}
	if hints := h.refused(h.alice); len(hints) > 0 {
		d.hint = hints[0]
	}
	if !strings.HasPrefix(d.hint, "sudo sh -c ") {
		// No failure even where all must work: see TestLimitsThatNobodyCanSet.
		t.Skipf("no control group can be handed to a user by hand here (test/vm is a machine where it can): %s", d.hint)
	}
	t.Cleanup(func() {
		if left := d.below(); !slices.Equal(left, []string{"shell"}) {
			t.Errorf("groups are left in %s: %q", d.dir, left)
		}
		must(t, unix.Rmdir(d.dir+"/shell"))
		must(t, unix.Rmdir(d.dir))
	})
	return d
}

// unc prepares unc run with these arguments, after the command of the hint has been
// typed into the shell that starts it.
func (d *delegated) unc(args ...string) *exec.Cmd {
	d.t.Helper()
	cmd := d.host.unc(d.u, append([]string{"run", "--network", "none"}, args...)...)
	return via(cmd, "sh", "-euc", "sudo() { \"$@\"; }\n"+d.hint+"\nexec \"$@\"", "sh")
}

// below lists the groups in the user's own.
func (d *delegated) below() []string {
	d.t.Helper()
	entries, err := os.ReadDir(d.dir)
	must(d.t, err)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// group is the directory with the limits of the only container.
func (d *delegated) group() string {
	d.t.Helper()
	found, err := filepath.Glob(d.dir + "/unc-*")
	must(d.t, err)
	if len(found) != 1 {
		d.t.Fatalf("got groups %q, want one container's", found)
	}
	return found[0]
}

// value reads a number from a file of lines "key value", or of only one number.
func value(t *testing.T, file, key string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[0] == key || len(fields) == 1 && key == "" {
			n, err := strconv.Atoi(fields[len(fields)-1])
			must(t, err)
			return n
		}
	}
	t.Fatalf("%s: got %q, want a line %q", file, text, key)
	return 0
}

// sweeps has the next container remove what a killed supervisor has left.
func (d *delegated) sweeps() {
	d.t.Helper()
	eventually(d.t, "no process left", func() bool { return len(processesOf(d.u)) == 0 })
	if left := d.below(); len(left) != 2 {
		d.t.Errorf("after a kill: got groups %q, want the shell's and one that was left", left)
	}
	d.host.run(d.unc("--pids-limit", "100", "true")).works(d.t)
}
