package e2e

import (
	"strconv"
	"strings"
	"testing"
)

// A detached container that there is no room to record fails, and does not keep who waits
// for it.
func TestDetachedWithoutRoom(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	full := newDir(t, h.alice)
	cmd := h.as(h.alice, "env", "XDG_RUNTIME_DIR="+full, unc, "run", "-d", "--rootfs", rootfs, "--network", "none", "sleep", "1000")
	cmd = withMounts(cmd, `mount -t tmpfs -o size=4k,mode=700,uid=$2 none "$1"; head -c 4096 /dev/zero >"$1/much"`,
		full, strconv.Itoa(h.alice.uid))
	got := h.run(cmd)
	got.fails(t, "no space left on device")
	if strings.Count(got.stderr, "no space") != 1 || got.stdout != "" {
		t.Errorf("unc run said %q and %q, want one error", got.stdout, got.stderr)
	}
	eventually(t, "no process left", func() bool { return len(processesOf(h.alice)) == 0 })
}
