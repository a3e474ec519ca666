package names

import (
	"encoding/binary"

	"golang.org/x/net/dns/dnsmessage"
)

// Where things are in the header (RFC 1035 section 4.1.1), counted in bytes.
const (
	flagsAt  = 2 // QR, opcode, AA, TC, RD
	flags2At = 3 // RA, Z, AD, CD, RCODE
	countsAt = 4 // of questions, answers, authorities, additional records

	bitResponse           = 0x80 // in the first byte of flags
	bitTruncated          = 0x02
	bitsEcho              = 0x79 // opcode and RD, which an answer repeats
	bitRecursionAvailable = 0x80 // in the second
	bitCheckingDisabled   = 0x10 // repeated too (RFC 4035 section 3.2.2)
	bitsCode              = 0x0f
)

// ttl is for how long what is said of a name of ours may be kept, in seconds: not
// at all. The address may belong to another container after this one.
const ttl = 0

// localUDP is how long a datagram we are ready to take, in bytes: the size that
// crosses every link in one piece (the DNS flag day of 2020).
const localUDP = 1232

// badVersion is RCODE 16 (RFC 6891 section 9). The OPT record has its higher bits.
const badVersion = 1 << 4

// answer is what is said of a name of ours, appended to buf[:0].
func (q *query) answer(buf []byte, r record) []byte {
	if q.version > 0 {
		return q.bare(buf, badVersion)
	}
	name, err := dnsmessage.NewName(q.name + ".")
	if err != nil {
		return q.bare(buf, dnsmessage.RCodeServerFailure)
	}
	b := dnsmessage.NewBuilder(buf[:0], dnsmessage.Header{
		ID:                 q.id,
		Response:           true,
		Authoritative:      true,
		RecursionDesired:   q.raw[flagsAt]&1 != 0,
		RecursionAvailable: true,
		CheckingDisabled:   q.raw[flags2At]&bitCheckingDisabled != 0,
	})
	b.EnableCompression()
	if err := q.records(&b, name, r); err != nil {
		return q.bare(buf, dnsmessage.RCodeServerFailure)
	}
	msg, err := b.Finish()
	if err != nil {
		return q.bare(buf, dnsmessage.RCodeServerFailure)
	}
	return q.appendOPT(msg, 0)
}

func (q *query) records(b *dnsmessage.Builder, name dnsmessage.Name, r record) error {
	if err := b.StartQuestions(); err != nil {
		return err
	}
	if err := b.Question(dnsmessage.Question{Name: name, Type: q.kind, Class: q.class}); err != nil {
		return err
	}
	if err := b.StartAnswers(); err != nil {
		return err
	}
	header := dnsmessage.ResourceHeader{Name: name, Class: q.class, TTL: ttl}
	switch {
	case q.kind == dnsmessage.TypeA && r.v4.Is4():
		return b.AResource(header, dnsmessage.AResource{A: r.v4.As4()})
	case q.kind == dnsmessage.TypeAAAA && r.v6.Is6():
		return b.AAAAResource(header, dnsmessage.AAAAResource{AAAA: r.v6.As16()})
	case q.kind == dnsmessage.TypePTR && r.name != "":
		target, err := dnsmessage.NewName(r.name)
		if err != nil {
			return err
		}
		return b.PTRResource(header, dnsmessage.PTRResource{PTR: target})
	}
	return nil // there is the name, but nothing of this type
}

// bare is an answer without records, appended to buf[:0]: the question again, if it
// could be read, and a code.
func (q *query) bare(buf []byte, code dnsmessage.RCode) []byte {
	msg := append(buf[:0], q.raw[:headerSize]...)
	msg = append(msg, q.question...)
	binary.BigEndian.PutUint16(msg, q.id)
	msg[flagsAt] = bitResponse | msg[flagsAt]&bitsEcho
	msg[flags2At] = bitRecursionAvailable | msg[flags2At]&bitCheckingDisabled | byte(code)&bitsCode
	q.countQuestion(msg)
	return q.appendOPT(msg, code)
}

// truncate is what remains of an answer of upstream's that is too long: header,
// question and OPT (RFC 6891 section 7).
func (q *query) truncate(answer []byte) []byte {
	msg := answer[:headerSize+len(q.question)]
	msg[flagsAt] |= bitTruncated
	q.countQuestion(msg)
	return q.appendOPT(msg, 0)
}

// countQuestion sets the counts in a header that is followed by the question alone.
func (q *query) countQuestion(msg []byte) {
	clear(msg[countsAt:headerSize])
	if q.question != nil {
		msg[countsAt+1] = 1
	}
}

// appendOPT ends a message with an OPT record, if the query has one (RFC 6891
// section 6.1.1). The message has no additional records yet.
func (q *query) appendOPT(msg []byte, code dnsmessage.RCode) []byte {
	if !q.edns {
		return msg
	}
	msg[headerSize-1] = 1
	msg = append(msg, 0) // the root
	msg = binary.BigEndian.AppendUint16(msg, uint16(dnsmessage.TypeOPT))
	msg = binary.BigEndian.AppendUint16(msg, localUDP)
	msg = append(msg, byte(code>>4), 0) // the code's higher bits, version 0
	var flags uint16
	if q.dnssec {
		flags = 1 << 15 // repeated (RFC 3225 section 3)
	}
	msg = binary.BigEndian.AppendUint16(msg, flags)
	return binary.BigEndian.AppendUint16(msg, 0) // no options
}

// fits returns the answer that a client over UDP can take.
func (q *query) fits(answer []byte) []byte {
	if len(answer) > q.size {
		return q.truncate(answer)
	}
	return answer
}
