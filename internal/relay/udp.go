package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// UDP passes every datagram that arrives at a socket on to target, and the answers
// back, until Close. The file is the Relay's from here on, also when there is an
// error: a copy of it that stayed open would keep the port.
func UDP(socket *os.File, target netip.AddrPort) (*Relay, error) {
	u, err := receive(socket, target, standard)
	if err != nil {
		return nil, fmt.Errorf("relaying UDP to %v: %w", target, err)
	}
	u.running.Go(u.run)
	return &Relay{u.close}, nil
}

type udpRelay struct {
	target netip.AddrPort
	limits limits
	conn   *net.UDPConn
	raw    syscall.RawConn // of conn

	begun   time.Time // sessions count from here
	closing chan struct{}
	running sync.WaitGroup

	mu       sync.Mutex
	sessions map[peer]*session // nil when closed
}

// A peer is who a session is with: a client, and the address of this host that he
// sends to, since that is where he expects the answers from.
type peer struct {
	client netip.AddrPort
	local  netip.Addr
}

// buffers are held from a datagram's arrival until it is passed on, not while
// waiting for one: 64 KiB each, which is more than any datagram has.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func receive(file *os.File, target netip.AddrPort, limits limits) (*udpRelay, error) {
	defer file.Close() // the net package makes a copy
	family, err := checkSocket(file, target, unix.IPPROTO_UDP)
	if err != nil {
		return nil, err
	}
	p, err := net.FilePacketConn(file)
	if err != nil {
		return nil, err
	}
	conn := p.(*net.UDPConn) // checkSocket has seen to it
	raw, err := conn.SyscallConn()
	if err == nil {
		var failed error
		err = raw.Control(func(fd uintptr) { failed = askLocal(int(fd), family) })
		err = errors.Join(err, failed)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("asking for the addresses that datagrams are sent to: %w", err)
	}
	return &udpRelay{
		target:   target,
		limits:   limits,
		conn:     conn,
		raw:      raw,
		begun:    time.Now(),
		closing:  make(chan struct{}),
		sessions: make(map[peer]*session),
	}, nil
}

func (u *udpRelay) close() {
	u.mu.Lock()
	if u.sessions != nil {
		close(u.closing)
		for _, s := range u.sessions {
			s.conn.Close()
		}
		u.sessions = nil
	}
	u.mu.Unlock()
	u.conn.Close()
	u.running.Wait()
}

func (u *udpRelay) run() {
	for {
		err := u.passOn()
		switch {
		case err == nil:
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		// Nothing that a peer can bring about; it would be there again at once.
		select {
		case <-time.After(u.limits.retry):
		case <-u.closing:
			return
		}
	}
}

// passOn takes one datagram to the container. One that can't be passed on is
// dropped, as on any way that a datagram takes.
func (u *udpRelay) passOn() error {
	var (
		buf         *[64 << 10]byte
		control     [maxControl]byte
		n, nControl int
		from        unix.Sockaddr
		failed      error
	)
	err := u.raw.Read(func(fd uintptr) bool {
		buf = buffers.Get().(*[64 << 10]byte)
		n, nControl, _, from, failed = unix.Recvmsg(int(fd), buf[:], control[:], unix.MSG_DONTWAIT)
		if failed != nil {
			buffers.Put(buf)
		}
		return !errors.Is(failed, unix.EAGAIN)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	defer buffers.Put(buf)
	if s := u.sessionOf(from, localAddr(control[:nControl])); s != nil {
		s.send(buf[:n])
	}
	return nil
}

// reply takes one datagram to the client.
func (u *udpRelay) reply(s *session, data []byte) {
	_ = u.raw.Write(func(fd uintptr) bool {
		_, _ = unix.SendmsgN(int(fd), data, s.from, s.client, unix.MSG_DONTWAIT)
		return true // a full queue drops it
	})
}

// clientAddr makes what can be compared of what recvmsg(2) gives.
func clientAddr(from unix.Sockaddr) (netip.AddrPort, bool) {
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(from.Addr), uint16(from.Port)), true
	case *unix.SockaddrInet6:
		addr := netip.AddrFrom16(from.Addr)
		if from.ZoneId != 0 {
			addr = addr.WithZone(strconv.FormatUint(uint64(from.ZoneId), 10))
		}
		return netip.AddrPortFrom(addr, uint16(from.Port)), true
	}
	return netip.AddrPort{}, false
}
