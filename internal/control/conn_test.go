package control

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pair is both ends of a conversation.
func pair(t testing.TB) (a, b *Conn) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []**Conn{&a, &b} {
		if *c, err = NewConn(ends[i]); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*c).Close() })
	}
	return a, b
}

func TestMessages(t *testing.T) {
	for _, test := range []struct {
		name    string
		message Request
		files   int
	}{
		{"none", Request{}, 0},
		{"a signal", Request{Verb: Signal, Signal: 15}, 0},
		{"descriptors", Request{Verb: Exec, Command: &Command{Args: Texts{"sh"}, Detach: true}}, 3},
		{"more than a socket holds", Request{Command: &Command{Args: Texts{strings.Repeat("x", 3<<20)}}}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := pair(t)
			file := tempFile(t, "text")
			var files []*os.File
			for range test.files {
				files = append(files, file)
			}
			sent := make(chan error, 1)
			go func() { sent <- a.Send(test.message, files...) }()
			var got Request
			passed, err := b.receive(&got)
			if err := errors.Join(err, <-sent); err != nil {
				t.Fatal(err)
			}
			if got.Verb != test.message.Verb || got.Signal != test.message.Signal ||
				(got.Command == nil) != (test.message.Command == nil) ||
				got.Command != nil && (got.Command.Args[0] != test.message.Command.Args[0] || got.Command.Detach != test.message.Command.Detach) {
				t.Errorf("got %.100v, want %.100v", got, test.message)
			}
			if len(passed) != test.files {
				t.Fatalf("got %d descriptors, want %d", len(passed), test.files)
			}
			for _, f := range passed {
				text, err := io.ReadAll(io.NewSectionReader(f, 0, 100))
				if err != nil || string(text) != "text" {
					t.Errorf("a descriptor reads %q, %v", text, err)
				}
				if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
					t.Errorf("a descriptor has flags %#x, %v: a program started meanwhile would get it", flags, err)
				}
				f.Close()
			}
		})
	}
}

func tempFile(t testing.TB, text string) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// Descriptors that nobody asked for are closed, however they come.
func TestStrayDescriptors(t *testing.T) {
	body := []byte(`{"verb":"wait"}`)
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(body)))
	for _, test := range []struct {
		name        string
		with        []byte // what they are sent with
		before, end []byte
		files       int
		want        bool
	}{
		{"more than fit", append(bytes.Clone(head), body...), nil, nil, 30, false},
		{"with a part of the length", head[2:], head[:2], body, 2, true},
		{"with the text", body, head, nil, 3, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := pair(t)
			file := tempFile(t, "")
			var fds []int
			for range test.files {
				fds = append(fds, int(file.Fd()))
			}
			open := countOpen(t)
			if len(test.before) > 0 {
				write(t, a, test.before, nil)
			}
			write(t, a, test.with, fds)
			if len(test.end) > 0 {
				write(t, a, test.end, nil)
			}
			var r Request
			files, err := b.receive(&r)
			if test.want && (err != nil || r.Verb != Wait) {
				t.Errorf("got %v, %v", r, err)
			}
			CloseFiles(files)
			if now := countOpen(t); now != open {
				t.Errorf("%d descriptors are open, want %d", now, open)
			}
		})
	}
}

func write(t *testing.T, c *Conn, text []byte, fds []int) {
	t.Helper()
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := c.c.WriteMsgUnix(text, rights, nil); err != nil {
		t.Fatal(err)
	}
}

func countOpen(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestConversationsThatBreakOff(t *testing.T) {
	for _, test := range []struct{ name, sent string }{
		{"at once", ""},
		{"in the length", "\x05\x00"},
		{"before the text", "\x05\x00\x00\x00"},
		{"in the text", "\x05\x00\x00\x00{}"},
		{"before much that is announced", "\x00\x00\xff\x00{}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := pair(t)
			if test.sent != "" {
				write(t, a, []byte(test.sent), nil)
			}
			a.Close()
			if _, err := b.receive(new(Request)); !errors.Is(err, io.EOF) {
				t.Errorf("got %v, want the end", err)
			}
		})
	}
}

func TestTooLong(t *testing.T) {
	a, b := pair(t)
	if err := a.Send(Request{Verb: Verb(strings.Repeat("x", maxMessage))}); !errors.Is(err, unix.E2BIG) {
		t.Errorf("got %v, want an error before anything is sent", err)
	}
	write(t, a, []byte{0, 0, 0, 2}, nil) // 32 MiB
	if _, err := b.receive(new(Request)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v, want that it is too long", err)
	}
}

// Whatever is sent, it is a message, an error or the end, and no descriptor is left open.
func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00{}"), uint8(3))
	f.Add([]byte("\x04\x00\x00\x00null"), uint8(0))
	f.Add([]byte("\xff\xff\xff\xff"), uint8(9))
	f.Add([]byte("\x10\x00\x00\x00{\"code\":1e999999"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, count uint8) {
		a, b := pair(t)
		if len(text) > 0 && len(text) < 64<<10 {
			fds := make([]int, count%64)
			write(t, a, text, fds) // standard input, that often
		}
		a.Close()
		for {
			var reply Reply
			files, err := b.receive(&reply)
			if err != nil {
				if len(files) > 0 {
					t.Errorf("%d descriptors come with an error", len(files))
				}
				return
			}
			if len(files) > maxFiles {
				t.Errorf("got %d descriptors, want %d at most", len(files), maxFiles)
			}
			CloseFiles(files)
		}
	})
}
