package nsexec

import (
	"errors"
	"os"
)

// Handles are the descriptors that the child has opened for its parent. Those of
// the network are nil unless that is OwnNetwork, but for Socket. A network namespace stays, with
// what leads into it, as long as any socket in it is open: they are to be closed
// with the container, if not before.
type Handles struct {
	Route     *os.File // a route netlink socket in the container's network namespace
	DNSPacket *os.File // UDP, bound to DNSAddress in there
	DNSStream *os.File // TCP, listening on DNSAddress in there; both non-blocking

	OrphanRetries *os.File // for LetGo

	Socket *os.File // one in the network namespace, for Offer; of NoNetwork only

	Root *os.File // the container's root and its devpts, to look into (O_PATH): what is
	Pts  *os.File // in the one is the container's to arrange; see NewTerminal for the other

	Hosts    *os.File // what is mounted over /etc/hosts, /etc/resolv.conf and
	Resolv   *os.File // /etc/hostname, empty and open for writing
	Hostname *os.File

	Terminal *os.File // the controlling side of the pseudo-terminal, or nil
}

// Close closes all of them that are open.
func (h *Handles) Close() error {
	var errs []error
	for _, f := range []*os.File{
		h.Route, h.DNSPacket, h.DNSStream, h.OrphanRetries, h.Socket,
		h.Root, h.Pts, h.Hosts, h.Resolv, h.Hostname, h.Terminal,
	} {
		if f == nil {
			continue
		}
		if err := f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// newHandles takes the descriptors as they were handed over.
func newHandles(p *program, fds []int) *Handles {
	file := func(s slot, name string) *os.File {
		if s == none {
			return nil
		}
		return os.NewFile(uintptr(fds[s]), name)
	}
	return &Handles{
		Root:      file(p.root, "root"),
		Pts:       file(p.pts, "pts"),
		Route:     file(p.route, "route"),
		DNSPacket: file(p.dnsPacket, "DNS packets"),
		DNSStream: file(p.dnsStream, "DNS connections"),

		OrphanRetries: file(p.orphanRetries, "tcp_orphan_retries"),
		Socket:        file(p.socketInside, "socket"),
		Hosts:         file(p.hosts, "hosts"),
		Resolv:        file(p.resolv, "resolv.conf"),
		Hostname:      file(p.hostname, "hostname"),
		Terminal:      file(p.terminal, "terminal"),
	}
}
