package netplumb

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
func datagram(messages ...message) []byte {
	var b []byte
	for _, m := range messages {
		b = binary.NativeEndian.AppendUint32(b, uint32(unix.NLMSG_HDRLEN+len(m.payload)))
		b = binary.NativeEndian.AppendUint16(b, m.kind)
		b = binary.NativeEndian.AppendUint16(b, m.flags)
		b = binary.NativeEndian.AppendUint32(b, m.seq)
		b = binary.NativeEndian.AppendUint32(b, 0) // port, of no interest
		b = append(b, m.payload...)
		b = append(b, make([]byte, -len(b)&3)...)
	}
	return b
}

func TestNextMessage(t *testing.T) {
	link := message{kind: unix.RTM_NEWLINK, flags: unix.NLM_F_MULTI, seq: 7, payload: []byte("sixteen bytes...")}
	odd := message{kind: unix.RTM_NEWROUTE, seq: 8, payload: []byte("odd")}
	done := message{kind: unix.NLMSG_DONE, flags: unix.NLM_F_MULTI, seq: 1<<32 - 1}
	for _, test := range []struct {
		name string
		in   []byte
		want []message
	}{
		{"one", datagram(link), []message{link}},
		{"no payload", datagram(done), []message{done}},
		{"several, one padded", datagram(link, odd, done), []message{link, odd, done}},
		{"the last one not padded", datagram(odd)[:unix.NLMSG_HDRLEN+3], []message{odd}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []message
			for rest := test.in; len(rest) > 0; {
				var m message
				var err error
				if m, rest, err = nextMessage(rest); err != nil {
					t.Fatal(err)
				}
				got = append(got, m)
			}
			same := cmp.Comparer(func(a, b message) bool {
				return a.kind == b.kind && a.flags == b.flags && a.seq == b.seq && bytes.Equal(a.payload, b.payload)
			})
			if diff := cmp.Diff(test.want, got, same); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNextMessageRefuses(t *testing.T) {
	claims := func(size uint32) []byte {
		b := datagram(message{payload: []byte("payload.")})
		binary.NativeEndian.PutUint32(b, size)
		return b
	}
	for _, test := range []struct {
		name string
		in   []byte
	}{
		{"nothing", nil},
		{"half a header", datagram(message{})[:8]},
		{"a size of zero", claims(0)},
		{"a size below the header's", claims(unix.NLMSG_HDRLEN - 1)},
		{"a size beyond the end", claims(unix.NLMSG_HDRLEN + 9)},
		{"a size that is negative as int32", claims(1<<32 - 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if m, rest, err := nextMessage(test.in); err == nil {
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
			if got := (message{kind: unix.NLMSG_ERROR, payload: test.payload}).errno(); !errors.Is(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func FuzzNextMessage(f *testing.F) {
	f.Add(datagram(message{kind: 1, payload: []byte("odd")}, message{seq: 2}))
	f.Add(datagram(message{})[:15])
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, in []byte) {
		var taken []message
		for rest := in; len(rest) > 0; {
			m, after, err := nextMessage(rest)
			if err != nil {
				break
			}
			if used := len(rest) - len(after); used < unix.NLMSG_HDRLEN+len(m.payload) || used > unix.NLMSG_HDRLEN+len(m.payload)+3 {
				t.Fatalf("a message with %d bytes of payload took %d", len(m.payload), used)
			}
			_ = m.errno()
			m.payload = slices.Clone(m.payload)
			taken = append(taken, m)
			rest = after
		}
		// What was read is what its own encoding says again.
		for i, rest := 0, datagram(taken...); len(rest) > 0; i++ {
			m, after, err := nextMessage(rest)
			if err != nil {
				t.Fatalf("message %d, read again: %v", i, err)
			}
			if got, want := fmt.Sprint(m), fmt.Sprint(taken[i]); got != want {
				t.Errorf("message %d, read again: got %s, want %s", i, got, want)
			}
			rest = after
		}
	})
}
