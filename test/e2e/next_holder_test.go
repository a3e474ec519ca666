package e2e

import "testing"

// Who has an address next is reached at once by those who remember it from who had it before,
// from their first packet on: nothing of its own has to come out of the container.
func TestTheNextHolderOfAnAddressIsReached(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string][]string{"IPv6 as well": nil, "IPv4 alone": {"SUBNET6=none"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			etc := newPrivate(t, h)
			etc.policy(t, policy...)
			rootfs := busyboxRootfs(t, h.alice)
			const address = "10.100.42.77"
			// While there is another port the bridge stays up, and the host forgets nobody.
			asker := etc.container(h, h.alice, rootfs)
			for _, holder := range []string{"first", "second", "third"} {
				c := etc.container(h, h.alice, rootfs, "--ip", address)
				answering(t, c, "tcp", at(address, 80), holder)
				asks(t, asker, "tcp", at(address, 80), holder)
				asks(t, h, "tcp", at(address, 80), holder)
				c.end()
			}
			asker.end()
		})
	}
}
