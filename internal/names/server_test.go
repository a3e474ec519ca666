package names

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"unc/internal/resolvconf"
	"unc/internal/tier"
)

var (
	ours   = question(7, "web.", dnsmessage.TypeA)
	theirs = question(9, "www.example.", dnsmessage.TypeTXT)
)

func TestServe(t *testing.T) {
	server := newServers(t, agreeable)[0]
	r := newResolver(t, Upstream{}, testLimits, server)
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			m := unpack(r.ask(t, network, ours))
			want := &dnsmessage.AResource{A: [4]byte{10, 100, 42, 7}}
			if len(m.Answers) != 1 || !cmp.Equal(want, m.Answers[0].Body) {
				t.Errorf("ours: got %v, want %v", m.Answers, want)
			}
			if got, want := r.ask(t, network, theirs), agreeable(theirs, false)[0]; !bytes.Equal(got, want) {
				t.Errorf("theirs: got %x, want %x", got, want)
			}
			if got := server.heard(t); !bytes.Equal(got[2:], theirs[2:]) {
				t.Errorf("the server: got %x, want %x but for the ID", got, theirs)
			}
			if len(server.asked) > 0 {
				t.Errorf("the server: got %x too, want nothing more", <-server.asked)
			}
		})
	}
}

// What we know nothing of passes, in both directions.
func TestBytesPass(t *testing.T) {
	record := []byte{0xc0, headerSize, 0xff, 0x01, 0, 1, 0, 0, 0, 60, 0, 3, 1, 2, 3} // type 65281
	server := newServers(t, func(query []byte, _ bool) [][]byte {
		return [][]byte{changed(append(query, record...), func(msg []byte) {
			msg[flagsAt] |= bitResponse
			msg[flags2At] |= 0x20 // AD
			msg[headerSize-1] = 2
		})}
	})[0]
	r := newResolver(t, Upstream{}, testLimits, server)
	dotted := changed(question(3, "My-Printer._ipp._tcp.example.", 65280), func(msg []byte) { msg[headerSize+3] = '.' })
	for _, network := range []string{"udp", "tcp"} {
		for _, msg := range [][]byte{withEDNS(theirs, 1400, true), withEDNS(question(5, "www.example.", 65280), 1232, false)} {
			got := r.ask(t, network, msg)
			asked := server.heard(t)
			if !bytes.Equal(asked[2:], msg[2:]) {
				t.Errorf("%s: the server: got %x, want %x but for the ID", network, asked, msg)
			}
			want := changed(append(bytes.Clone(msg), record...), func(msg []byte) {
				msg[flagsAt] |= bitResponse
				msg[flags2At] |= 0x20
				msg[headerSize-1] = 2
			})
			if !bytes.Equal(got, want) {
				t.Errorf("%s: got %x, want %x", network, got, want)
			}
		}
		r.ask(t, network, dotted)
		if asked := server.heard(t); !bytes.Equal(asked[2:], dotted[2:]) {
			t.Errorf("%s: the server: got %x, want %x but for the ID", network, asked, dotted)
		}
	}
}

func TestRandomPortAndID(t *testing.T) {
	server := newServers(t, agreeable)[0]
	r := newResolver(t, Upstream{}, testLimits, server)
	ids := make(map[uint16]bool)
	for range 50 {
		r.ask(t, "udp", theirs)
		ids[binary.BigEndian.Uint16(server.heard(t))] = true
	}
	if len(ids) < 40 {
		t.Errorf("got %d different IDs of 50", len(ids))
	}
}

