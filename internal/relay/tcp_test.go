package relay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// serveTCP plays the container: it does act with each connection, and closes it.
func serveTCP(t *testing.T, address string, act func(*net.TCPConn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(patience))
				act(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func echo(conn *net.TCPConn) { _, _ = io.Copy(conn, conn) }

// relayTCP starts a relay at an address, and returns where.
func relayTCP(t *testing.T, address string, target netip.AddrPort, change func(*tcpRelay)) (*tcpRelay, string) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	where := l.Addr().String()
	limits := standard
	limits.retry = time.Hour // no test is to wait for it
	r, err := listen(onlyFile(t, l.(*net.TCPListener)), target, limits)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	r.running.Go(r.run)
	t.Cleanup(r.close)
	return r, where
}

// atMost changes how many connections a relay takes.
func atMost(connections int) func(*tcpRelay) {
	return func(r *tcpRelay) { r.slots = make(chan struct{}, connections) }
}

func dialTCP(t *testing.T, where string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// fate is the error that a client meets who sends nothing.
func fate(where string) error {
	conn, err := net.Dial("tcp", where)
	if err != nil {
		return err // it may come as early as this
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}

// ping sends a line through an echo and reports what is wrong with what returns.
func ping(conn net.Conn, text string) error {
	if _, err := io.WriteString(conn, text); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if string(got) != text {
		return fmt.Errorf("got %q, want %q", got, text)
	}
	return nil
}

func mustPing(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if err := ping(conn, text); err != nil {
		t.Fatal(err)
	}
}

// bound is a port that nobody listens at and nobody else can take.
func bound(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	where, ok := clientAddr(addr)
	if !ok {
		t.Fatalf("got %v, want an IPv4 address", addr)
	}
	return where
}

func TestTCPRefused(t *testing.T) {
	_, where := relayTCP(t, "127.0.0.1", bound(t), nil)
	for range 3 {
		if err := fate(where); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("got %v, want %v", err, unix.ECONNRESET)
		}
	}
}

// silent is a port at which no connection is completed: its queue is full.
func silent(t *testing.T) netip.AddrPort {
	t.Helper()
	where := bound(t)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 2}, Port: int(where.Port())}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	where = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), where.Port())
	for range 16 {
		conn, err := net.DialTimeout("tcp", where.String(), 50*time.Millisecond)
		if err != nil {
			return where
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("a queue of no length takes 16 connections")
	return where
}

func TestTCPSilentTarget(t *testing.T) {
	target := silent(t)
	t.Run("the client is told", func(t *testing.T) {
		_, where := relayTCP(t, "127.0.0.1", target, func(r *tcpRelay) { r.limits.dial = 50 * time.Millisecond })
		if err := fate(where); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("got %v, want %v", err, unix.ECONNRESET)
		}
	})
	t.Run("Close does not wait", func(t *testing.T) {
		r, where := relayTCP(t, "127.0.0.1", target, func(r *tcpRelay) { r.limits.dial = time.Hour })
		conn := dialTCP(t, where)
		r.close()
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("got %v, want %v", err, unix.ECONNRESET)
		}
	})
}

func TestTCPManyConnections(t *testing.T) {
	target := serveTCP(t, "127.0.0.1", echo)
	_, where := relayTCP(t, "127.0.0.1", target, nil)
	var conns []*net.TCPConn
	for range 200 {
		conns = append(conns, dialTCP(t, where))
	}
	var pinging sync.WaitGroup
	for i, conn := range conns {
		pinging.Go(func() {
			for j := range 5 {
				if err := ping(conn, fmt.Sprintf("connection %d, line %d\n", i, j)); err != nil {
					t.Errorf("connection %d: %v", i, err)
				}
			}
		})
	}
	pinging.Wait()
}

func TestTCPLimit(t *testing.T) {
	const limit = 3
	arrived := make(chan struct{})
	target := serveTCP(t, "127.0.0.1", func(conn *net.TCPConn) {
		arrived <- struct{}{}
		echo(conn)
	})
	var calls atomic.Int32
	_, where := relayTCP(t, "127.0.0.1", target, func(r *tcpRelay) {
		atMost(limit)(r)
		accept := r.accept
		r.accept = func() (*net.TCPConn, error) {
			calls.Add(1)
			return accept()
		}
	})
	var conns []*net.TCPConn
	for range 10 {
		conns = append(conns, dialTCP(t, where))
	}
	seen := 0
	for i, conn := range conns {
		for ; seen < min(i+limit, len(conns)); seen++ {
			<-arrived
		}
		mustPing(t, conn, "served in its turn")
		if got := int(calls.Load()); got > i+limit {
			t.Errorf("got %d calls of accept after %d connections have ended, want at most %d", got, i, i+limit)
		}
		conn.Close()
	}
}

// Without descriptors accept fails at once, again and again.
func TestTCPAcceptError(t *testing.T) {
	target := serveTCP(t, "127.0.0.1", echo)
	var calls atomic.Int32
	second := make(chan struct{})
	_, where := relayTCP(t, "127.0.0.1", target, func(r *tcpRelay) {
		accept := r.accept
		r.accept = func() (*net.TCPConn, error) {
			switch calls.Add(1) {
			case 2:
				close(second)
				return nil, &net.OpError{Op: "accept", Err: unix.EMFILE}
			default:
				return accept()
			}
		}
	})
	first := dialTCP(t, where)
	mustPing(t, first, "the first")
	<-second
	waiting := dialTCP(t, where)
	mustPing(t, first, "still there")
	if got := calls.Load(); got != 2 {
		t.Errorf("got %d calls of accept while no connection has ended, want 2", got)
	}
	first.Close()
	mustPing(t, waiting, "the next")
}

func TestTCPAcceptErrorAlone(t *testing.T) {
	failed := make(chan struct{}, 1)
	r, _ := relayTCP(t, "127.0.0.1", bound(t), func(r *tcpRelay) {
		r.accept = func() (*net.TCPConn, error) {
			failed <- struct{}{}
			return nil, unix.ENFILE
		}
	})
	<-failed
	r.close()
}

func TestTCPClose(t *testing.T) {
	target := serveTCP(t, "127.0.0.1", echo)
	goroutines, open := runtime.NumGoroutine(), sockets(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	where := l.Addr().String()
	r, err := TCP(onlyFile(t, l.(*net.TCPListener)), target)
	if err != nil {
		t.Fatal(err)
	}
	var conns []*net.TCPConn
	for i := range 20 {
		conn := dialTCP(t, where)
		mustPing(t, conn, "hello")
		if i%2 == 0 {
			// These are in the middle of something, and nobody reads their echo.
			_, _ = conn.Write(bytes.Repeat([]byte("x"), 64<<10))
		}
		conns = append(conns, conn)
	}
	r.Close()
	r.Close()
	for _, conn := range conns {
		if _, err := io.Copy(io.Discard, conn); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("got %v, want %v", err, unix.ECONNRESET)
		}
		conn.Close()
	}
	if conn, err := net.Dial("tcp", where); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("got %v, %v, want %v: the port is free again", conn, err, unix.ECONNREFUSED)
	}
	sameGoroutines(t, goroutines)
	if got := sockets(t); got != open {
		t.Errorf("got %d sockets, want %d", got, open)
	}
}
