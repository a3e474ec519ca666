package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"unc/internal/tier"
)

// TestChurn: a user far from the quota is never told that it is used up, although
// a link outlives its container by a moment.
func TestChurn(t *testing.T) {
	needSpeed(t)
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "true")).works(t)
	limit := slowness * 20 * time.Second
	begin := time.Now()
	got := h.run(h.as(h.alice, "sh", "-c", `
		i=0
		while [ $i -lt 60 ]; do
			for k in 1 2 3 4 5 6 7 8 9 10; do
				"$@" || echo "exit code $?"
			done &
			i=$((i + 1))
		done
		wait`, "sh", unc, "run", "--rootfs", rootfs, "true"))
	if all := got.works(t) + got.stderr; all != "" {
		t.Errorf("%d refusals of 600, such as %q", strings.Count(all, "exit code"), all[:min(len(all), 400)])
	}
	if took := time.Since(begin); took > limit {
		t.Errorf("600 containers took %v, want at most %v", took, limit)
	}
}

// A queue of signals that holds none would keep the runtime for ever.
func TestNoPendingSignals(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	target := h.bare(h.alice)
	for _, args := range [][]string{{"--help"}, {"run", "true"}, {"net-setup", strconv.Itoa(target.pid())}} {
		got := h.run(h.as(h.alice, append([]string{"prlimit", "--sigpending=0", unc}, args...)...))
		got.fails(t, "pending signals")
		if got.stdout != "" {
			t.Errorf("%v: stdout is %q, want nothing", args, got.stdout)
		}
	}
}

// Process 1 is a copy of unc, whose arguments name paths of the host.
func TestProcessOneHasNoArguments(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for name, last := range map[string][]string{
		"no more":       nil,
		"a last word":   {"sh", "word"},
		"an empty one":  {"sh", ""},
		"two empty":     {"sh", "", ""},
		"empty, a word": {"sh", "", "word"},
	} {
		t.Run(name, func(t *testing.T) {
			h := h.of(t)
			// From the very first moment, and not one of them.
			for range 5 {
				args := append([]string{"run", "--rootfs", rootfs, "sh", "-c", "cat /proc/1/cmdline"}, last...)
				got := h.run(h.unc(h.alice, args...)).works(t)
				if shown := strings.Trim(got, "\x00"); shown != "" {
					t.Fatalf("/proc/1/cmdline is %q, want nothing", got)
				}
			}
		})
	}
}

// A position-independent unc, as distributions build, lives on when it has made
// itself small, a second after the command's start.
func TestPositionIndependentBuild(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	pie := filepath.Join(newDir(t, user{}), "unc")
	if from := os.Getenv("UNC_BIN_PIE"); from != "" { // where there is no compiler, as in test/vm
		must(t, copyFile(pie, from, 0o755))
	} else {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-buildmode=pie", "-o", pie, "unc")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			tier.Skip(t, "a position-independent unc can't be built: %v\n%s", err, out)
		}
		must(t, os.Chmod(pie, 0o755))
	}
	if out, err := exec.Command("setcap", "cap_net_admin+ep", pie).CombinedOutput(); err != nil {
		t.Fatalf("setting a file capability: %v\n%s", err, out)
	}
	got := h.run(h.as(h.alice, pie, "run", "--rootfs", busyboxRootfs(t, h.alice), "sh", "-c", "sleep 1.6; echo there; exit 7"))
	if got.code != 7 || got.stdout != "there\n" || got.stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q; want 7 and what the command wrote", got.code, got.stdout, got.stderr)
	}
}

// Who can't be told the network is told that.
func TestNetSetupCannotAnswer(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	target := h.bare(h.alice)
	got := h.run(h.as(h.alice, "sh", "-c", `exec "$@" >/dev/full`, "sh", unc, "net-setup", strconv.Itoa(target.pid())))
	got.fails(t, "printing what came of it", "no space left on device")
	if lines := strings.Count(got.stderr, "\n"); lines != 1 {
		t.Errorf("stderr is %q, want one line", got.stderr)
	}
}
