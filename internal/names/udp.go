package names

import (
	"context"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// serveUDP reads datagrams until Close. Names of ours are answered right here, by
// the one goroutine that there is, so that they wait for no server and cost no
// more when there are many.
func (s *Server) serveUDP() {
	in, out := buffers.Get().(*buffer), buffers.Get().(*buffer)
	for {
		n, _, flags, client, err := s.udp.ReadMsgUDPAddrPort(in[:], nil)
		if err != nil {
			if !s.bear(err) {
				return
			}
			continue
		}
		q, answer, forward := s.here(in[:n], out[:])
		if forward && flags&unix.MSG_TRUNC != 0 {
			// The rest is gone.
			answer, forward = q.bare(out[:], dnsmessage.RCodeFormatError), false
		}
		if answer != nil {
			s.sendUDP(q.fits(answer), client)
		}
		if !forward {
			continue
		}
		select {
		case s.queries <- struct{}{}:
			held := in
			s.running.Go(func() { s.forwardUDP(q, held, client) })
			in = buffers.Get().(*buffer)
		default:
		}
	}
}

// forwardUDP has a query answered by upstream. It gives back the buffer that the
// query is in, and its place among the queries.
func (s *Server) forwardUDP(q query, in *buffer, client netip.AddrPort) {
	out := buffers.Get().(*buffer)
	defer func() {
		buffers.Put(in)
		buffers.Put(out)
		<-s.queries
	}()
	ctx, cancel := context.WithTimeout(s.context, s.limits.total)
	defer cancel()
	if answer := s.exchange(ctx, &q, overUDP, out[:]); answer != nil {
		s.sendUDP(q.fits(answer), client)
	}
}

// sendUDP loses what can't be sent, as the network would.
func (s *Server) sendUDP(answer []byte, client netip.AddrPort) {
	_, _ = s.udp.WriteToUDPAddrPort(answer, client)
}
