package relay

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openUDP is a socket that is closed after the test.
func openUDP(t *testing.T, address string) *net.UDPConn {
	t.Helper()
	network := "udp4"
	if netip.MustParseAddrPort(address).Addr().Is6() {
		network = "udp6"
	}
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.UDPConn)
}

func addrOf(conn net.PacketConn) netip.AddrPort { return conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// relayUDP starts a relay at an address, and returns it with its port.
func relayUDP(t *testing.T, address string, target netip.AddrPort, change func(*limits)) (*udpRelay, uint16) {
	t.Helper()
	conn := openUDP(t, address)
	port := addrOf(conn).Port()
	l := standard
	if change != nil {
		change(&l)
	}
	u, err := receive(onlyFile(t, conn), target, l)
	if err != nil {
		t.Fatal(err)
	}
	u.running.Go(u.run)
	t.Cleanup(u.close)
	return u, port
}

// client is a socket that takes answers from where it sends to alone.
func client(t *testing.T, address string, port uint16) *net.UDPConn {
	t.Helper()
	conn, err := net.Dial("udp", netip.AddrPortFrom(netip.MustParseAddr(address), port).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.UDPConn)
}

func send(t *testing.T, conn *net.UDPConn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func wantNext(t *testing.T, conn *net.UDPConn, want string) (from netip.AddrPort) {
	t.Helper()
	buf := make([]byte, 64<<10)
	n, from, err := conn.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(buf[:n]); got != want {
		t.Fatalf("got %.40q, want %.40q", got, want)
	}
	return from
}

// exchange sends a datagram there and one back, and returns the relay's address as
// the container sees it.
func exchange(t *testing.T, client, container *net.UDPConn, text string) netip.AddrPort {
	t.Helper()
	send(t, client, text)
	from := wantNext(t, container, text)
	if _, err := container.WriteToUDPAddrPort([]byte("re: "+text), from); err != nil {
		t.Fatal(err)
	}
	wantNext(t, client, "re: "+text)
	return from
}

func TestUDPClientsDontMix(t *testing.T) {
	container := openUDP(t, "127.0.0.1:0")
	u, port := relayUDP(t, "127.0.0.1:0", addrOf(container), nil)
	a, b := client(t, "127.0.0.1", port), client(t, "127.0.0.1", port)
	send(t, a, "a")
	fromA := wantNext(t, container, "a")
	send(t, b, "b")
	fromB := wantNext(t, container, "b")
	if fromA == fromB {
		t.Errorf("both come from %v, want one address each", fromA)
	}
	for _, answer := range []struct {
		to   netip.AddrPort
		text string
	}{{fromB, "to b"}, {fromA, "to a"}, {fromB, "to b, too"}} {
		if _, err := container.WriteToUDPAddrPort([]byte(answer.text), answer.to); err != nil {
			t.Fatal(err)
		}
	}
	wantNext(t, a, "to a")
	wantNext(t, b, "to b")
	wantNext(t, b, "to b, too")
	if got := exchange(t, a, container, "again"); got != fromA {
		t.Errorf("got it from %v, want %v as before", got, fromA)
	}
	if got := u.count(); got != 2 {
		t.Errorf("got %d sessions, want 2", got)
	}
}

// Nobody but the container can answer through a session.
func TestUDPStranger(t *testing.T) {
	container, stranger := openUDP(t, "127.0.0.1:0"), openUDP(t, "127.0.0.1:0")
	_, port := relayUDP(t, "127.0.0.1:0", addrOf(container), nil)
	c := client(t, "127.0.0.1", port)
	send(t, c, "question")
	from := wantNext(t, container, "question")
	for _, answer := range []struct {
		conn *net.UDPConn
		text string
	}{{stranger, "from a stranger"}, {container, "from the container"}} {
		if _, err := answer.conn.WriteToUDPAddrPort([]byte(answer.text), from); err != nil {
			t.Fatal(err)
		}
	}
	wantNext(t, c, "from the container")
}

// The client's socket is connected: it sees an answer only from whom it asked.
func TestUDPAnswersFromTheAddressAsked(t *testing.T) {
	for _, test := range []struct{ name, bound, asked, container string }{
		{"one address", "127.0.0.1:0", "127.0.0.1", "127.0.0.1:0"},
		{"one other address", "127.0.0.2:0", "127.0.0.2", "127.0.0.1:0"},
		{"all, asked at the first", "0.0.0.0:0", "127.0.0.1", "127.0.0.1:0"},
		{"all, asked at another", "0.0.0.0:0", "127.0.0.2", "127.0.0.1:0"},
		{"all, asked at one of many", "0.0.0.0:0", "127.255.255.1", "127.0.0.1:0"},
		{"one IPv6 address", "[::1]:0", "::1", "[::1]:0"},
		{"all of IPv6", "[::]:0", "::1", "[::1]:0"},
		{"all of IPv6, to IPv4", "[::]:0", "::1", "127.0.0.1:0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			needAddress(t, test.asked)
			container := openUDP(t, test.container)
			_, port := relayUDP(t, test.bound, addrOf(container), nil)
			exchange(t, client(t, test.asked, port), container, "hello")
		})
	}
}

// One socket asks at two addresses: these are two sessions.
func TestUDPOneClientTwoAddresses(t *testing.T) {
	container, c := openUDP(t, "127.0.0.1:0"), openUDP(t, "127.0.0.1:0")
	_, port := relayUDP(t, "0.0.0.0:0", addrOf(container), nil)
	for _, address := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.1"} {
		asked := netip.AddrPortFrom(netip.MustParseAddr(address), port)
		if _, err := c.WriteToUDPAddrPort([]byte(address), asked); err != nil {
			t.Fatal(err)
		}
		from := wantNext(t, container, address)
		if _, err := container.WriteToUDPAddrPort([]byte("re: "+address), from); err != nil {
			t.Fatal(err)
		}
		if got := wantNext(t, c, "re: "+address); got != asked {
			t.Errorf("got an answer from %v, want %v", got, asked)
		}
	}
}

func TestUDPSizes(t *testing.T) {
	container := openUDP(t, "127.0.0.1:0")
	_, port := relayUDP(t, "127.0.0.1:0", addrOf(container), nil)
	c := client(t, "127.0.0.1", port)
	for _, size := range []int{0, 1, 1472, 1473, 9000, 65507, 0} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			there, back := bytes.Repeat([]byte("x"), size), bytes.Repeat([]byte("y"), size)
			send(t, c, string(there))
			from := wantNext(t, container, string(there))
			if _, err := container.WriteToUDPAddrPort(back, from); err != nil {
				t.Fatal(err)
			}
			wantNext(t, c, string(back))
		})
	}
}

func TestUDPClose(t *testing.T) {
	container := openUDP(t, "127.0.0.1:0")
	goroutines, open := runtime.NumGoroutine(), sockets(t)
	socket := openUDP(t, "127.0.0.1:0")
	port := addrOf(socket).Port()
	r, err := UDP(onlyFile(t, socket), addrOf(container))
	if err != nil {
		t.Fatal(err)
	}
	var clients []*net.UDPConn
	for i := range 20 {
		c := client(t, "127.0.0.1", port)
		exchange(t, c, container, fmt.Sprint(i))
		clients = append(clients, c)
	}
	r.Close()
	r.Close()
	for _, c := range clients {
		send(t, c, "anybody?")
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("got %v, want %v: the port is free again", err, unix.ECONNREFUSED)
		}
		c.Close()
	}
	sameGoroutines(t, goroutines)
	if got := sockets(t); got != open {
		t.Errorf("got %d sockets, want %d", got, open)
	}
}
