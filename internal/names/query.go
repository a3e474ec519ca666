package names

import (
	"encoding/binary"
	"errors"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Sizes in RFC 1035, in bytes.
const (
	headerSize = 12  // section 4.1.1
	maxLabel   = 63  // section 2.3.4
	maxName    = 255 // the same, with lengths
	plainUDP   = 512 // the same: an answer over UDP, unless EDNS allows more
)

// A query is one message of a client that is to be answered, read as far as that
// takes. It refers to the bytes it was read from.
type query struct {
	id       uint16 // the client's
	raw      []byte // the message; exchange replaces the ID in it
	question []byte // name, type and class, part of raw
	name     string // without the dot at its end, "" if there are bytes in it that no name of ours has
	kind     dnsmessage.Type
	class    dnsmessage.Class
	edns     bool // the rest has been said by EDNS (RFC 6891)
	dnssec   bool // the DO bit
	version  byte // of EDNS
	size     int  // how long an answer over UDP may be, in bytes
}

// parseQuery reads a message. Not every one is to be answered: ok is false for
// what is no query at all, answers to others among it. A code other than
// RCodeSuccess is what a faulty query is answered with (query.bare).
func parseQuery(raw []byte) (q query, code dnsmessage.RCode, ok bool) {
	var p dnsmessage.Parser
	header, err := p.Start(raw)
	if err != nil || header.Response {
		return query{}, 0, false
	}
	q = query{id: header.ID, raw: raw, size: plainUDP}
	if header.OpCode != 0 {
		return q, dnsmessage.RCodeNotImplemented, true
	}
	q.question = findQuestion(raw)
	if q.question == nil {
		return q, dnsmessage.RCodeFormatError, true
	}
	end := len(q.question) - 4
	q.name = hostname(q.question[:end])
	q.kind = dnsmessage.Type(binary.BigEndian.Uint16(q.question[end:]))
	q.class = dnsmessage.Class(binary.BigEndian.Uint16(q.question[end+2:]))
	if !q.parseEDNS(&p) {
		return q, dnsmessage.RCodeFormatError, true
	}
	return q, dnsmessage.RCodeSuccess, true
}

// parseEDNS reads the OPT record, if there is one; there can't be two (RFC 6891
// section 6.1.1). The records before it have to be passed over.
func (q *query) parseEDNS(p *dnsmessage.Parser) bool {
	if p.SkipAllQuestions() != nil || p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return false
	}
	for {
		header, err := p.AdditionalHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return true
		}
		if err != nil {
			return false
		}
		if header.Type == dnsmessage.TypeOPT {
			if q.edns || header.Name.Length != 1 {
				return false
			}
			q.edns = true
			q.dnssec = header.DNSSECAllowed()
			q.version = byte(header.TTL >> 16)
			q.size = min(max(int(header.Class), plainUDP), bufferSize)
		}
		if p.SkipAdditional() != nil {
			return false
		}
	}
}

// findQuestion returns the one question of a message as it stands there: name,
// type and class. It is nil where there is none, or more than one, or one that
// needs another part of the message to be read: nothing stands before the first
// name that it could refer to (RFC 1035 section 4.1.4).
//
// This is not left to dnsmessage, which takes no name with a dot inside a label.
// The names of printers have them.
func findQuestion(raw []byte) []byte {
	if len(raw) < headerSize || binary.BigEndian.Uint16(raw[4:]) != 1 {
		return nil
	}
	at := headerSize
	for at < len(raw) && raw[at] != 0 {
		if raw[at] > maxLabel {
			return nil
		}
		at += 1 + int(raw[at])
	}
	at++ // the root
	if at-headerSize > maxName || at+4 > len(raw) {
		return nil
	}
	return raw[headerSize : at+4]
}

// hostname returns a name that findQuestion has passed as text, if all its labels
// are of what names of ours are made of, and otherwise "".
func hostname(wire []byte) string {
	var b strings.Builder
	for at := 0; wire[at] != 0; at += 1 + int(wire[at]) {
		label := wire[at+1 : at+1+int(wire[at])]
		if !validWord(string(label), "$") {
			return ""
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.Write(label)
	}
	return b.String()
}

// sameQuestion compares two questions without regard to the case of ASCII letters
// (RFC 4343). A length is never one: it is below 64.
func sameQuestion(a, b []byte) bool {
	if len(a) != len(b) || len(a) < 4 {
		return false
	}
	end := len(a) - 4 // type and class are no letters
	for i := range end {
		if fold(a[i]) != fold(b[i]) {
			return false
		}
	}
	return string(a[end:]) == string(b[end:])
}

func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
