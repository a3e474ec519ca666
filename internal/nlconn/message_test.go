package nlconn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// datagram builds netlink messages as the kernel lays them out: header, payload,
// padding to four bytes.
func datagram(messages ...Message) []byte {
	var b []byte
	for _, m := range messages {
		b = binary.NativeEndian.AppendUint32(b, uint32(unix.NLMSG_HDRLEN+len(m.Payload)))
		b = binary.NativeEndian.AppendUint16(b, m.Kind)
		b = binary.NativeEndian.AppendUint16(b, m.flags)
		b = binary.NativeEndian.AppendUint32(b, m.seq)
		b = binary.NativeEndian.AppendUint32(b, 0) // port, of no interest
		b = append(b, m.Payload...)
		b = append(b, make([]byte, -len(b)&3)...)
	}
	return b
}

func TestNext(t *testing.T) {
	link := Message{Kind: unix.RTM_NEWLINK, flags: unix.NLM_F_MULTI, seq: 7, Payload: []byte("sixteen bytes...")}
	odd := Message{Kind: unix.RTM_NEWROUTE, seq: 8, Payload: []byte("odd")}
	done := Message{Kind: unix.NLMSG_DONE, flags: unix.NLM_F_MULTI, seq: 1<<32 - 1}
	for _, test := range []struct {
		name string
		in   []byte
		want []Message
	}{
		{"one", datagram(link), []Message{link}},
		{"no payload", datagram(done), []Message{done}},
		{"several, one padded", datagram(link, odd, done), []Message{link, odd, done}},
		{"the last one not padded", datagram(odd)[:unix.NLMSG_HDRLEN+3], []Message{odd}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []Message
			for rest := test.in; len(rest) > 0; {
				var m Message
				var err error
				if m, rest, err = Next(rest); err != nil {
					t.Fatal(err)
				}
				got = append(got, m)
			}
			same := cmp.Comparer(func(a, b Message) bool {
				return a.Kind == b.Kind && a.flags == b.flags && a.seq == b.seq && bytes.Equal(a.Payload, b.Payload)
			})
			if diff := cmp.Diff(test.want, got, same); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNextRefuses(t *testing.T) {
	claims := func(size uint32) []byte {
		b := datagram(Message{Payload: []byte("payload.")})
		binary.NativeEndian.PutUint32(b, size)
		return b
	}
	for _, test := range []struct {
		name string
		in   []byte
	}{
		{"nothing", nil},
		{"half a header", datagram(Message{})[:8]},
		{"a size of zero", claims(0)},
		{"a size below the header's", claims(unix.NLMSG_HDRLEN - 1)},
		{"a size beyond the end", claims(unix.NLMSG_HDRLEN + 9)},
		{"a size that is negative as int32", claims(1<<32 - 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if m, rest, err := Next(test.in); err == nil {
				t.Errorf("got %+v and %d more bytes, want an error", m, len(rest))
			}
		})
	}
}

func TestErrno(t *testing.T) {
	code := func(n int32) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(n)) }
	for _, test := range []struct {
		name    string
		payload []byte
		want    error
	}{
		{"success", code(0), nil},
		{"taken", code(-int32(unix.EEXIST)), unix.EEXIST},
		{"with the request after it", append(code(-int32(unix.ENODEV)), "header and more"...), unix.ENODEV},
		{"the end of a list, without a code", nil, nil},
		{"too short for a code", []byte{1, 2, 3}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (Message{Kind: unix.NLMSG_ERROR, Payload: test.payload}).errno(); !errors.Is(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func FuzzNext(f *testing.F) {
	f.Add(datagram(Message{Kind: 1, Payload: []byte("odd")}, Message{seq: 2}))
	f.Add(datagram(Message{})[:15])
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, in []byte) {
		var taken []Message
		for rest := in; len(rest) > 0; {
			m, after, err := Next(rest)
			if err != nil {
				break
			}
			if used := len(rest) - len(after); used < unix.NLMSG_HDRLEN+len(m.Payload) || used > unix.NLMSG_HDRLEN+len(m.Payload)+3 {
				t.Fatalf("a Message with %d bytes of payload took %d", len(m.Payload), used)
			}
			_ = m.errno()
			m.Payload = slices.Clone(m.Payload)
			taken = append(taken, m)
			rest = after
		}
		// What was read is what its own encoding says again.
		for i, rest := 0, datagram(taken...); len(rest) > 0; i++ {
			m, after, err := Next(rest)
			if err != nil {
				t.Fatalf("Message %d, read again: %v", i, err)
			}
			if got, want := fmt.Sprint(m), fmt.Sprint(taken[i]); got != want {
				t.Errorf("Message %d, read again: got %s, want %s", i, got, want)
			}
			rest = after
		}
	})
}
