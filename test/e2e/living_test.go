package e2e

import (
	"os/exec"
	"slices"
	"testing"
)

// living is a detached container of alice's that does nothing until it is ended.
type living struct {
	*host
	name string
	infoOf
}

// living starts one in a rootfs. The end of the test, by a defer, is to be its own.
func (h *host) living(rootfs string, flags ...string) *living {
	h.t.Helper()
	return h.livingWith(rootfs, flags, "sleep", "1000")
}

func (h *host) livingWith(rootfs string, flags []string, command ...string) *living {
	h.t.Helper()
	name := h.detached(h.alice, rootfs, slices.Concat([]string{"--name", "box"}, flags, command)...)
	return &living{h, name, h.inspect(h.alice, name)}
}

// begun waits until the command has said something.
func (c *living) begun() *living {
	c.t.Helper()
	eventually(c.t, "the command's first word", func() bool { return c.run(c.host.unc(c.alice, "logs", c.name)).stdout != "" })
	return c
}

// of is the container for a subtest.
func (c *living) of(t *testing.T) *living {
	sub := *c
	sub.host = c.host.of(t)
	return &sub
}

// unc prepares unc exec with these flags, the container's name and a command.
func (c *living) exec(flags []string, command ...string) *exec.Cmd {
	c.t.Helper()
	return c.host.unc(c.alice, slices.Concat([]string{"exec"}, flags, []string{c.name}, command)...)
}

// sh runs a script in the container, which must succeed.
func (c *living) sh(script string) string {
	c.t.Helper()
	return c.run(c.exec(nil, "sh", "-euc", script)).works(c.t)
}

// end ends the container, of which nothing is left. Who was in it from outside may still be
// there, in a shell of a terminal's.
func (c *living) end() {
	c.t.Helper()
	c.kill()
	c.unrecorded(c.alice)
}

// kill has unc end it at once.
func (c *living) kill() {
	c.t.Helper()
	c.run(c.host.unc(c.alice, "kill", c.name)).works(c.t)
}

// command is the host's number of the container's first command.
func (c *living) command() int {
	c.t.Helper()
	return childNumbered(&session{h: c.host}, c.PID, "2")
}

// numberOf waits until the one process of a name that there is runs, and is its number.
func (h *host) numberOf(name string) (pid int) {
	h.t.Helper()
	eventually(h.t, name+" running", func() bool {
		pids := h.named(name)
		if len(pids) == 1 {
			pid = pids[0]
		}
		return len(pids) == 1
	})
	return pid
}
