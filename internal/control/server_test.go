package control

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// listen makes a socket.
func listen(t *testing.T) (path string, listening *os.File) {
	t.Helper()
	dir, err := os.MkdirTemp("", "control") // t.TempDir may be too long a path for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "control")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	return path, file
}

// seven answers with that code.
func seven(c *Conn, _ *Request, files []*os.File) {
	defer c.Close()
	CloseFiles(files)
	code := 7
	_ = c.Send(Reply{Code: &code})
}

// serve answers on a socket with the code 7.
func serve(t *testing.T) (path string) {
	t.Helper()
	path, listening := listen(t)
	if err := Serve(listening, seven); err != nil {
		t.Fatal(err)
	}
	return path
}

func dial(t *testing.T, path string) *Conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &Conn{c.(*net.UnixConn)}
}

func TestServe(t *testing.T) {
	path := serve(t)
	var waiting []*Conn
	for range 50 { // who says nothing keeps nobody else waiting
		waiting = append(waiting, dial(t, path))
	}
	for _, c := range append(waiting, dial(t, path)) {
		if err := c.Send(Request{Verb: Wait}); err != nil {
			t.Fatal(err)
		}
		if code, err := c.HearCode(); err != nil || code != 7 {
			t.Errorf("got %d, %v; want 7", code, err)
		}
	}
}

// Those who are there are answered; one that says nothing keeps none of them waiting.
func TestAnswerWaiting(t *testing.T) {
	path, listening := listen(t)
	silent := dial(t, path)
	var asked []*Conn
	for range 20 {
		c := dial(t, path)
		if err := c.Send(Request{Verb: Wait}); err != nil {
			t.Fatal(err)
		}
		asked = append(asked, c)
	}
	var all sync.WaitGroup
	if err := AnswerWaiting(listening, &all, seven); err != nil {
		t.Fatal(err)
	}
	for _, c := range asked {
		if code, err := c.HearCode(); err != nil || code != 7 {
			t.Errorf("got %d, %v; want 7", code, err)
		}
	}
	silent.Close()
	all.Wait()
}

func TestServeRefusesNonsense(t *testing.T) {
	c := dial(t, serve(t))
	write(t, c, []byte("\x02\x00\x00\x00[]"), nil)
	_, _, err := c.Hear()
	var told *Failure
	if !errors.As(err, &told) || told.Code != 125 {
		t.Errorf("got %v, want a failure that is told", err)
	}
}

// TestServeOthers connects as another user, to a socket that everybody can reach.
func TestServeOthers(t *testing.T) {
	if path := os.Getenv("UNC_TEST_SOCKET"); path != "" {
		c := dial(t, path)
		_ = c.Send(Request{Verb: Wait}) // it may be closed already
		if _, _, err := c.Hear(); !errors.Is(err, ErrGone) {
			t.Fatalf("got %v, want the end", err)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	path := serve(t)
	for _, p := range []string{filepath.Dir(path), path} {
		if err := os.Chmod(p, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Open("/proc/self/exe") // which lies where nobody else may look
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd := exec.Command("/proc/self/fd/3", "-test.run=^TestServeOthers$")
	cmd.Dir, cmd.ExtraFiles = "/", []*os.File{self}
	cmd.Env = []string{"UNC_TEST_SOCKET=" + path}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 61234, Gid: 61234}}
	if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), "PASS") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestHear(t *testing.T) {
	code, wild := 3, 4000
	for _, test := range []struct {
		name  string
		reply *Reply
		code  int
		err   string
	}{
		{"a code", &Reply{Code: &code}, 3, ""},
		{"no code", &Reply{}, 0, "no exit code"},
		{"no exit code", &Reply{Code: &wild}, 0, "no exit code"},
		{"a failure", &Reply{Failed: &Failure{Text: "no room", Code: 126}}, 0, "no room"},
		{"nothing", nil, 0, ErrGone.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := pair(t)
			if test.reply != nil {
				if err := a.Send(test.reply); err != nil {
					t.Fatal(err)
				}
			}
			a.Close()
			got, err := b.HearCode()
			if got != test.code || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %d, %v; want %d, %q", got, err, test.code, test.err)
			}
		})
	}
}

// What a client hears that is not a code.
func TestHearTheRest(t *testing.T) {
	for _, test := range []struct {
		name            string
		reply           *Reply
		accepted, ended string // the errors; empty: none
	}{
		{"a reply", &Reply{}, "", "goes on to speak"},
		{"a failure", &Reply{Failed: &Failure{Text: "no room"}}, "no room", "no room"},
		{"the end", nil, ErrGone.Error(), ""},
	} {
		for what, wait := range map[string]struct {
			hear func(*Conn) error
			want string
		}{
			"accepted": {(*Conn).HearAccepted, test.accepted}, "ended": {(*Conn).AwaitEnd, test.ended},
		} {
			t.Run(test.name+", "+what, func(t *testing.T) {
				a, b := pair(t)
				if test.reply != nil {
					if err := a.Send(test.reply); err != nil {
						t.Fatal(err)
					}
				}
				a.Close()
				err := wait.hear(b)
				if (err == nil) != (wait.want == "") || err != nil && !strings.Contains(err.Error(), wait.want) {
					t.Errorf("got %v, want %q", err, wait.want)
				}
			})
		}
	}
}

// An order comes without descriptors, whatever is sent along.
func TestHearOrder(t *testing.T) {
	a, b := pair(t)
	if err := a.Send(Order{Signal: 15}, tempFile(t, "")); err != nil {
		t.Fatal(err)
	}
	open := countOpen(t)
	if order, err := b.HearOrder(); err != nil || order != (Order{Signal: 15}) {
		t.Errorf("got %v, %v, want signal 15", order, err)
	}
	if now := countOpen(t); now != open {
		t.Errorf("%d descriptors are open, want %d", now, open)
	}
	a.Close()
	if _, err := b.HearOrder(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end", err)
	}
}

// A failure is what an asker's own error would be, hints included.
func TestFailuresCross(t *testing.T) {
	a, b := pair(t)
	if err := a.Send(Reply{Failed: &Failure{Text: "no such user", Hints: []string{"unc ps"}, Code: 125}}); err != nil {
		t.Fatal(err)
	}
	_, _, err := b.Hear()
	var hinted interface{ Hints() []string }
	if !errors.As(err, &hinted) || len(hinted.Hints()) != 1 || err.Error() != "no such user" || errors.Is(err, io.EOF) {
		t.Errorf("got %v with %v", err, hinted)
	}
}
