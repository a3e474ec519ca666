package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer is a DNS server of the test's own.
type nameServer struct {
	records map[string]string // of a name with the dot at its end: an IPv4 address, or a text

	mu    sync.Mutex
	asked []string // the names, in order
}

// serveNames starts one at an address of p.
func serveNames(t *testing.T, p place, address string, records map[string]string) *nameServer {
	t.Helper()
	s := &nameServer{records: records}
	err := p.in(func() error {
		conn, err := net.ListenPacket("udp", at(address, 53))
		if err != nil {
			return err
		}
		t.Cleanup(func() { conn.Close() })
		l, err := net.Listen("tcp", at(address, 53))
		if err != nil {
			return err
		}
		t.Cleanup(func() { l.Close() })
		go s.datagrams(conn)
		go s.connections(l)
		return nil
	})
	if err != nil {
		t.Fatalf("starting a name server: %v", err)
	}
	return s
}

func (s *nameServer) datagrams(conn net.PacketConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := s.answer(buf[:n], 512); answer != nil {
			_, _ = conn.WriteTo(answer, from)
		}
	}
}

func (s *nameServer) connections(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			for {
				query, err := readMessage(conn)
				if err != nil {
					return
				}
				if answer := s.answer(query, 1<<16); answer != nil {
					_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
				}
			}
		}()
	}
}

// readMessage reads one off a TCP connection (RFC 1035, section 4.2.2).
func readMessage(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	text := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(r, text)
	return text, err
}

// answer is nil for what is no question.
func (s *nameServer) answer(query []byte, most int) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.ToLower(q.Name.String())
	s.mu.Lock()
	s.asked = append(s.asked, name)
	s.mu.Unlock()
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}
	m.Additionals = nil
	text, known := s.records[name]
	ip := net.ParseIP(text).To4()
	head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}
	switch {
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	case ip != nil && q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: [4]byte(ip)}}}
	case ip == nil && q.Type == dnsmessage.TypeTXT:
		var parts []string
		for part := range slices.Chunk([]byte(text), 200) {
			parts = append(parts, string(part))
		}
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.TXTResource{TXT: parts}}}
	}
	packed, err := m.Pack()
	if err == nil && len(packed) > most {
		m.Truncated, m.Answers = true, nil
		packed, err = m.Pack()
	}
	if err != nil {
		return nil
	}
	return packed
}

func (s *nameServer) wasAsked(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.asked, name)
}

// resolver is where a container's /etc/resolv.conf points.
const resolver = "127.0.0.11:53"

// look asks the container's resolver, and returns the answers as text, or the
// error's name, or "truncated"; of no answer and no error, "".
func look(t *testing.T, p place, network, name string, kind dnsmessage.Type) string {
	t.Helper()
	id := uint16(rand.Uint32())
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name + "."), Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := query.Pack()
	must(t, err)
	conn, err := dial(p, network, resolver, inTime)
	if err != nil {
		t.Fatalf("asking for %s: %v", name, err)
	}
	defer conn.Close()
	var text []byte
	if network == "tcp" {
		_, err = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...))
		must(t, err)
		text, err = readMessage(conn)
	} else {
		_, err = conn.Write(packed)
		must(t, err)
		text = make([]byte, 4096)
		var n int
		n, err = conn.Read(text)
		text = text[:n]
	}
	if err != nil {
		t.Fatalf("asking for %s over %s: %v", name, network, err)
	}
	var m dnsmessage.Message
	must(t, m.Unpack(text))
	if m.ID != id || !m.Response {
		t.Errorf("the answer to question %d is %v", id, m.GoString())
	}
	switch {
	case m.RCode != dnsmessage.RCodeSuccess:
		return strings.TrimPrefix(m.RCode.String(), "RCode")
	case m.Truncated:
		return "truncated"
	}
	var answers []string
	for _, a := range m.Answers {
		switch body := a.Body.(type) {
		case *dnsmessage.AResource:
			answers = append(answers, net.IP(body.A[:]).String())
		case *dnsmessage.AAAAResource:
			answers = append(answers, net.IP(body.AAAA[:]).String())
		case *dnsmessage.PTRResource:
			answers = append(answers, body.PTR.String())
		case *dnsmessage.TXTResource:
			answers = append(answers, strings.Join(body.TXT, ""))
		default:
			answers = append(answers, a.GoString())
		}
	}
	return strings.Join(answers, " ")
}

// reverse is the name under which an address is looked up (RFC 1035, section 3.5, and RFC 3596, section 2.5).
func reverse(address string) string {
	ip := net.ParseIP(address)
	var b bytes.Buffer
	if ip4 := ip.To4(); ip4 != nil {
		for i := range ip4 {
			fmt.Fprintf(&b, "%d.", ip4[3-i])
		}
		return b.String() + "in-addr.arpa"
	}
	for i := range ip {
		fmt.Fprintf(&b, "%x.%x.", ip[15-i]&15, ip[15-i]>>4)
	}
	return b.String() + "ip6.arpa"
}

// resolvesTo fails the test unless a name has these answers, over UDP and over TCP.
func resolvesTo(t *testing.T, p place, name string, kind dnsmessage.Type, want string) {
	t.Helper()
	for _, network := range []string{"udp", "tcp"} {
		if got := look(t, p, network, name, kind); got != want {
			t.Errorf("over %s, %s %s is %q, want %q", network, name, strings.TrimPrefix(kind.String(), "Type"), got, want)
		}
	}
}