// What is too long for the client's datagrams it gets over TCP.
func TestTruncation(t *testing.T) {
	server := newServers(t, func(query []byte, tcp bool) [][]byte {
		if m := unpack(query); tcp && m.Questions[0].Name.String() == "big.example." {
			return [][]byte{answerWith(query, dnsmessage.RCodeSuccess, 60000)}
		}
		return [][]byte{answerWith(query, dnsmessage.RCodeSuccess, 5000)}
	})[0]
	r := newResolver(t, Upstream{}, testLimits, server)
	for _, msg := range [][]byte{theirs, withEDNS(theirs, 1232, false), withEDNS(theirs, 65535, false)} {
		answer := r.ask(t, "udp", msg)
		if m := unpack(answer); !m.Truncated || m.ID != 9 || len(m.Answers) > 0 || len(answer) > plainUDP {
			t.Errorf("got %v of %d bytes, want it truncated", m.GoString(), len(answer))
		}
	}
	if got, want := r.ask(t, "tcp", theirs), answerWith(theirs, dnsmessage.RCodeSuccess, 5000); !bytes.Equal(got, want) {
		t.Errorf("over TCP: got %d bytes, want these %d", len(got), len(want))
	}
	big := question(10, "big.example.", dnsmessage.TypeTXT)
	if got, want := r.ask(t, "tcp", big), answerWith(big, dnsmessage.RCodeSuccess, 60000); !bytes.Equal(got, want) {
		t.Errorf("over TCP: got %d bytes, want these %d", len(got), len(want))
	}
}

// That a server has cut its answer short passes.
func TestTruncatedUpstream(t *testing.T) {
	want := changed(answerWith(theirs, dnsmessage.RCodeSuccess, 100), func(msg []byte) { msg[flagsAt] |= bitTruncated })
	server := newServers(t, func(query []byte, _ bool) [][]byte {
		return [][]byte{changed(want, func(msg []byte) { copy(msg, query[:2]) })}
	})[0]
	r := newResolver(t, Upstream{}, testLimits, server)
	if got := r.ask(t, "udp", theirs); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// Over UDP what does not belong to the query is passed over until an answer comes.
func TestForgedAnswers(t *testing.T) {
	server := newServers(t, func(query []byte, _ bool) [][]byte {
		forged := answerWith(query, dnsmessage.RCodeSuccess, 100)
		return [][]byte{
			changed(forged, func(msg []byte) { msg[0]++ }),
			changed(forged, func(msg []byte) { msg[headerSize+1] = 'x' }),
			query,
			forged[:headerSize],
			{},
			answerWith(query, dnsmessage.RCodeSuccess, 4),
		}
	})[0]
	r := newResolver(t, Upstream{}, testLimits, server)
	if got, want := r.ask(t, "udp", theirs), answerWith(theirs, dnsmessage.RCodeSuccess, 4); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	m := unpack(r.ask(t, "tcp", theirs))
	if m.RCode != dnsmessage.RCodeServerFailure {
		t.Errorf("over TCP: got %v, want %v", m.RCode, dnsmessage.RCodeServerFailure)
	}
}

// An answer from another socket than the one asked, with the right ID and all.
func TestAnswerFromElsewhere(t *testing.T) {
	elsewhere, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	clients := make(chan netip.AddrPort, 1)
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		buf := make([]byte, bufferSize)
		n, client, err := server.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		_, _ = elsewhere.WriteToUDPAddrPort(answerWith(buf[:n], dnsmessage.RCodeSuccess, 100), client)
		_, _ = server.WriteToUDPAddrPort(answerWith(buf[:n], dnsmessage.RCodeSuccess, 4), client)
		clients <- client
	}()
	limits := testLimits
	at := server.LocalAddr().(*net.UDPAddr).AddrPort()
	limits.port = at.Port()
	r := newResolver(t, Upstream{Servers: []netip.Addr{at.Addr().Unmap()}}, limits)
	if got, want := r.ask(t, "udp", theirs), answerWith(theirs, dnsmessage.RCodeSuccess, 4); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	if client := <-clients; client.Port() == r.addr.Port() {
		t.Errorf("asked from %v, want a socket of its own", client)
	}
}

