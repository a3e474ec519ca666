package relay

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A session is one peer's socket to the container: connected, so that the kernel
// takes datagrams from there and from nobody else, and has a port of its own, by
// which the container tells peers apart.
type session struct {
	peer   peer
	client unix.Sockaddr
	from   []byte // the control message of answers

	conn *net.UDPConn
	raw  syscall.RawConn // of conn

	answered atomic.Bool
	used     atomic.Int64 // since udpRelay.begun, in nanoseconds
}

// sessionOf returns the session of a peer, if need be a new one. It is nil when
// there can be none.
func (u *udpRelay) sessionOf(from unix.Sockaddr, local netip.Addr) *session {
	client, ok := clientAddr(from)
	if !ok {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.sessions == nil {
		return nil
	}
	s := u.sessions[peer{client, local}]
	if s == nil {
		for len(u.sessions) >= u.limits.sessions {
			u.end(u.oldest())
		}
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(u.target))
		if err != nil {
			return nil // no descriptors, or no way there: the next datagram tries again
		}
		raw, err := conn.SyscallConn()
		if err != nil {
			conn.Close()
			return nil
		}
		s = &session{peer: peer{client, local}, client: from, from: fromAddr(local), conn: conn, raw: raw}
		u.sessions[s.peer] = s
		u.running.Go(func() { u.serve(s) })
	}
	s.used.Store(u.now()) // with the lock held, so that expired does not come between
	return s
}

func (u *udpRelay) now() int64 { return int64(time.Since(u.begun)) }

// oldest returns the session that has been idle for longest. To look at all of them
// costs less than the new one's socket.
func (u *udpRelay) oldest() *session {
	var oldest *session
	for _, s := range u.sessions {
		if oldest == nil || s.used.Load() < oldest.used.Load() {
			oldest = s
		}
	}
	return oldest
}

// end closes a session, once. u.mu is held.
func (u *udpRelay) end(s *session) {
	if u.sessions[s.peer] == s {
		delete(u.sessions, s.peer)
		s.conn.Close()
	}
}

// send never waits: the container is free not to answer ARP, and then its datagrams
// fill the socket's buffer.
func (s *session) send(data []byte) {
	_ = s.raw.Write(func(fd uintptr) bool {
		err := unix.Send(int(fd), data, unix.MSG_DONTWAIT)
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			// The error is mostly that of an earlier datagram (udp(7)); with it told,
			// this one is sent.
			_ = unix.Send(int(fd), data, unix.MSG_DONTWAIT)
		}
		return true
	})
}

// serve takes the answers to the client until the session has ended.
func (u *udpRelay) serve(s *session) {
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.end(s)
	}()
	for !u.expired(s) {
		// Not moved with every datagram: when it is reached, expired looks.
		if s.conn.SetReadDeadline(u.begun.Add(u.deadline(s))) != nil {
			return
		}
		for {
			buf, n, err := s.receive()
			if err == nil {
				s.answered.Store(true)
				s.used.Store(u.now())
				u.reply(s, buf[:n])
				buffers.Put(buf)
				continue
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			// An ICMP error says that a datagram did not arrive, not that none will:
			// what is to answer may just be starting.
			if !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.EHOSTUNREACH) && !errors.Is(err, unix.ENETUNREACH) {
				return
			}
		}
	}
}

// receive waits for one datagram. The buffer is the caller's to give back.
func (s *session) receive() (buf *[64 << 10]byte, n int, err error) {
	var failed error
	err = s.raw.Read(func(fd uintptr) bool {
		buf = buffers.Get().(*[64 << 10]byte)
		n, failed = unix.Read(int(fd), buf[:])
		if failed != nil {
			buffers.Put(buf)
		}
		return !errors.Is(failed, unix.EAGAIN)
	})
	if err == nil {
		err = failed
	}
	return buf, n, err
}

// deadline is when the session expires, if it is not used again: since u.begun.
func (u *udpRelay) deadline(s *session) time.Duration {
	used := time.Duration(s.used.Load())
	if s.answered.Load() {
		return used + u.limits.idle
	}
	return used + u.limits.unanswered
}

// expired ends the session if its time is over.
func (u *udpRelay) expired(s *session) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if time.Duration(u.now()) < u.deadline(s) {
		return false
	}
	u.end(s)
	return true
}
