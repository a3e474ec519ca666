package cli

import (
	"errors"
	"os"
	"testing"
	"time"

	"unc/internal/control"
	"unc/internal/record"
)

// supervise makes a container of which this process is the supervisor, as far as its record
// and its socket are concerned.
func supervise(t *testing.T, called string) *container {
	t.Helper()
	store, err := record.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	c := &container{
		name: called, status: &status{}, info: func() *record.Info { return &record.Info{Name: called, Supervisor: os.Getpid()} },
		begun: make(chan struct{}), ended: make(chan struct{}), over: make(chan struct{}),
	}
	if c.held, err = store.Claim(called); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	if err := c.listen(); err != nil {
		t.Fatal(err)
	}
	return c
}

// published is one that can be asked.
func published(t *testing.T, called string) *container {
	t.Helper()
	c := supervise(t, called)
	if err := c.publish(); err != nil {
		t.Fatal(err)
	}
	return c
}

// asked begins to wait for a container.
func asked(t *testing.T, called string) *waiting {
	t.Helper()
	e, err := find(called)
	if err != nil {
		t.Fatal(err)
	}
	w, err := beginWait(e)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *waiting) tells(t *testing.T, want int) {
	t.Helper()
	if got, err := w.code(); err != nil || got != want {
		t.Errorf("%s: got code %d, %v, want %d", w.entry.Info.Name, got, err, want)
	}
}

// The second ends, and is gone, while the first is waited for.
func TestWaitForTwo(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", privateDir(t))
	a, b := published(t, "a"), published(t, "b")
	first, second := asked(t, "a"), asked(t, "b")
	b.end(3)
	if _, err := find("b"); !errors.Is(err, record.ErrNotThere) {
		t.Fatalf("got %v, want that b is gone", err)
	}
	a.end(4)
	first.tells(t, 4)
	second.tells(t, 3)
}

// A command may be over before its container can be asked.
func TestWaitBeforeItIsPublished(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", privateDir(t))
	c := supervise(t, "box")
	w := asked(t, "box")
	c.end(0)
	w.tells(t, 0)
	if err := c.publish(); err != nil {
		t.Errorf("published after its end: %v", err)
	}
	if _, err := find("box"); !errors.Is(err, record.ErrNotThere) {
		t.Errorf("got %v, want that it is gone", err)
	}
}

// answersAs has somebody answer whoever connects to a container.
func answersAs(t *testing.T, held *record.Held, do func(conn *control.Conn)) {
	t.Helper()
	fd, err := held.Listen()
	if err != nil {
		t.Fatal(err)
	}
	err = control.Serve(os.NewFile(uintptr(fd), "control"), func(conn *control.Conn, _ *control.Request, files []*os.File) {
		defer conn.Close()
		control.CloseFiles(files)
		do(conn)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWaitForOneThatCanNotTell(t *testing.T) {
	five := 5
	for _, test := range []struct {
		name string
		do   func(conn *control.Conn)
		keep bool
		code int
		err  error
	}{
		{"it has ended before it heard", func(*control.Conn) {}, false, 0, control.ErrGone},
		{"and is kept", func(*control.Conn) {}, true, 7, nil},
		{"it is killed", func(conn *control.Conn) { _ = conn.Send(control.Reply{}) }, false, killedCode, nil},
		{"it has told somebody slow", func(conn *control.Conn) { _ = conn.Send(control.Reply{}) }, true, 7, nil},
		{"it tells", func(conn *control.Conn) {
			_ = conn.Send(control.Reply{})
			_ = conn.Send(control.Reply{Code: &five})
		}, false, 5, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("XDG_RUNTIME_DIR", privateDir(t))
			c := supervise(t, "box")
			c.socket.Close()
			c.socket = nil
			kept := make(chan error, 1)
			if err := os.Remove(os.Getenv("XDG_RUNTIME_DIR") + "/unc/box/control"); err != nil {
				t.Fatal(err)
			}
			answersAs(t, c.held, func(conn *control.Conn) {
				if test.keep {
					held := c.held
					c.held = nil
					kept <- errors.Join(held.Put(c.info()), held.Keep(record.Ended{Code: 7, Time: time.Now()}))
				}
				test.do(conn)
			})
			got, err := asked(t, "box").code()
			if got != test.code || !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
				t.Errorf("got code %d, %v, want %d, %v", got, err, test.code, test.err)
			}
			if test.keep {
				if err := <-kept; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// What is to be ended, and has ended by itself just before, is no failure. One that starts is.
func TestSignalMeetsTheEnd(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", privateDir(t))
	c := published(t, "box")
	e, err := find("box")
	if err != nil {
		t.Fatal(err)
	}
	c.end(0)
	one, err := signalAndWait(e, 15)
	if err != nil {
		t.Fatalf("got %v, want that it has ended", err)
	}
	if err := <-one.ended; err != nil {
		t.Errorf("got %v, want that it has ended", err)
	}

	store, err := record.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	held, err := store.Claim("starting")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if e, err = find("starting"); err != nil {
		t.Fatal(err)
	}
	_, err = signalAndWait(e, 15)
	if !errors.Is(err, record.ErrNotThere) {
		t.Errorf("got %v, want that it is not there yet", err)
	}
	if f := (namedFlags{All: true}); f.passesOver(e, err) {
		t.Error("passed over as one that has ended, and it is about to run")
	}
}
