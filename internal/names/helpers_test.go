package names

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

// testPatience is when a test gives up on what should have come at once.
const testPatience = 10 * time.Second

// testLimits are those of unc, but for what a test would have to wait for.
var testLimits = limits{
	queries:     defaultLimits.queries,
	connections: defaultLimits.connections,
	total:       testPatience,
	server:      testPatience,
	client:      testPatience,
}

const (
	alice = 1000
	bob   = 1001
	dot   = 1002 // has a name that is more than one label
	digit = 1003 // is called after the number of alice
)

// testDirectory is of alice's point of view.
func testDirectory() Directory {
	type container struct {
		owner  uint32
		name   string
		v4, v6 netip.Addr
	}
	containers := []container{
		{alice, "web", netip.MustParseAddr("10.100.42.7"), netip.MustParseAddr("fd00::7")},
		{alice, "four", netip.MustParseAddr("10.100.42.8"), netip.Addr{}},
		{bob, "web", netip.MustParseAddr("10.100.42.9"), netip.MustParseAddr("fd00::9")},
		{dot, "web", netip.MustParseAddr("10.100.42.10"), netip.Addr{}},
		{digit, "web", netip.MustParseAddr("10.100.42.11"), netip.Addr{}},
	}
	users := map[string]uint32{"alice": alice, "bob": bob, "Bob": 2001, "do.t": dot, "1000": digit}
	return Directory{
		Owner: alice,
		Lookup: func(owner uint32, name string) (v4, v6 netip.Addr, ok bool) {
			for _, c := range containers {
				if c.owner == owner && c.name == name {
					return c.v4, c.v6, true
				}
			}
			return netip.Addr{}, netip.Addr{}, false
		},
		Reverse: func(addr netip.Addr) (uint32, string, bool) {
			for _, c := range containers {
				if addr == c.v4 || addr == c.v6 {
					return c.owner, c.name, true
				}
			}
			return 0, "", false
		},
		Gateway:  netip.MustParseAddr("10.100.42.1"),
		Gateway6: netip.MustParseAddr("fd00::1"),
		UserID: func(name string) (uint32, bool) {
			uid, ok := users[name]
			return uid, ok
		},
		UserName: func(uid uint32) (string, bool) {
			for name, id := range users {
				if id == uid {
					return name, true
				}
			}
			return "", false
		},
	}
}

// question makes a query as a resolver library does.
func question(id uint16, name string, kind dnsmessage.Type) []byte {
	return pack(dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	})
}

// withEDNS adds an OPT record with an option that nobody knows.
func withEDNS(msg []byte, size uint16, dnssec bool) []byte {
	var header dnsmessage.ResourceHeader
	if err := header.SetEDNS0(int(size), dnsmessage.RCodeSuccess, dnssec); err != nil {
		panic(err)
	}
	m := unpack(msg)
	m.Additionals = append(m.Additionals, dnsmessage.Resource{
		Header: header,
		Body:   &dnsmessage.OPTResource{Options: []dnsmessage.Option{{Code: 65001, Data: []byte("cookie")}}},
	})
	return pack(m)
}

func pack(m dnsmessage.Message) []byte {
	msg, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return msg
}

func unpack(msg []byte) dnsmessage.Message {
	var m dnsmessage.Message
	if err := m.Unpack(msg); err != nil {
		panic(err)
	}
	return m
}

// answerWith is an answer to a query, with texts of so many bytes in it.
func answerWith(query []byte, code dnsmessage.RCode, texts ...int) []byte {
	m := unpack(query)
	m.Response, m.RCode, m.RecursionAvailable = true, code, true
	for _, size := range texts {
		var body dnsmessage.TXTResource
		for ; size > 0; size -= 200 {
			body.TXT = append(body.TXT, string(make([]byte, min(size, 200))))
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: m.Questions[0].Class, TTL: 60},
			Body:   &body,
		})
	}
	return pack(m)
}

// A server is a DNS server on the loopback. It answers as the test says, with none,
// one or more messages.
type server struct {
	addr  netip.AddrPort
	asked chan []byte // queries as they came
}

type behaviour func(query []byte, tcp bool) [][]byte

// agreeable answers with one short record.
func agreeable(query []byte, _ bool) [][]byte {
	return [][]byte{answerWith(query, dnsmessage.RCodeSuccess, 4)}
}

func silent([]byte, bool) [][]byte { return nil }

func replies(code dnsmessage.RCode) behaviour {
	return func(query []byte, _ bool) [][]byte { return [][]byte{answerWith(query, code)} }
}

// newServers starts a server for each behaviour, all with one port, and addresses
// from 127.0.0.1 on. A nil one is a server that is down.
func newServers(t *testing.T, behaviours ...behaviour) []*server {
	t.Helper()
	addrs := make([]netip.Addr, len(behaviours))
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)})
	}
	return newServersAt(t, addrs, behaviours...)
}

