package names

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// A transport is the way to a server, the one by which the query came: what is
// too long for a datagram is for the client to ask for again.
type transport struct {
	ask func(s *Server, ctx context.Context, server netip.AddrPort, q *query, buf []byte) ([]byte, error)
	// rounds is how often a server that does not answer is asked. A datagram is lost
	// now and then; TCP looks after that itself.
	rounds int
}

var (
	overUDP = transport{(*Server).askUDP, 2} // as often as libc, attempts in resolv.conf(5)
	overTCP = transport{(*Server).askTCP, 1}
)

// errForeign is for what came in place of an answer.
var errForeign = errors.New("not an answer to this query")

// exchange asks one server after the other and returns the first good answer, with
// the client's ID; the one of RCodeServerFailure if there is none until ctx ends;
// and nothing when Close has begun. What it returns is in buf, or new if it is
// longer.
func (s *Server) exchange(ctx context.Context, q *query, via transport, buf []byte) []byte {
	servers := s.servers()
	for range via.rounds {
		var silent []netip.AddrPort
		for _, server := range servers {
			answer, err := via.ask(s, ctx, server, q, buf)
			switch {
			case err == nil && !declined(answer):
				binary.BigEndian.PutUint16(answer, q.id)
				return answer
			case s.context.Err() != nil:
				return nil
			case ctx.Err() != nil:
				return q.bare(buf, dnsmessage.RCodeServerFailure)
			case errors.Is(err, os.ErrDeadlineExceeded):
				silent = append(silent, server)
			}
		}
		// Of those that have answered, no other answer is to be had.
		servers = silent
	}
	return q.bare(buf, dnsmessage.RCodeServerFailure)
}

// declined tells whether another server may know better.
func declined(answer []byte) bool {
	code := dnsmessage.RCode(answer[flags2At] & bitsCode)
	return code == dnsmessage.RCodeServerFailure || code == dnsmessage.RCodeRefused
}

// askUDP asks from a socket of its own: the kernel chooses the port, and being
// connected the socket takes datagrams of the server alone, and hears when there is
// none (ECONNREFUSED of udp(7)).
func (s *Server) askUDP(ctx context.Context, server netip.AddrPort, q *query, buf []byte) ([]byte, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, err
	}
	if !s.hold(conn) {
		return nil, net.ErrClosed
	}
	defer s.release(conn)
	if err := conn.SetDeadline(s.deadline(ctx)); err != nil {
		return nil, err
	}
	id, err := q.renewID()
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(q.raw); err != nil {
		return nil, err
	}
	for {
		n, _, flags, _, err := conn.ReadMsgUDPAddrPort(buf, nil)
		if err != nil {
			return nil, err
		}
		// Anything else may have been sent by somebody who guesses.
		if !q.answeredBy(buf[:n], id) {
			continue
		}
		if flags&unix.MSG_TRUNC != 0 {
			return q.truncate(buf[:n]), nil
		}
		return buf[:n], nil
	}
}

func (s *Server) askTCP(ctx context.Context, server netip.AddrPort, q *query, buf []byte) ([]byte, error) {
	deadline := s.deadline(ctx)
	dialer := net.Dialer{Deadline: deadline}
	conn, err := dialer.DialTCP(ctx, "tcp", netip.AddrPort{}, server)
	if err != nil {
		return nil, err
	}
	if !s.hold(conn) {
		return nil, net.ErrClosed
	}
	defer s.release(conn)
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	id, err := q.renewID()
	if err != nil {
		return nil, err
	}
	if err := writeMessage(conn, q.raw); err != nil {
		return nil, err
	}
	size, err := readLength(conn)
	if err != nil {
		return nil, err
	}
	if size > len(buf) {
		buf = make([]byte, size)
	}
	if _, err := io.ReadFull(conn, buf[:size]); err != nil {
		return nil, err
	}
	if !q.answeredBy(buf[:size], id) {
		return nil, errForeign
	}
	return buf[:size], nil
}

// deadline is until when one server has time.
func (s *Server) deadline(ctx context.Context) time.Time {
	deadline := time.Now().Add(s.limits.server)
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		return end
	}
	return deadline
}

// renewID gives the message an ID that nobody can guess, another one for each time
// that it is sent. q.id keeps the client's.
func (q *query) renewID() (uint16, error) {
	for {
		_, err := unix.Getrandom(q.raw[:2], 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return binary.BigEndian.Uint16(q.raw), err
	}
}

// answeredBy tells whether msg is an answer to the query as it was sent under id.
func (q *query) answeredBy(msg []byte, id uint16) bool {
	return len(msg) >= headerSize &&
		binary.BigEndian.Uint16(msg) == id &&
		msg[flagsAt]&bitResponse != 0 &&
		sameQuestion(findQuestion(msg), q.question)
}
