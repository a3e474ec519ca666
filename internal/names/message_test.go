package names

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/dns/dnsmessage"
)

// handler is a Server that nothing can be sent to.
func handler() *Server { return &Server{directory: testDirectory(), limits: testLimits} }

func changed(msg []byte, change func(msg []byte)) []byte {
	msg = bytes.Clone(msg)
	change(msg)
	return msg
}

// What is answered here, is forwarded, is refused, and gets no answer.
func TestHere(t *testing.T) {
	web := question(7, "web.", dnsmessage.TypeA)
	other := question(7, "www.example.", dnsmessage.TypeA)
	const forwarded, ignored = "forwarded", "ignored"
	for _, test := range []struct {
		name string
		msg  []byte
		want string
	}{
		{"ours", web, "RCodeSuccess"},
		{"not ours", other, forwarded},
		{"the root", question(7, ".", dnsmessage.TypeNS), forwarded},
		{"one label that is no container", question(7, "mail.", dnsmessage.TypeA), forwarded},
		{"a container's name in another class", changed(web, func(msg []byte) { msg[len(msg)-1] = byte(dnsmessage.ClassCHAOS) }), forwarded},
		{"a label with a dot", changed(question(7, "a-b.example.", dnsmessage.TypeA), func(msg []byte) { msg[headerSize+2] = '.' }), forwarded},
		{"a container and a dot in its label", changed(question(7, "web-alice.", dnsmessage.TypeA), func(msg []byte) { msg[headerSize+4] = '.' }), forwarded},
		{"something after the end", append(bytes.Clone(other), 1, 2, 3), forwarded},
		{"nothing", nil, ignored},
		{"half a header", web[:headerSize-1], ignored},
		{"an answer", changed(web, func(msg []byte) { msg[flagsAt] |= bitResponse }), ignored},
		{"an answer with another opcode", changed(web, func(msg []byte) { msg[flagsAt] |= bitResponse | 4<<3 }), ignored},
		{"a header", changed(web[:headerSize], func(msg []byte) { msg[countsAt+1] = 0 }), "RCodeFormatError"},
		{"a header that says more", web[:headerSize], "RCodeFormatError"},
		{"half a name", web[:headerSize+2], "RCodeFormatError"},
		{"no class", web[:len(web)-2], "RCodeFormatError"},
		{"two questions", changed(append(bytes.Clone(web), web[headerSize:]...), func(msg []byte) { msg[countsAt+1] = 2 }), "RCodeFormatError"},
		{"many questions", changed(web, func(msg []byte) { msg[countsAt] = 1 }), "RCodeFormatError"},
		{"a name that refers to itself", changed(web, func(msg []byte) { msg[headerSize], msg[headerSize+1] = 0xc0, headerSize }), "RCodeFormatError"},
		{"a label of a reserved kind", changed(web, func(msg []byte) { msg[headerSize] = 0x40 }), "RCodeFormatError"},
		{"an additional record that isn't there", changed(web, func(msg []byte) { msg[headerSize-1] = 1 }), "RCodeFormatError"},
		{"two OPT records", changed(append(withEDNS(web, 1232, false), withEDNS(web, 1232, false)[len(web):]...), func(msg []byte) { msg[headerSize-1] = 2 }), "RCodeFormatError"},
		{"an OPT record with a name", changed(withEDNS(web, 1232, false), func(msg []byte) {
			at := len(web)
			copy(msg[at:], []byte{1, 'a', 0, 0, byte(dnsmessage.TypeOPT), 4, 0, 0, 0, 0, 0, 0, 0})
		}), "RCodeFormatError"},
		{"a status query", changed(web, func(msg []byte) { msg[flagsAt] |= 2 << 3 }), "RCodeNotImplemented"},
		{"an update", changed(web[:headerSize], func(msg []byte) { msg[flagsAt] |= 5 << 3 }), "RCodeNotImplemented"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, answer, forward := handler().here(test.msg, make([]byte, bufferSize))
			got := ignored
			switch {
			case forward:
				got = forwarded
			case answer != nil:
				m := unpack(answer)
				got = m.RCode.GoString()[len("dnsmessage."):]
				if !m.Response || m.ID != 7 {
					t.Errorf("got header %v, want a response of ID 7", m.GoString())
				}
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestNameTooLong(t *testing.T) {
	for _, test := range []struct {
		name string
		last int // length of the fourth label
		ok   bool
	}{
		{"255 bytes", 61, true},
		{"256 bytes", 62, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			msg := question(7, ".", dnsmessage.TypeA)[:headerSize]
			for _, size := range []int{63, 63, 63, test.last} {
				msg = append(append(msg, byte(size)), strings.Repeat("a", size)...)
			}
			msg = append(msg, 0, 0, 1, 0, 1)
			_, code, ok := parseQuery(msg)
			if !ok || (code == dnsmessage.RCodeSuccess) != test.ok {
				t.Errorf("got %v, %v, want success: %v", code, ok, test.ok)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.100.42.7"), netip.MustParseAddr("fd00::7")
	for _, test := range []struct {
		name string
		ask  string
		kind dnsmessage.Type
		want []dnsmessage.ResourceBody
	}{
		{"IPv4", "web.", dnsmessage.TypeA, []dnsmessage.ResourceBody{&dnsmessage.AResource{A: v4.As4()}}},
		{"IPv6", "web.", dnsmessage.TypeAAAA, []dnsmessage.ResourceBody{&dnsmessage.AAAAResource{AAAA: v6.As16()}}},
		{"the case of the question", "wEB.AlicE.", dnsmessage.TypeA, []dnsmessage.ResourceBody{&dnsmessage.AResource{A: v4.As4()}}},
		{"no such family", "four.", dnsmessage.TypeAAAA, nil},
		{"no such type", "web.", dnsmessage.TypeMX, nil},
		{"all types", "web.", dnsmessage.TypeALL, nil},
		{"the other way round", "9.42.100.10.in-addr.arpa.", dnsmessage.TypePTR, []dnsmessage.ResourceBody{&dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("web.bob.")}}},
		{"an address of an address", "9.42.100.10.in-addr.arpa.", dnsmessage.TypeA, nil},
		{"the host", "host.containers.internal.", dnsmessage.TypeA, []dnsmessage.ResourceBody{&dnsmessage.AResource{A: [4]byte{10, 100, 42, 1}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			msg := question(0xbeef, test.ask, test.kind)
			_, answer, _ := handler().here(msg, make([]byte, bufferSize))
			asked, got := unpack(msg), unpack(answer)
			want := dnsmessage.Message{
				Header:    dnsmessage.Header{ID: 0xbeef, Response: true, Authoritative: true, RecursionDesired: true, RecursionAvailable: true},
				Questions: asked.Questions,
			}
			for _, body := range test.want {
				want.Answers = append(want.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: asked.Questions[0].Name, Type: test.kind, Class: dnsmessage.ClassINET, TTL: 0},
					Body:   body,
				})
			}
			ignoreLength := cmpopts.IgnoreFields(dnsmessage.ResourceHeader{}, "Length")
			if diff := cmp.Diff(want, got, ignoreLength, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// An OPT record is answered with one, and says what we are ready to take.
func TestAnswerEDNS(t *testing.T) {
	for _, test := range []struct {
		name    string
		dnssec  bool
		version byte
		code    dnsmessage.RCode
		answers int
	}{
		{name: "plain", answers: 1},
		{name: "DNSSEC", dnssec: true, answers: 1},
		{name: "another version", version: 1, code: badVersion},
	} {
		t.Run(test.name, func(t *testing.T) {
			plain := question(7, "web.", dnsmessage.TypeA)
			msg := changed(withEDNS(plain, 4096, test.dnssec), func(msg []byte) { msg[len(plain)+1+2+2+1] = test.version })
			_, answer, _ := handler().here(msg, make([]byte, bufferSize))
			m := unpack(answer)
			if len(m.Additionals) != 1 || m.Additionals[0].Header.Type != dnsmessage.TypeOPT {
				t.Fatalf("got additional records %v, want one OPT", m.Additionals)
			}
			opt := m.Additionals[0].Header
			if got := opt.ExtendedRCode(m.RCode); got != test.code {
				t.Errorf("code: got %v, want %v", got, test.code)
			}
			if got := opt.DNSSECAllowed(); got != test.dnssec {
				t.Errorf("DO: got %v, want %v", got, test.dnssec)
			}
			if opt.Class != localUDP {
				t.Errorf("size: got %d, want %d", opt.Class, localUDP)
			}
			if len(m.Answers) != test.answers {
				t.Errorf("got answers %v, want %d", m.Answers, test.answers)
			}
		})
	}
}

func TestFits(t *testing.T) {
	plain := question(7, "www.example.", dnsmessage.TypeTXT)
	for _, test := range []struct {
		name      string
		msg       []byte
		size      int // of the answer's text
		truncated bool
	}{
		{"short", plain, 4, false},
		{"longer than plain DNS takes", plain, 600, true},
		{"within what EDNS takes", withEDNS(plain, 1232, true), 600, false},
		{"longer than that", withEDNS(plain, 1232, true), 1300, true},
		{"less than plain DNS is meant so", withEDNS(plain, 100, false), 200, false},
		{"a whole datagram of 64 KiB", withEDNS(plain, 65535, false), 5000, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, _, _ := parseQuery(test.msg)
			answer := answerWith(test.msg, dnsmessage.RCodeSuccess, test.size)
			m := unpack(q.fits(answer))
			if m.Truncated != test.truncated {
				t.Errorf("truncated: got %v, want %v", m.Truncated, test.truncated)
			}
			if got := len(m.Answers) == 0; got != test.truncated {
				t.Errorf("got answers %v, truncated: %v", m.Answers, test.truncated)
			}
			if got, want := len(m.Additionals), len(unpack(test.msg).Additionals); got != want {
				t.Errorf("additional records: got %d, want %d", got, want)
			}
			if diff := cmp.Diff(unpack(test.msg).Questions, m.Questions); diff != "" {
				t.Errorf("questions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnsweredBy(t *testing.T) {
	asked := question(7, "www.Example.", dnsmessage.TypeA)
	q, _, _ := parseQuery(asked)
	good := answerWith(asked, dnsmessage.RCodeSuccess, 4)
	for _, test := range []struct {
		name string
		msg  []byte
		want bool
	}{
		{"an answer", good, true},
		{"in another case", changed(good, func(msg []byte) { msg[headerSize+1] ^= 0x20 }), true},
		{"another ID", changed(good, func(msg []byte) { msg[1]++ }), false},
		{"no answer", asked, false},
		{"another name", changed(good, func(msg []byte) { msg[headerSize+1] = 'x' }), false},
		{"a name that differs in no letter", changed(good, func(msg []byte) { msg[headerSize+1] = 'w' ^ 0x40 }), false},
		{"another type", changed(good, func(msg []byte) { msg[headerSize+len(q.question)-3]++ }), false},
		{"another class", changed(good, func(msg []byte) { msg[headerSize+len(q.question)-1]++ }), false},
		{"another question", answerWith(question(7, "other.example.", dnsmessage.TypeA), 0), false},
		{"a longer one", answerWith(question(7, "www.example.example.", dnsmessage.TypeA), 0), false},
		{"no question", changed(good[:headerSize], func(msg []byte) { clear(msg[countsAt:]) }), false},
		{"two questions", changed(good, func(msg []byte) { msg[countsAt+1] = 2 }), false},
		{"half a question", good[:headerSize+5], false},
		{"half a header", good[:headerSize-1], false},
		{"nothing", nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := q.answeredBy(test.msg, 7); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestRenewID(t *testing.T) {
	q, _, _ := parseQuery(question(7, "www.example.", dnsmessage.TypeA))
	seen := make(map[uint16]bool)
	for range 100 {
		id, err := q.renewID()
		if err != nil {
			t.Fatal(err)
		}
		if got := binary.BigEndian.Uint16(q.raw); got != id {
			t.Errorf("in the message: got %d, want %d", got, id)
		}
		seen[id] = true
	}
	if len(seen) < 90 {
		t.Errorf("got %d different IDs of 100", len(seen))
	}
	if q.id != 7 {
		t.Errorf("the client's: got %d, want 7", q.id)
	}
}

// Whatever the container sends, the answer is one to it, and well formed.
func FuzzHere(f *testing.F) {
	web := question(7, "web.alice.", dnsmessage.TypeA)
	f.Add(web)
	f.Add(withEDNS(web, 1232, true))
	f.Add(question(7, "9.42.100.10.in-addr.arpa.", dnsmessage.TypePTR))
	f.Add(changed(web, func(msg []byte) { msg[headerSize], msg[headerSize+1] = 0xc0, headerSize }))
	f.Add(changed(withEDNS(web, 512, false), func(msg []byte) { msg[len(web)+6] = 3 }))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) > bufferSize {
			msg = msg[:bufferSize]
		}
		s := handler()
		var buf buffer
		q, answer, forward := s.here(msg, buf[:])
		if forward && answer != nil {
			t.Fatal("both answered and forwarded")
		}
		if forward {
			// What is said when there is no server.
			answer = q.bare(buf[:], dnsmessage.RCodeServerFailure)
		}
		if answer == nil {
			return
		}
		if len(answer) > plainUDP {
			t.Errorf("got an answer of %d bytes", len(answer))
		}
		if !bytes.Equal(answer[:2], msg[:2]) || answer[flagsAt]&bitResponse == 0 {
			t.Errorf("got header %x for %x", answer[:headerSize], msg[:headerSize])
		}
		if q.question != nil && !bytes.Equal(answer[headerSize:headerSize+len(q.question)], q.question) {
			t.Errorf("got question %x, want %x", answer[headerSize:], q.question)
		}
		var p dnsmessage.Parser
		if _, err := p.Start(answer); err != nil {
			t.Fatal(err)
		}
		if err := p.SkipAllQuestions(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.AllAnswers(); err != nil && q.name != "" {
			t.Error(err)
		}
		if err := p.SkipAllAuthorities(); err != nil {
			t.Error(err)
		}
		if err := p.SkipAllAdditionals(); err != nil {
			t.Error(err)
		}
	})
}

// Whatever upstream sends, it is an answer or it isn't, and one that is too long
// is cut to one that can be read.
func FuzzUpstream(f *testing.F) {
	asked := withEDNS(question(7, "www.example.", dnsmessage.TypeA), 600, true)
	f.Add(false, answerWith(asked, dnsmessage.RCodeSuccess, 4))
	f.Add(true, answerWith(asked, dnsmessage.RCodeSuccess, 800))
	f.Add(true, answerWith(asked, dnsmessage.RCodeRefused))
	f.Add(true, asked)
	f.Fuzz(func(t *testing.T, alike bool, msg []byte) {
		q, _, _ := parseQuery(asked)
		if alike && len(msg) >= headerSize+len(q.question) {
			// What a fuzzer would guess too seldom.
			copy(msg, asked[:2])
			msg[flagsAt] |= bitResponse
			copy(msg[countsAt:], []byte{0, 1})
			copy(msg[headerSize:], q.question)
			if !q.answeredBy(msg, 7) {
				t.Errorf("got no answer in %x", msg)
			}
		}
		if len(msg) > bufferSize || !q.answeredBy(msg, 7) {
			return
		}
		declined(msg)
		long := len(msg) > q.size
		got := q.fits(append(make([]byte, 0, bufferSize), msg...))
		if len(got) > q.size {
			t.Errorf("got %d bytes, want no more than %d", len(got), q.size)
		}
		if !long {
			if !bytes.Equal(got, msg) {
				t.Errorf("got %x, want %x", got, msg)
			}
			return
		}
		m := unpack(got)
		if !m.Truncated || len(m.Additionals) != 1 {
			t.Errorf("got %v, want it truncated, with an OPT record", m.GoString())
		}
	})
}