func newServersAt(t *testing.T, addrs []netip.Addr, behaviours ...behaviour) []*server {
	t.Helper()
	for range 20 {
		servers, err := tryServers(t, addrs, behaviours)
		if err == nil {
			return servers
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			tier.Skip(t, "no server on the loopback: %v", err)
		}
	}
	t.Fatal("no port is free at all addresses")
	return nil
}

func tryServers(t *testing.T, addrs []netip.Addr, behaviours []behaviour) (servers []*server, err error) {
	var closers []io.Closer
	var port uint16
	var starts []func()
	stop := func() {
		for _, c := range closers {
			c.Close()
		}
	}
	for i, addr := range addrs {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port)))
		if err != nil {
			stop()
			return nil, err
		}
		closers = append(closers, conn)
		at := conn.LocalAddr().(*net.UDPAddr).AddrPort()
		port = at.Port()
		listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		if err != nil {
			stop()
			return nil, err
		}
		closers = append(closers, listener)
		s := &server{addr: at, asked: make(chan []byte, 1000)}
		servers = append(servers, s)
		if behaviours[i] == nil {
			conn.Close()
			listener.Close()
			continue
		}
		starts = append(starts, func() { s.serveUDP(conn, behaviours[i]) }, func() { s.serveTCP(listener, behaviours[i]) })
	}
	var running sync.WaitGroup
	for _, start := range starts {
		running.Go(start)
	}
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return servers, nil
}

func (s *server) serveUDP(conn *net.UDPConn, do behaviour) {
	buf := make([]byte, 1<<16)
	for {
		n, client, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		query := append([]byte(nil), buf[:n]...)
		s.asked <- query
		for _, msg := range do(query, false) {
			_, _ = conn.WriteToUDPAddrPort(msg, client)
		}
	}
}

func (s *server) serveTCP(listener *net.TCPListener, do behaviour) {
	for {
		conn, err := listener.AcceptTCP()
		if err != nil {
			return
		}
		if query, err := receive(conn); err == nil {
			s.asked <- query
			answers := do(query, true)
			for _, msg := range answers {
				_ = writeMessage(conn, msg)
			}
			if len(answers) == 0 {
				_, _ = receive(conn) // until the other side has had enough
			}
		}
		conn.Close()
	}
}

// receive reads one message from a TCP connection.
func receive(conn net.Conn) ([]byte, error) {
	size, err := readLength(conn)
	if err != nil {
		return nil, err
	}
	msg := make([]byte, size)
	_, err = io.ReadFull(conn, msg)
	return msg, err
}

// A resolver is what is tested, on the loopback of the test.
type resolver struct {
	*Server
	addr netip.AddrPort
}

// newResolver starts one that asks the servers, and any other of the upstream that
// is given.
func newResolver(t testing.TB, upstream Upstream, limits limits, servers ...*server) *resolver {
	t.Helper()
	for _, s := range servers {
		upstream.Servers = append(upstream.Servers, s.addr.Addr())
		limits.port = s.addr.Port()
	}
	udp, tcp, addr := sockets(t)
	s, err := serve(udp, tcp, testDirectory(), upstream, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &resolver{s, addr}
}

// sockets are what init passes out.
func sockets(t testing.TB) (udp, tcp *os.File, addr netip.AddrPort) {
	t.Helper()
	for range 20 {
		udp, tcp, addr, err := socketsAt(netip.MustParseAddrPort("127.0.0.1:0"))
		if err == nil {
			return udp, tcp, addr
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			t.Fatal(err)
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil, addr
}

func socketsAt(at netip.AddrPort) (udp, tcp *os.File, addr netip.AddrPort, err error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, nil, addr, err
	}
	defer conn.Close()
	addr = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return nil, nil, addr, err
	}
	defer listener.Close()
	if udp, err = conn.File(); err != nil {
		return nil, nil, addr, err
	}
	tcp, err = listener.File()
	return udp, tcp, addr, err
}

// dial connects a client, which gives up when the test's patience is over.
func (r *resolver) dial(t testing.TB, network string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, r.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(testPatience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func send(t testing.TB, conn net.Conn, msg []byte) {
	t.Helper()
	if conn.LocalAddr().Network() == "tcp" {
		msg = append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...)
	}
	if _, err := conn.Write(msg); err != nil {
		t.Fatal(err)
	}
}

func next(t testing.TB, conn net.Conn) []byte {
	t.Helper()
	if conn.LocalAddr().Network() == "tcp" {
		msg, err := receive(conn)
		if err != nil {
			t.Fatalf("waiting for an answer: %v", err)
		}
		return msg
	}
	buf := make([]byte, 1<<16)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatalf("waiting for an answer: %v", err)
	}
	return buf[:n]
}

// ask sends one query and returns the answer.
func (r *resolver) ask(t testing.TB, network string, msg []byte) []byte {
	t.Helper()
	conn := r.dial(t, network)
	send(t, conn, msg)
	return next(t, conn)
}

// heard is the next query that came to a server.
func (s *server) heard(t testing.TB) []byte {
	t.Helper()
	select {
	case msg := <-s.asked:
		return msg
	case <-time.After(testPatience):
		t.Fatal("no query came to the server")
		return nil
	}
}
