package names

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// serveTCP accepts connections until Close. A place comes before the connection:
// those for which there is none stay in the kernel's queue and cost nothing here.
func (s *Server) serveTCP() {
	for {
		select {
		case s.connections <- struct{}{}:
		case <-s.context.Done():
			return
		}
		conn, err := s.tcp.AcceptTCP()
		if err != nil {
			<-s.connections
			if !s.bear(err) {
				return
			}
			continue
		}
		s.running.Go(func() { s.serveConn(conn) })
	}
}

func (s *Server) serveConn(conn *net.TCPConn) {
	defer func() { <-s.connections }()
	if !s.hold(conn) {
		return
	}
	defer s.release(conn)
	for s.serveMessage(conn) {
	}
}

// serveMessage answers one message (RFC 1035 section 4.2.2), and tells whether there
// may be another. Whoever sends what gets no answer is hung up on. Buffers are
// taken when there is something to put in them: an idle connection has none.
func (s *Server) serveMessage(conn *net.TCPConn) bool {
	// One deadline for the whole message, or byte by byte it would take forever.
	if conn.SetReadDeadline(time.Now().Add(s.limits.client)) != nil {
		return false
	}
	size, err := readLength(conn)
	if err != nil || size > bufferSize {
		return false
	}
	in, out := buffers.Get().(*buffer), buffers.Get().(*buffer)
	defer func() { buffers.Put(in); buffers.Put(out) }()
	if _, err := io.ReadFull(conn, in[:size]); err != nil {
		return false
	}
	q, answer, forward := s.here(in[:size], out[:])
	if forward {
		answer = s.forwardTCP(&q, out[:])
	}
	return answer != nil &&
		conn.SetWriteDeadline(time.Now().Add(s.limits.client)) == nil &&
		writeMessage(conn, answer) == nil
}

// forwardTCP has a query answered by upstream, when it is its turn.
func (s *Server) forwardTCP(q *query, buf []byte) []byte {
	ctx, cancel := context.WithTimeout(s.context, s.limits.total)
	defer cancel()
	select {
	case s.queries <- struct{}{}:
	case <-ctx.Done():
		return q.bare(buf, dnsmessage.RCodeServerFailure)
	}
	defer func() { <-s.queries }()
	return s.exchange(ctx, q, overTCP, buf)
}

func readLength(r io.Reader) (int, error) {
	var length [2]byte
	_, err := io.ReadFull(r, length[:])
	return int(binary.BigEndian.Uint16(length[:])), err
}

// writeMessage sends length and message in one piece: some servers read them so.
func writeMessage(conn *net.TCPConn, msg []byte) error {
	length := binary.BigEndian.AppendUint16(nil, uint16(len(msg)))
	_, err := (&net.Buffers{length, msg}).WriteTo(conn)
	return err
}
