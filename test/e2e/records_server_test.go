package e2e

import (
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// message is one as it goes over a control socket.
func message(text string) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)
}

// answersOnce listens at the socket of the forged record, and does the same with whoever connects.
func (f *forger) answersOnce(do func(c *net.UnixConn)) {
	f.t.Helper()
	path := filepath.Join(f.record, "control")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	must(f.t, err)
	must(f.t, os.Chmod(path, 0o666)) // the test is not alice
	f.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				do(c)
			}()
		}
	}()
}

// untilTheyLeave reads what a client says to its end.
func untilTheyLeave(c *net.UnixConn) {
	buf := make([]byte, 4096)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}

// A supervisor that is none, and answers as it likes: the client says what is wrong, and ends.
func TestHostileSupervisor(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	null, err := os.Open("/dev/null")
	must(t, err)
	defer null.Close()
	rights := func(n int) []byte {
		fds := make([]int, n)
		for i := range fds {
			fds[i] = int(null.Fd())
		}
		return unix.UnixRights(fds...)
	}
	for _, test := range []struct {
		name string
		do   func(c *net.UnixConn)
		ends bool // as that of a container that was killed does, so that its end may be what is told
	}{
		{"it hangs up", func(*net.UnixConn) {}, true},
		{"half a length", func(c *net.UnixConn) { _, _ = c.Write([]byte{1, 0}) }, true},
		{"half a message", func(c *net.UnixConn) { _, _ = c.Write(message(`{"code":0}`)[:8]) }, true},
		{"garbage", func(c *net.UnixConn) { _, _ = c.Write(message(evilText)); untilTheyLeave(c) }, false},
		{"what is no message", func(c *net.UnixConn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")); untilTheyLeave(c) }, false},
		{"other types", func(c *net.UnixConn) { _, _ = c.Write(message(`{"code":"x","peer":[],"failed":7}`)); untilTheyLeave(c) }, false},
		{"gigabytes announced", func(c *net.UnixConn) { _, _ = c.Write([]byte{0xff, 0xff, 0xff, 0xff}); untilTheyLeave(c) }, false},
		{"descriptors", func(c *net.UnixConn) {
			_, _, _ = c.WriteMsgUnix(message(`{}`), rights(3), nil)
			c.CloseWrite()
			untilTheyLeave(c)
		}, true},
		{"many descriptors", func(c *net.UnixConn) { _, _, _ = c.WriteMsgUnix(message(`{}`), rights(200), nil); untilTheyLeave(c) }, false},
		{"what is no terminal", func(c *net.UnixConn) {
			_, _, _ = c.WriteMsgUnix(message(`{"terminal":true}`), rights(1), nil)
			c.CloseWrite()
			untilTheyLeave(c)
		}, true},
		{"a network that is none", func(c *net.UnixConn) {
			_, _, _ = c.WriteMsgUnix(message(`{"peer":{"hosts":"x","resolv":"y"}}`), rights(2), nil)
			c.CloseWrite()
			untilTheyLeave(c)
		}, true},
		{"codes that are none", func(c *net.UnixConn) { _, _ = c.Write(message(`{"code":-77777}`)); c.CloseWrite(); untilTheyLeave(c) }, true},
		{"an error that moves the cursor", func(c *net.UnixConn) {
			_, _ = c.Write(message(`{"failed":{"text":"\u001b[2Jevil\n\n\u009b2J","hints":["\u001b[2J","x"],"code":-1}}`))
			untilTheyLeave(c)
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			f := newForger(t, h)
			defer f.spares()
			f.info("")
			giveTo(t, h.alice, f.runtime)
			f.held()
			f.answersOnce(test.do)
			for _, command := range slices.Concat(mustFail, []string{"stop -t 0 -s 9 NAME", "wait NAME", "logs -f NAME", "stop -t 0 -a"}) {
				got := f.ask(command)
				asked := !strings.HasPrefix(command, "logs") // which only wants to know when it is over
				if got.code != 125 && asked && !test.ends || got.code == 125 && !strings.HasPrefix(got.stderr, "unc: ") {
					t.Errorf("unc %s: exit code %d, %q and %q", command, got.code, got.stdout, got.stderr)
				}
			}
		})
	}
}

// One that never answers can be left as any other program.
func TestASupervisorThatNeverAnswers(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	f := newForger(t, h)
	defer f.spares()
	f.info("")
	giveTo(t, h.alice, f.runtime)
	f.held()
	connected := make(chan bool, 10)
	f.answersOnce(func(c *net.UnixConn) {
		buf := make([]byte, 4096)
		if _, err := c.Read(buf); err == nil {
			connected <- true
		}
		untilTheyLeave(c)
	})
	for _, command := range slices.Concat(mustFail, []string{"wait NAME", "logs -f NAME", "rm -fa"}) {
		for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM} {
			cmd := withRuntime(h.unc(h.alice, argumentsOf(command, "web")...), f.runtime)
			h.start(cmd)
			select {
			case <-connected:
			case <-time.After(deadline):
				t.Fatalf("unc %s asks nobody", command)
			}
			kill(t, cmd.Process.Pid, sig)
			ended := make(chan int, 1)
			go func() { ended <- wait(t, cmd) }()
			select {
			case code := <-ended:
				if code != -int(sig) {
					t.Errorf("unc %s: exit code %d, want an end by %v", command, code, sig)
				}
			case <-time.After(5 * slowness * time.Second):
				t.Errorf("unc %s goes on after %v", command, sig)
				kill(t, cmd.Process.Pid, unix.SIGKILL)
				<-ended
			}
			for len(connected) > 0 {
				<-connected
			}
		}
	}
}
