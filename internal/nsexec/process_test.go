package nsexec

import (
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Whoever has the other end of a command's conversation, there is nothing to be waited for
// when the command has ended. What had been said by then is heard.
func TestStartedEndsWithTheProcess(t *testing.T) {
	prog := &program{}
	prog.call("doing it", unix.SYS_CHDIR)
	for _, test := range []struct {
		name string
		said *report
		want string
	}{
		{"nothing was said", nil, ""},
		{"a failure was told", &report{0, int32(unix.ENOENT)}, "doing it: no such file or directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(ends[1])
			p := &Process{prog: prog, conversation: os.NewFile(uintptr(ends[0]), "process"), ended: make(chan struct{})}
			p.started = sync.OnceValue(p.hear)
			if test.said != nil {
				if _, err := unix.Write(ends[1], bytesOf(test.said)); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.conversation.SetReadDeadline(soon()); err != nil {
				t.Fatal(err)
			}
			p.end(0)
			if got := errText(p.Started()); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