func TestFailOver(t *testing.T) {
	for _, test := range []struct {
		name  string
		first behaviour
	}{
		{"down", nil},
		{"server failure", replies(dnsmessage.RCodeServerFailure)},
		{"refused", replies(dnsmessage.RCodeRefused)},
		{"silent", silent},
	} {
		t.Run(test.name, func(t *testing.T) {
			limits := testLimits
			if test.name == "silent" {
				limits.server = testPatience / 50
			}
			servers := newServers(t, test.first, agreeable)
			r := newResolver(t, Upstream{}, limits, servers...)
			for _, network := range []string{"udp", "tcp"} {
				if got, want := r.ask(t, network, theirs), agreeable(theirs, false)[0]; !bytes.Equal(got, want) {
					t.Errorf("%s: got %x, want %x", network, got, want)
				}
			}
		})
	}
}

// An answer that is no good news is one all the same.
func TestNoFailOver(t *testing.T) {
	servers := newServers(t, replies(dnsmessage.RCodeNameError), agreeable)
	r := newResolver(t, Upstream{}, testLimits, servers...)
	m := unpack(r.ask(t, "udp", theirs))
	if m.RCode != dnsmessage.RCodeNameError || len(servers[1].asked) > 0 {
		t.Errorf("got %v, and %d queries to the second server, want %v and none", m.RCode, len(servers[1].asked), dnsmessage.RCodeNameError)
	}
}

// A lost datagram is sent again, to a server that may have got it.
func TestAskedAgain(t *testing.T) {
	asked := 0
	server := newServers(t, func(query []byte, _ bool) [][]byte {
		if asked++; asked == 1 {
			return nil
		}
		return agreeable(query, false)
	})[0]
	limits := testLimits
	limits.server = testPatience / 20
	r := newResolver(t, Upstream{}, limits, server)
	if got, want := r.ask(t, "udp", theirs), agreeable(theirs, false)[0]; !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	if first, second := server.heard(t), server.heard(t); !bytes.Equal(first[2:], second[2:]) {
		t.Errorf("asked again: got %x, want %x but for the ID", second, first)
	}
}

func TestAllFail(t *testing.T) {
	soon := testLimits
	soon.server = testPatience / 100
	total := testLimits
	total.total = testPatience / 100
	for _, test := range []struct {
		name    string
		limits  limits
		servers []behaviour
	}{
		{"no server", testLimits, nil},
		{"all down", testLimits, []behaviour{nil, nil}},
		{"all decline", testLimits, []behaviour{replies(dnsmessage.RCodeRefused), replies(dnsmessage.RCodeServerFailure)}},
		{"all silent", soon, []behaviour{silent, silent}},
		{"no time for the second", total, []behaviour{silent, agreeable}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newResolver(t, Upstream{}, test.limits, newServers(t, test.servers...)...)
			for _, network := range []string{"udp", "tcp"} {
				msg := withEDNS(theirs, 1232, true)
				m := unpack(r.ask(t, network, msg))
				if m.RCode != dnsmessage.RCodeServerFailure || m.ID != 9 || m.Authoritative || len(m.Additionals) != 1 {
					t.Errorf("%s: got %v, want %v", network, m.GoString(), dnsmessage.RCodeServerFailure)
				}
				if diff := cmp.Diff(unpack(msg).Questions, m.Questions); diff != "" {
					t.Errorf("%s: questions (-want +got):\n%s", network, diff)
				}
			}
			if m := unpack(r.ask(t, "udp", ours)); len(m.Answers) != 1 {
				t.Errorf("ours: got %v, want one", m.Answers)
			}
		})
	}
}

func TestUpstreamIPv6(t *testing.T) {
	servers := newServersAt(t, []netip.Addr{netip.IPv6Loopback()}, agreeable)
	r := newResolver(t, Upstream{}, testLimits, servers...)
	for _, network := range []string{"udp", "tcp"} {
		if got, want := r.ask(t, network, theirs), agreeable(theirs, false)[0]; !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", network, got, want)
		}
	}
}

