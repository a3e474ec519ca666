package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/control"
	"unc/internal/hint"
	"unc/internal/idmap"
	"unc/internal/name"
	"unc/internal/nsexec"
	"unc/internal/record"
)

// peerNetwork is a running container of the caller's, as far as another one that joins
// its network is told of it.
type peerNetwork struct {
	init, netns *os.File // as nsexec.OpenTarget takes them

	hosts, resolv string // the texts of its /etc/hosts and /etc/resolv.conf
}

// offer is a container's own network, as nsexec.Child.Offer has it, or why there is none.
type offer struct {
	init, netns *os.File
	err         error
}

// peerName is the container whose network is joined, with --network container:NAME.
func (f *networkFlags) peerName() (called string, joins bool) {
	return strings.CutPrefix(f.Network, joined+":")
}

// join finds the container whose network is joined; nil where none is.
func (f *networkFlags) join() (*nsexec.Target, error) {
	called, joins := f.peerName()
	if !joins {
		return nil, nil
	}
	peer, err := findPeer(called)
	if err != nil {
		return nil, err
	}
	f.peer = peer
	target, err := nsexec.OpenTarget(peer.init, peer.netns)
	if err != nil {
		return nil, fmt.Errorf("joining the network of %q: %w", called, err)
	}
	return target, nil
}

// findPeer asks the supervisor of a container for its network.
func findPeer(called string) (*peerNetwork, error) {
	store, err := record.Open()
	if err != nil {
		return nil, err
	}
	defer store.Close() // which the supervisor that this becomes would keep
	e, err := store.Find(called)
	if err != nil {
		return nil, err
	}
	conn, reply, files, err := ask(e, &control.Request{Verb: control.Network})
	if err != nil {
		return nil, fmt.Errorf("joining the network of %q: %w", called, err)
	}
	defer conn.Close()
	if reply.Peer == nil || len(files) != 2 {
		control.CloseFiles(files)
		return nil, fmt.Errorf("joining the network of %q: its supervisor has sent %d descriptors, want 2 and what goes with them", called, len(files))
	}
	return &peerNetwork{files[0], files[1], reply.Peer.Hosts, reply.Peer.Resolv}, nil
}

// share tells another container's supervisor what findPeer asks for.
func (c *container) share(conn *control.Conn) error {
	if c.offer.err != nil {
		return c.offer.err
	}
	peer := control.Peer{Hosts: c.hosts, Resolv: c.resolv()}
	return conn.Send(control.Reply{Peer: &peer}, c.offer.init, c.offer.netns)
}

// checkJoin refuses flags that contradict the sharing of a user namespace.
func (r *runCmd) checkJoin() error {
	called, joins := r.peerName()
	switch {
	case !joins:
		return nil
	case name.Check(called) != nil:
		return about("--network", r.Network, name.Check(called))
	case r.Userns != autoIDs:
		return about("--userns", r.Userns, fmt.Errorf("it means nothing with --network %s, whose user ids the container has", r.Network))
	case r.kept&(1<<unix.CAP_SYS_ADMIN) != 0:
		return hint.With(about("--network", r.Network, errors.New("it is not for a container with CAP_SYS_ADMIN, which would reach into the other's mounts")),
			"--cap-drop SYS_ADMIN    # has all others")
	}
	return nil
}

// idsIn decides who the command is among the ids of a container that is joined, and
// where that user is at home. Nobody in particular is root, or where there is none who
// the caller is in there.
func (f *identityFlags) idsIn(m idmap.Map, rootfs string) (nsexec.User, string, error) {
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	asked := *f
	_, hasUID := m.UID(0)
	if _, hasGID := m.GID(0); f.User == "" && (!hasUID || !hasGID) {
		insideUID, _ := m.InsideUID(uid)
		insideGID, _ := m.InsideGID(gid)
		asked.User = fmt.Sprintf("%d:%d", insideUID, insideGID)
	}
	who, err := asked.who(rootfs, uid, gid)
	if err != nil {
		return nsexec.User{}, "", err
	}
	user := nsexec.User{UID: who.UID, GID: who.GID}
	if f.User != "" && !m.IsSingle() {
		user.Groups = append([]uint32{}, who.Groups...) // none, rather than the caller's
	}
	if _, ok := m.UID(user.UID); !ok {
		return nsexec.User{}, "", about("--user", f.User, fmt.Errorf("the container that is joined has no user id %d", user.UID))
	}
	for _, id := range append([]uint32{user.GID}, user.Groups...) {
		if _, ok := m.GID(id); !ok {
			return nsexec.User{}, "", about("--user", f.User, fmt.Errorf("the container that is joined has no group id %d", id))
		}
	}
	return user, who.Home, nil
}

// hostIn is the host's address, as /etc/hosts of a container says it; invalid when that
// does not.
func hostIn(hosts string) netip.Addr {
	called, _, _ := strings.Cut(hostNames, " ")
	for line := range strings.Lines(hosts) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 1 && slices.Contains(fields[1:], called) {
			addr, _ := netip.ParseAddr(fields[0])
			return addr
		}
	}
	return netip.Addr{}
}
