package names

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// limits bound what a container can have the supervisor hold.
type limits struct {
	queries     int           // on their way upstream at once
	connections int           // of TCP clients at once
	total       time.Duration // for an answer from upstream
	server      time.Duration // for one server's
	client      time.Duration // for a TCP client, to send a query or to take an answer
	port        uint16        // where upstream servers are asked
}

var defaultLimits = limits{
	queries:     64,
	connections: 16,
	total:       10 * time.Second,
	server:      3 * time.Second, // each of three has its turn, as a resolver library asks no more
	client:      10 * time.Second,
	port:        53,
}

// bufferSize is how long a query may be, and an answer over UDP: larger datagrams
// come in fragments, which are easily lost and easily forged. A container's
// loopback would carry 64 KiB.
const bufferSize = 4096

type buffer [bufferSize]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// Server answers one container's DNS queries until Close.
type Server struct {
	udp       *net.UDPConn
	tcp       *net.TCPListener
	directory Directory
	upstream  Upstream
	limits    limits
	self      netip.AddrPort // must not be asked; mostly zero, see findSelf

	queries     chan struct{} // filled up by those on their way
	connections chan struct{}

	context context.Context // ended by Close
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	open   map[io.Closer]struct{} // what Close must close for running to end
	closed bool
}

// Serve answers on two sockets that were opened in the container's network
// namespace: udp is bound, tcp listens. It takes them over, and closes both files
// even when there is an error. All goes on in goroutines of the Server's own.
func Serve(udp, tcp *os.File, directory Directory, upstream Upstream) (*Server, error) {
	return serve(udp, tcp, directory, upstream, defaultLimits)
}

func serve(udp, tcp *os.File, directory Directory, upstream Upstream, limits limits) (*Server, error) {
	// The net package makes duplicates.
	defer udp.Close()
	defer tcp.Close()
	packets, err := net.FilePacketConn(udp)
	if err != nil {
		return nil, fmt.Errorf("taking over the resolver's UDP socket: %w", err)
	}
	s := &Server{
		directory:   directory,
		upstream:    upstream,
		limits:      limits,
		queries:     make(chan struct{}, limits.queries),
		connections: make(chan struct{}, limits.connections),
		open:        map[io.Closer]struct{}{packets: {}},
	}
	listener, err := net.FileListener(tcp)
	if err != nil {
		packets.Close()
		return nil, fmt.Errorf("taking over the resolver's TCP socket: %w", err)
	}
	s.open[listener] = struct{}{}
	var isUDP, isTCP bool
	s.udp, isUDP = packets.(*net.UDPConn)
	s.tcp, isTCP = listener.(*net.TCPListener)
	if !isUDP || !isTCP {
		packets.Close()
		listener.Close()
		return nil, fmt.Errorf("taking over the resolver's sockets: they are %s and %s, want udp and tcp",
			packets.LocalAddr().Network(), listener.Addr().Network())
	}
	s.self = findSelf(s.udp)
	s.context, s.cancel = context.WithCancel(context.Background())
	s.running.Go(s.serveUDP)
	s.running.Go(s.serveTCP)
	return s, nil
}

// Close ends the service and returns when nothing of it is left: no goroutine, no
// socket. Queries on their way are not answered. It may be called more than once,
// but not by a function of Directory.
func (s *Server) Close() {
	s.cancel()
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// hold has Close close c. When that has begun already, it is done here, and the
// result is false.
func (s *Server) hold(c io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Close()
		return false
	}
	s.open[c] = struct{}{}
	return true
}

// release closes what hold was told of.
func (s *Server) release(c io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	c.Close()
}

// respite is how long a socket is left alone after an error that may last. The
// kernel does not tell when there are descriptors (EMFILE) or buffers (ENOBUFS)
// again, and what waits on the socket reports it as ready all the time.
const respite = time.Second

// bear tells whether to go on after an error of one of the container's sockets. A
// container with CAP_NET_ADMIN can have its sockets destroyed (SOCK_DESTROY of
// sock_diag(7)); a listening one is none after that, EINVAL in accept(2).
func (s *Server) bear(err error) bool {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, unix.EINVAL) {
		return false
	}
	timer := time.NewTimer(respite)
	defer timer.Stop()
	select {
	case <-s.context.Done():
		return false
	case <-timer.C:
		return true
	}
}

// here answers what takes nobody else: names of ours, and what is wrong with a
// query. The answer is appended to buf[:0], and nil where there is to be none. For
// a query that is to be forwarded, forward is true.
func (s *Server) here(msg, buf []byte) (q query, answer []byte, forward bool) {
	q, code, ok := parseQuery(msg)
	switch {
	case !ok:
		return q, nil, false
	case code != dnsmessage.RCodeSuccess:
		return q, q.bare(buf, code), false
	}
	if q.class == dnsmessage.ClassINET && q.name != "" {
		if r, ok := s.directory.find(q.name); ok {
			return q, q.answer(buf, r), false
		}
	}
	return q, nil, true
}