// The host's resolvers are followed, and left alone where others are given.
func TestUpstreamOfTheHost(t *testing.T) {
	servers := newServers(t, agreeable, agreeable, agreeable)
	path := filepath.Join(t.TempDir(), "resolv.conf")
	resolvers := func(s *server) {
		if err := os.WriteFile(path, []byte("nameserver "+s.addr.Addr().String()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	limits := testLimits
	limits.port = servers[0].addr.Port()
	host := resolvconf.NewWatch(path)
	following := newResolver(t, Upstream{Host: host}, limits)
	static := newResolver(t, Upstream{Servers: []netip.Addr{servers[2].addr.Addr()}, Host: host}, limits)

	if m := unpack(following.ask(t, "udp", theirs)); m.RCode != dnsmessage.RCodeServerFailure {
		t.Errorf("without the file: got %v, want %v", m.RCode, dnsmessage.RCodeServerFailure)
	}
	for _, s := range []*server{servers[0], servers[1], servers[0]} {
		resolvers(s)
		following.ask(t, "udp", theirs)
		s.heard(t)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	following.ask(t, "tcp", theirs)
	servers[0].heard(t)
	static.ask(t, "udp", theirs)
	servers[2].heard(t)
	for i, s := range servers {
		if len(s.asked) > 0 {
			t.Errorf("server %d: got %d queries more, want none", i, len(s.asked))
		}
	}
}

// A server that is the resolver itself would be asked without end.
func TestNoLoop(t *testing.T) {
	udp, tcp, addr := sockets(t)
	limits := testLimits
	limits.port = addr.Port()
	s, err := serve(udp, tcp, testDirectory(), Upstream{Servers: []netip.Addr{addr.Addr()}}, limits)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.self.IsValid() {
		tier.Skip(t, "this kernel does not tell network namespaces apart (SO_NETNS_COOKIE)")
	}
	r := &resolver{s, addr}
	for _, network := range []string{"udp", "tcp"} {
		if m := unpack(r.ask(t, network, theirs)); m.RCode != dnsmessage.RCodeServerFailure {
			t.Errorf("%s: got %v, want %v", network, m.RCode, dnsmessage.RCodeServerFailure)
		}
	}
}

func TestTCPConnection(t *testing.T) {
	server := newServers(t, agreeable)[0]
	r := newResolver(t, Upstream{}, testLimits, server)
	conn := r.dial(t, "tcp")
	// All at once, and each in pieces.
	for range 3 {
		for _, msg := range [][]byte{ours, theirs} {
			for _, b := range append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...) {
				if _, err := conn.Write([]byte{b}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for range 3 {
		for _, want := range []uint16{7, 9} {
			if got := binary.BigEndian.Uint16(next(t, conn)); got != want {
				t.Errorf("got ID %d, want %d", got, want)
			}
		}
	}
}

// Who sends what is not to be answered, or nothing, or half of something, is hung
// up on.
func TestTCPHangsUp(t *testing.T) {
	limits := testLimits
	limits.client = testPatience / 100
	r := newResolver(t, Upstream{}, limits)
	for _, test := range []struct {
		name string
		sent []byte
	}{
		{"nothing", nil},
		{"half a length", []byte{0}},
		{"no bytes", []byte{0, 0}},
		{"half a message", []byte{0, 40, 1, 2, 3}},
		{"too long a message", append([]byte{0xff, 0xff}, make([]byte, 100)...)},
		{"no header", []byte{0, 3, 1, 2, 3}},
		{"an answer", append([]byte{0, headerSize}, changed(ours[:headerSize], func(msg []byte) { msg[flagsAt] |= bitResponse })...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn := r.dial(t, "tcp")
			if _, err := conn.Write(test.sent); err != nil {
				t.Fatal(err)
			}
			// A reset where there were bytes unread.
			if msg, err := receive(conn); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %x, %v, want the end", msg, err)
			}
		})
	}
}

// More connections than there may be wait until others end.
func TestTCPConnections(t *testing.T) {
	limits := testLimits
	limits.connections = 2
	r := newResolver(t, Upstream{}, limits)
	var conns []net.Conn
	for range 2 {
		conn := r.dial(t, "tcp")
		send(t, conn, ours)
		next(t, conn)
		conns = append(conns, conn)
	}
	third := r.dial(t, "tcp")
	send(t, third, ours)
	r.mu.Lock()
	if got := len(r.open); got != 2+2 {
		t.Errorf("got %d sockets open, want 4", got)
	}
	r.mu.Unlock()
	conns[0].Close()
	next(t, third)
}

// While all places are taken, names of ours are answered, other queries over UDP
// are dropped, and those over TCP wait.
func TestQueriesBounded(t *testing.T) {
	proceed := make(chan struct{})
	server := newServers(t, func(query []byte, tcp bool) [][]byte {
		if !tcp {
			<-proceed
		}
		return agreeable(query, tcp)
	})[0]
	limits := testLimits
	limits.queries = 4
	r := newResolver(t, Upstream{}, limits, server)
	conn := r.dial(t, "udp")
	for range limits.queries {
		send(t, conn, theirs)
	}
	// All are on their way before this one is read.
	send(t, conn, ours)
	if got := binary.BigEndian.Uint16(next(t, conn)); got != 7 {
		t.Fatalf("got ID %d, want 7", got)
	}
	if got := len(r.queries); got != limits.queries {
		t.Errorf("on their way: got %d, want %d", got, limits.queries)
	}
	dropped := question(11, "dropped.example.", dnsmessage.TypeA)
	send(t, conn, dropped)
	send(t, conn, ours)
	if got := binary.BigEndian.Uint16(next(t, conn)); got != 7 {
		t.Fatalf("got ID %d, want 7", got)
	}
	waiting := question(12, "waiting.example.", dnsmessage.TypeA)
	other := r.dial(t, "tcp")
	send(t, other, waiting)

	close(proceed)
	for range limits.queries {
		if got := binary.BigEndian.Uint16(next(t, conn)); got != 9 {
			t.Errorf("got ID %d, want 9", got)
		}
	}
	if got := binary.BigEndian.Uint16(next(t, other)); got != 12 {
		t.Errorf("over TCP: got ID %d, want 12", got)
	}
	var heard []string
	for range limits.queries + 1 {
		heard = append(heard, unpack(server.heard(t)).Questions[0].Name.String())
	}
	// Which of those that were let go at once the server hears first, nobody knows.
	slices.Sort(heard)
	want := append([]string{"waiting.example."}, slices.Repeat([]string{"www.example."}, limits.queries)...)
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("the server (-want +got):\n%s", diff)
	}
}

// A query over TCP does not wait for a place for longer than for an answer.
func TestTurnDoesNotCome(t *testing.T) {
	limits := testLimits
	limits.total = testPatience / 100
	limits.queries = 1
	r := newResolver(t, Upstream{}, limits)
	r.queries <- struct{}{}
	defer func() { <-r.queries }()
	if m := unpack(r.ask(t, "tcp", theirs)); m.RCode != dnsmessage.RCodeServerFailure {
		t.Errorf("got %v, want %v", m.RCode, dnsmessage.RCodeServerFailure)
	}
}

// Each client gets what it asked for, when all ask at once with one ID.
func TestClientsApart(t *testing.T) {
	server := newServers(t, agreeable)[0]
	r := newResolver(t, Upstream{}, testLimits, server)
	type client struct {
		conn net.Conn
		msg  []byte
	}
	var clients []client
	for i := range 40 {
		name := "a" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ".example."
		network := "udp"
		if i%4 == 0 {
			network = "tcp"
		}
		clients = append(clients, client{r.dial(t, network), question(1, name, dnsmessage.TypeA)})
	}
	for range 5 {
		for _, c := range clients {
			send(t, c.conn, c.msg)
		}
		for _, c := range clients {
			if got, want := next(t, c.conn), agreeable(c.msg, false)[0]; !bytes.Equal(got, want) {
				t.Errorf("got %x, want %x", got, want)
			}
		}
	}
}

func TestTooLongQuery(t *testing.T) {
	r := newResolver(t, Upstream{}, testLimits)
	for _, test := range []struct {
		name string
		msg  []byte
	}{
		{"something after the end", append(bytes.Clone(theirs), make([]byte, bufferSize)...)},
		{"a record that goes on", changed(append(bytes.Clone(theirs), append([]byte{0, 0xff, 0, 0, 1, 0, 0, 0, 0, 0x20, 0}, make([]byte, 0x2000)...)...), func(msg []byte) { msg[headerSize-1] = 1 })},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := unpack(r.ask(t, "udp", test.msg))
			if m.RCode != dnsmessage.RCodeFormatError || m.ID != 9 {
				t.Errorf("got %v, want %v", m.GoString(), dnsmessage.RCodeFormatError)
			}
		})
	}
}

func TestServeWrongFiles(t *testing.T) {
	pipe := func() *os.File {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
		return r
	}
	udp, tcp, _ := sockets(t)
	udp2, tcp2, _ := sockets(t)
	for _, test := range []struct {
		name     string
		udp, tcp *os.File
	}{
		{"no socket", pipe(), tcp},
		{"one is no socket", udp, pipe()},
		{"the other way round", tcp2, udp2},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := descriptors(t)
			if s, err := Serve(test.udp, test.tcp, testDirectory(), Upstream{}); err == nil {
				s.Close()
				t.Fatal("got no error")
			}
			// The two files themselves are closed, too.
			if got, want := descriptors(t), before-2; got != want {
				t.Errorf("got %d descriptors, want %d", got, want)
			}
		})
	}
}

// Close ends what is under way, whatever that is, and leaves nothing.
func TestClose(t *testing.T) {
	servers := newServers(t, silent)
	udp, tcp, addr := sockets(t)
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	limits := testLimits
	limits.port = servers[0].addr.Port()
	limits.connections = 3
	s, err := serve(udp, tcp, testDirectory(), Upstream{Servers: []netip.Addr{servers[0].addr.Addr()}}, limits)
	if err != nil {
		t.Fatal(err)
	}
	r := &resolver{s, addr}
	var clients []net.Conn
	for _, network := range []string{"udp", "tcp"} {
		conn := r.dial(t, network)
		send(t, conn, theirs)
		servers[0].heard(t)
		clients = append(clients, conn)
	}
	half := r.dial(t, "tcp")
	if _, err := half.Write([]byte{0, 40, 1}); err != nil {
		t.Fatal(err)
	}
	idle := r.dial(t, "tcp")
	send(t, idle, ours)
	next(t, idle)
	clients = append(clients, half, idle, r.dial(t, "tcp"))

	begun := time.Now()
	s.Close()
	s.Close()
	if took := time.Since(begun); took > testPatience/2 {
		t.Errorf("took %v", took)
	}
	for _, conn := range clients {
		conn.Close()
	}
	// The server's own end of its one connection goes when it sees ours gone, and a
	// goroutine is counted until it has left.
	for end := time.Now().Add(testPatience); runtime.NumGoroutine() > goroutines || descriptors(t) > files-2; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("got %d goroutines and %d descriptors, want %d and %d", runtime.NumGoroutine(), descriptors(t), goroutines, files-2)
		}
	}
}

// A listener that is none any more, as after SOCK_DESTROY, is left alone: it would
// be ready all the time. Datagrams are answered still.
func TestListenerDestroyed(t *testing.T) {
	r := newResolver(t, Upstream{}, testLimits)
	raw, err := r.tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Shutdown(int(fd), unix.SHUT_RDWR) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	if m := unpack(r.ask(t, "udp", ours)); len(m.Answers) != 1 {
		t.Errorf("got %v, want one", m.Answers)
	}
	conn, err := r.tcp.AcceptTCP()
	if err == nil {
		conn.Close()
	}
	if r.bear(err) {
		t.Errorf("after %v: got on, want an end", err)
	}
}

func TestBear(t *testing.T) {
	r := newResolver(t, Upstream{}, testLimits)
	if got := r.bear(fmt.Errorf("accepting: %w", net.ErrClosed)); got {
		t.Error("a closed socket: got on, want an end")
	}
	if got := r.bear(&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", unix.EMFILE)}); !got {
		t.Error("no descriptor left: got an end, want on")
	}
	r.Close()
	if got := r.bear(unix.EMFILE); got {
		t.Error("after Close: got on, want an end")
	}
}

func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
