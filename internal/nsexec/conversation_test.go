package nsexec

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A process that says what it can't say is not believed, and leaves no descriptors behind.
func TestHandlesThatAreNotTaken(t *testing.T) {
	w := programs()["rootfs, socket 3"]
	whole := func(r report) []byte { return bytesOf(&r) }
	for _, test := range []struct {
		name string
		text []byte
		want string
	}{
		{"too short", whole(report{reportReady, 0})[:reportSize-1], fmt.Sprintf("the container sent %d bytes, want %d", reportSize-1, reportSize)},
		{"a failure", whole(report{0, int32(unix.EPERM)}), "asking to die with the supervisor: operation not permitted"},
		{"too few", whole(report{reportReady, 0}), fmt.Sprintf("the container handed over 1 descriptors, want %d", w.handed)},
	} {
		t.Run(test.name, func(t *testing.T) {
			ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(ends[1])
			c := &Child{prog: w.program, spec: w.spec, sock: os.NewFile(uintptr(ends[0]), "child")}
			defer c.sock.Close()
			r, passed, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			err = unix.Sendmsg(ends[1], test.text, unix.UnixRights(int(passed.Fd())), nil, 0)
			if err := errors.Join(err, passed.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Ready(); errText(err) != test.want {
				t.Errorf("got error %q, want %q", errText(err), test.want)
			}
			if err := r.SetReadDeadline(soon()); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Read(make([]byte, 1)); errText(err) != "EOF" {
				t.Errorf("got %v from a pipe that nobody should have, want its end", err)
			}
		})
	}
}
