package relay

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"unc/internal/tier"
)

// patience is for what the tests wait for: it only tells a failure from a hang.
const patience = 20 * time.Second

// needAddress skips a test where the loopback has not the address.
func needAddress(t *testing.T, address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", net.JoinHostPort(address, "0"))
	if err != nil {
		tier.Skip(t, "no %s here: %v", address, err)
	}
	conn.Close()
}

// onlyFile makes the file of a socket the only thing that keeps it open.
func onlyFile(t *testing.T, socket interface {
	File() (*os.File, error)
	Close() error
},
) *os.File {
	t.Helper()
	file, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// sockets counts this process's.
func sockets(t *testing.T) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name()))
		if err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}

// sameGoroutines lets goroutines that are done leave, and reports what stays.
func sameGoroutines(t *testing.T, want int) {
	t.Helper()
	for start := time.Now(); runtime.NumGoroutine() > want; runtime.Gosched() {
		if time.Since(start) > patience {
			stacks := make([]byte, 64<<10)
			t.Fatalf("got %d goroutines, want %d:\n%s", runtime.NumGoroutine(), want, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestRefusesSockets(t *testing.T) {
	tcp := func(t *testing.T) *os.File {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return onlyFile(t, l.(*net.TCPListener))
	}
	udp := func(t *testing.T) *os.File {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return onlyFile(t, conn.(*net.UDPConn))
	}
	local := func(t *testing.T) *os.File {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "socket"), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		return onlyFile(t, l)
	}
	connected := func(t *testing.T) *os.File {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return onlyFile(t, conn.(*net.TCPConn))
	}
	plain := func(t *testing.T) *os.File {
		file, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	target := netip.MustParseAddrPort("127.0.0.1:9")
	for _, test := range []struct {
		name   string
		start  func(*os.File, netip.AddrPort) (*Relay, error)
		file   func(*testing.T) *os.File
		target netip.AddrPort
		want   string
	}{
		{"TCP without target", TCP, tcp, netip.AddrPort{}, "relaying TCP to invalid AddrPort: there is no address, or no port"},
		{"UDP to port 0", UDP, udp, netip.AddrPortFrom(target.Addr(), 0), "relaying UDP to 127.0.0.1:0: there is no address, or no port"},
		{"TCP of UDP", TCP, udp, target, "relaying TCP to 127.0.0.1:9: the socket is of family 2 and protocol 17, which is something else"},
		{"UDP of a listener", UDP, local, target, "relaying UDP to 127.0.0.1:9: the socket is of family 1 and protocol 0, which is something else"},
		{"TCP of a unix socket", TCP, local, target, "relaying TCP to 127.0.0.1:9: the socket is of family 1 and protocol 0, which is something else"},
		{"TCP of a connection", TCP, connected, target, "relaying TCP to 127.0.0.1:9: the socket does not listen"},
		{"TCP of a file", TCP, plain, target, "relaying TCP to 127.0.0.1:9: asking what kind of socket it is: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := test.file(t)
			r, err := test.start(file, test.target)
			if err == nil {
				r.Close()
				t.Fatal("got no error")
			}
			if got := err.Error(); !strings.HasPrefix(got, test.want) {
				t.Errorf("got error %q, want %q", got, test.want)
			}
			if err := file.Close(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("got %v from closing the file, want %v: it is the relay's", err, os.ErrClosed)
			}
		})
	}
}
