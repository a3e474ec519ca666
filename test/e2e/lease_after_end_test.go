package e2e

import "testing"

// A connection whose other side has gone without a word does not keep the address and
// the name of a container that has ended, as the kernel would have it, for minutes.
func TestConnectionsLeftBehind(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	server := h.container(h.alice, rootfs, "--name", "db")
	client := h.container(h.alice, rootfs)
	server.do("(sleep 1000 | nc -l -p 7000 >/tmp/out; :) & until netstat -ltn | grep -q :7000; do :; done")
	client.do("(echo hello; exec sleep 1000) | nc " + server.v4 + " 7000 >/dev/null 2>&1 &")
	server.do("until grep -q hello /tmp/out; do :; done; kill -STOP $(pidof nc)")
	client.die()
	eventually(t, "the client's lease gone", func() bool { return len(h.leases()) == 1 })
	server.end() // with a connection that nobody answers any more
	eventually(t, "the server's lease gone", func() bool { return len(h.leases()) == 0 })
	h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "--name", "db", "true")).works(t)
}
