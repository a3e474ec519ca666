package relay

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// noise is n bytes that are the same for the same seed.
func noise(seed byte, n int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{seed}), n)
}

func sumOf(t *testing.T, r io.Reader) (sum [sha256.Size]byte) {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Error(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func TestTCPData(t *testing.T) {
	const there, back = 6<<20 + 1, 4<<20 - 1 // bytes
	for _, test := range []struct{ name, host, container string }{
		{"IPv4", "127.0.0.1", "127.0.0.1"},
		{"IPv6", "::1", "::1"},
		{"IPv6 to IPv4", "::1", "127.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			needAddress(t, test.host)
			arrived := make(chan [sha256.Size]byte, 1)
			target := serveTCP(t, test.container, func(conn *net.TCPConn) {
				var sending sync.WaitGroup
				sending.Go(func() {
					_, _ = io.Copy(conn, noise(2, back))
					_ = conn.CloseWrite()
				})
				arrived <- sumOf(t, conn)
				sending.Wait()
			})
			_, where := relayTCP(t, test.host, target, nil)
			conn := dialTCP(t, where)
			var sending sync.WaitGroup
			sending.Go(func() {
				_, _ = io.Copy(conn, noise(1, there))
				_ = conn.CloseWrite()
			})
			if got, want := sumOf(t, conn), sumOf(t, noise(2, back)); got != want {
				t.Errorf("what came back has SHA-256 %x, want %x", got, want)
			}
			sending.Wait()
			if got, want := <-arrived, sumOf(t, noise(1, there)); got != want {
				t.Errorf("what arrived has SHA-256 %x, want %x", got, want)
			}
		})
	}
}

// One side says all that it has to say before the other one begins.
func TestTCPHalfClose(t *testing.T) {
	speak := func(conn *net.TCPConn, text string) error {
		_, err := io.WriteString(conn, text)
		return errors.Join(err, conn.CloseWrite())
	}
	hear := func(conn *net.TCPConn, want string) error {
		got, err := io.ReadAll(conn)
		if err == nil && string(got) != want {
			return fmt.Errorf("got %q, want %q", got, want)
		}
		return err
	}
	first := func(conn *net.TCPConn) error { return errors.Join(speak(conn, "first"), hear(conn, "second")) }
	second := func(conn *net.TCPConn) error { return errors.Join(hear(conn, "first"), speak(conn, "second")) }
	for _, test := range []struct {
		name              string
		client, container func(*net.TCPConn) error
	}{
		{"the client first", first, second},
		{"the container first", second, first},
	} {
		t.Run(test.name, func(t *testing.T) {
			said := make(chan error, 1)
			target := serveTCP(t, "127.0.0.1", func(conn *net.TCPConn) { said <- test.container(conn) })
			_, where := relayTCP(t, "127.0.0.1", target, nil)
			if err := test.client(dialTCP(t, where)); err != nil {
				t.Errorf("the client: %v", err)
			}
			if err := <-said; err != nil {
				t.Errorf("the container: %v", err)
			}
		})
	}
}

func TestTCPReset(t *testing.T) {
	readToError := func(conn *net.TCPConn) error {
		_, err := io.Copy(io.Discard, conn)
		return err
	}
	t.Run("of the client", func(t *testing.T) {
		got := make(chan error, 1)
		target := serveTCP(t, "127.0.0.1", func(conn *net.TCPConn) {
			_, _ = io.WriteString(conn, "welcome")
			got <- readToError(conn)
		})
		_, where := relayTCP(t, "127.0.0.1", target, nil)
		conn := dialTCP(t, where)
		if _, err := io.ReadFull(conn, make([]byte, len("welcome"))); err != nil {
			t.Fatal(err)
		}
		reset(conn)
		if err := <-got; !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("the container got %v, want %v", err, unix.ECONNRESET)
		}
	})
	t.Run("of the container", func(t *testing.T) {
		target := serveTCP(t, "127.0.0.1", reset)
		_, where := relayTCP(t, "127.0.0.1", target, nil)
		if err := fate(where); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("the client got %v, want %v", err, unix.ECONNRESET)
		}
	})
	// The container has had its end of data, waits, and says nothing.
	t.Run("of a client that had ended", func(t *testing.T) {
		heard, leave := make(chan error), make(chan struct{})
		defer close(leave)
		var count atomic.Int32
		target := serveTCP(t, "127.0.0.1", func(conn *net.TCPConn) {
			if count.Add(1) > 1 {
				echo(conn)
				return
			}
			heard <- readToError(conn)
			<-leave
		})
		_, where := relayTCP(t, "127.0.0.1", target, atMost(1))
		first := dialTCP(t, where)
		if err := first.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := <-heard; err != nil {
			t.Errorf("the container got %v, want the end", err)
		}
		reset(first)
		mustPing(t, dialTCP(t, where), "the place of the first")
	})
}

// A peer that neither reads nor closes is nobody else's matter.
func TestTCPStuckPeer(t *testing.T) {
	met, leave := make(chan struct{}), make(chan struct{})
	defer close(leave)
	var count atomic.Int32
	target := serveTCP(t, "127.0.0.1", func(conn *net.TCPConn) {
		if count.Add(1) == 1 {
			close(met)
			<-leave
			return
		}
		echo(conn)
	})
	_, where := relayTCP(t, "127.0.0.1", target, nil)
	stuck := dialTCP(t, where)
	<-met
	filled := make(chan error)
	go func() {
		_, err := io.Copy(stuck, noise(1, 1<<30))
		filled <- err
	}()
	for i := range 10 {
		mustPing(t, dialTCP(t, where), fmt.Sprint(i))
	}
	stuck.Close()
	if err := <-filled; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v from writing to who does not read, want %v", err, net.ErrClosed)
	}
}
