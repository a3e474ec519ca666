package e2e

import (
	"fmt"
	"testing"
)

// While a container's command is looked for, nothing is open any more of what the container
// was made with: a link in the rootfs to /proc/self/fd would lead into the scratch
// filesystem, or behind a copy to what it is a copy of.
func TestNoCommandBehindADescriptor(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	data := newVolume(t, h.alice, "file")
	staysTheSame(t, rootfs, "data")
	const most = 40 // more than a container with a volume takes
	for fd := 3; fd < most; fd++ {
		for _, flags := range [][]string{nil, {"-x"}, {"-v", data + ":/data", "--no-init"}} {
			args := append([]string{"run", "--network", "none", "--rootfs", rootfs}, flags...)
			got := h.run(h.unc(h.alice, append(args, fmt.Sprintf("/proc/self/fd/%d/bin/busybox", fd), "true")...))
			if got.code != 127 {
				t.Errorf("%v: a command behind descriptor %d: %+v, want that it is not found", flags, fd, got)
			}
		}
	}
}
