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

// join finds the container whose network is joined; nil where none is.
func (f *networkFlags) join() (*nsexec.Target, error) {
	if f.kind != nsexec.JoinedNetwork {
		return nil, nil
	}
	store, err := record.Open()
	if err != nil {
		return nil, err
	}
	defer store.Close() // which the supervisor that this becomes would keep
	e, err := store.Find(f.peerName)
	if err != nil {
		return nil, err
	}
	var target *nsexec.Target
	if f.peer, err = askNetwork(e); err == nil {
		target, err = nsexec.OpenTarget(f.peer.init, f.peer.netns)
	}
	if err != nil {
		return nil, fmt.Errorf("joining the network of %q: %w", f.peerName, err)
	}
	return target, nil
}

// askNetwork asks the supervisor of a container for its network.
func askNetwork(e *record.Entry) (*peerNetwork, error) {
	conn, reply, files, err := ask(e, &control.Request{Verb: control.Network})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if reply.Peer == nil || len(files) != 2 {
		control.CloseFiles(files)
		return nil, errors.New("its supervisor's answer is not that of this version of unc")
	}
	return &peerNetwork{files[0], files[1], reply.Peer.Hosts, reply.Peer.Resolv}, nil
}

// share tells another container's supervisor what askNetwork asks for.
func (c *container) share(conn *control.Conn) error {
	if c.offer.err != nil {
		return c.offer.err
	}
	peer := control.Peer{Hosts: c.hosts, Resolv: c.resolv()}
	return conn.Send(control.Reply{Peer: &peer}, c.offer.init, c.offer.netns)
}

// checkJoin refuses flags that contradict the sharing of a user namespace.
func (r *runCmd) checkJoin() error {
	switch {
	case r.kind != nsexec.JoinedNetwork:
		return nil
	case r.Userns != autoIDs:
		return about("--userns", r.Userns, fmt.Errorf("it means nothing with --network %s, whose user ids the container has", r.Network))
	case r.kept&(1<<unix.CAP_SYS_ADMIN) != 0:
		return hint.With(about("--network", r.Network, errors.New("it is not for a container with CAP_SYS_ADMIN, which would reach into the other's mounts")),
			"unc run --network "+r.Network+" --cap-add ALL --cap-drop SYS_ADMIN COMMAND    # with all others")
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
	user := userIn(m, who, f.User != "")
	if kind, id, missing := lacks(m, user); missing {
		return nsexec.User{}, "", about("--user", f.User, fmt.Errorf("the container that is joined has no %s id %d", kind, id))
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
