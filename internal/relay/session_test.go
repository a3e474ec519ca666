package relay

import (
	"errors"
	"net"
	"runtime"
	"testing"
	"time"
)

// A session outlives a server that is started again.
func TestUDPRefused(t *testing.T) {
	container := openUDP(t, "127.0.0.1:0")
	target := addrOf(container)
	u, port := relayUDP(t, "127.0.0.1:0", target, nil)
	c := client(t, "127.0.0.1", port)
	before := exchange(t, c, container, "hello")
	container.Close()
	// The loopback delivers the ICMP error before this returns, and the kernel gives
	// an error to read before it gives data.
	u.onlySession(t).send([]byte("anybody?"))
	container = openUDP(t, target.String())
	if _, err := container.WriteToUDPAddrPort([]byte("up again"), before); err != nil {
		t.Fatal(err)
	}
	wantNext(t, c, "up again")
	if got := exchange(t, c, container, "good"); got != before {
		t.Errorf("got it from %v, want %v as before", got, before)
	}
	if got := u.count(); got != 1 {
		t.Errorf("got %d sessions, want 1", got)
	}
}

// The kernel tells of a datagram that was refused when the next one is to be sent,
// and then does not send that.
func TestUDPSendAfterRefusal(t *testing.T) {
	container := openUDP(t, "127.0.0.1:0")
	target := addrOf(container)
	conn := client(t, "127.0.0.1", target.Port())
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{conn: conn, raw: raw}
	container.Close()
	s.send([]byte("refused"))
	container = openUDP(t, target.String())
	s.send([]byte("good"))
	wantNext(t, container, "good")
}

func TestUDPEviction(t *testing.T) {
	container := openUDP(t, "127.0.0.1:0")
	u, port := relayUDP(t, "127.0.0.1:0", addrOf(container), func(l *limits) { l.sessions = 2 })
	a, b, c := client(t, "127.0.0.1", port), client(t, "127.0.0.1", port), client(t, "127.0.0.1", port)
	exchange(t, a, container, "a")
	fromB := exchange(t, b, container, "b")
	u.mu.Lock()
	evicted := u.oldest()
	u.mu.Unlock()
	if got, want := evicted.peer.client, a.LocalAddr().(*net.UDPAddr).AddrPort(); got != want {
		t.Fatalf("the oldest session is that of %v, want %v", got, want)
	}
	exchange(t, c, container, "c")
	if _, err := evicted.conn.Write(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v from the evicted session, want %v", err, net.ErrClosed)
	}
	send(t, b, "b again") // no answer: a question is use enough
	if got := wantNext(t, container, "b again"); got != fromB {
		t.Errorf("b's session went with a's: got %v, want %v", got, fromB)
	}
	exchange(t, a, container, "a again") // in place of c, which is idle for longest now
	if got := exchange(t, b, container, "b at last"); got != fromB {
		t.Errorf("b's session was evicted, though c's is older: got %v, want %v", got, fromB)
	}
	if got := u.count(); got != 2 {
		t.Errorf("got %d sessions, want 2", got)
	}
}

func (u *udpRelay) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.sessions)
}

// waitEnded returns when the session's socket is closed.
func waitEnded(t *testing.T, s *session) {
	t.Helper()
	for start := time.Now(); time.Since(start) < patience; {
		// It waits for the session's own reader, and then sees what that has left.
		if _, err := s.conn.Read(nil); errors.Is(err, net.ErrClosed) {
			return
		}
		runtime.Gosched()
	}
	t.Fatal("the session does not end")
}

func (u *udpRelay) onlySession(t *testing.T) *session {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, s := range u.sessions {
		return s
	}
	t.Fatal("there is no session")
	return nil
}

func TestUDPExpiry(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*limits)
		answers bool
	}{
		{"unanswered", func(l *limits) { l.unanswered = 100 * time.Millisecond }, false},
		{"answered", func(l *limits) { l.idle, l.unanswered = 100*time.Millisecond, 200*time.Millisecond }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			container := openUDP(t, "127.0.0.1:0")
			u, port := relayUDP(t, "127.0.0.1:0", addrOf(container), test.change)
			c := client(t, "127.0.0.1", port)
			send(t, c, "hello")
			from := wantNext(t, container, "hello")
			s := u.onlySession(t)
			if test.answers {
				if _, err := container.WriteToUDPAddrPort([]byte("answer"), from); err != nil {
					t.Fatal(err)
				}
				wantNext(t, c, "answer")
			}
			waitEnded(t, s)
			if got := u.count(); got != 0 {
				t.Errorf("got %d sessions, want 0", got)
			}
			send(t, c, "a new one")
			wantNext(t, container, "a new one")
		})
	}
}

func TestUDPDeadline(t *testing.T) {
	u := &udpRelay{limits: standard}
	for _, test := range []struct {
		name     string
		used     time.Duration
		answered bool
		want     time.Duration
	}{
		{"new", 0, false, 30 * time.Second},
		{"used, never answered", time.Hour, false, time.Hour + 30*time.Second},
		{"answered", 0, true, time.Minute},
		{"answered and used", time.Hour, true, time.Hour + time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &session{}
			s.used.Store(int64(test.used))
			s.answered.Store(test.answered)
			if got := u.deadline(s); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
