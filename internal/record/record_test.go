package record

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

func TestLife(t *testing.T) {
	s := newStore(t, t.TempDir())
	h := claim(t, s, "web")
	if h.Stale {
		t.Error("a new name is stale")
	}
	check := func(when string, want *Info) *Entry {
		t.Helper()
		e, err := s.Find("web")
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		list, err := s.List(nil)
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: got %v, %v, want one", when, list, err)
		}
		for _, e := range []*Entry{e, list[0]} {
			if diff := cmp.Diff(want, e.Info, same); diff != "" || !e.Alive {
				t.Errorf("%s: alive: %v; info (-want +got):\n%s", when, e.Alive, diff)
			}
		}
		return e
	}
	e := check("starting", &Info{Name: "web"})
	if _, err := e.Dial(); !errors.Is(err, ErrNotThere) {
		t.Errorf("before there is a socket: got %v, want %v", err, ErrNotThere)
	}
	want := sample("web")
	if err := h.Put(want); err != nil {
		t.Fatal(err)
	}
	check("running", want)
	want.PID = 7
	if err := h.Put(want); err != nil {
		t.Fatal(err)
	}
	e = check("changed", want)

	_, err := s.Claim("web")
	if !errors.Is(err, ErrTaken) || err.Error() != `a container of yours is called "web" already` || !slices.Equal(hint.Of(err), []string{"unc ps"}) {
		t.Errorf("claimed again: got %v with %q, want %v", err, hint.Of(err), ErrTaken)
	}
	if err := e.Remove(); err == nil || !slices.Equal(hint.Of(err), []string{"unc stop web"}) {
		t.Errorf("removed while it runs: got %v with %q", err, hint.Of(err))
	}
	if got, want := tree(t, s.path), []string{"web", "web/record.json"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, s.path); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
	_, err = s.Find("web")
	if !errors.Is(err, ErrNotThere) || err.Error() != `no container of yours is called "web"` || !slices.Equal(hint.Of(err), []string{"unc ps"}) {
		t.Errorf("at the end: got %v with %q, want %v", err, hint.Of(err), ErrNotThere)
	}
	if _, err := e.Dir(); !errors.Is(err, ErrNotThere) {
		t.Errorf("the entry's directory at the end: got %v, want %v", err, ErrNotThere)
	}
	if err := h.Put(want); err == nil {
		t.Error("got no error of what is recorded after the end")
	}
}

func TestSocket(t *testing.T) {
	// Longer than an address may be.
	dir := t.TempDir() + "/" + strings.Repeat("x", 150)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, dir)
	h := put(t, s, "web")
	listener, err := h.Listen()
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Lstat(s.path + "/web/control")
	if err != nil || st.Mode() != os.ModeSocket|0o600 {
		t.Errorf("got %v, %v, want %v", st.Mode(), err, os.ModeSocket|0o600)
	}
	e, err := s.Find("web")
	if err != nil {
		t.Fatal(err)
	}
	client, err := e.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(client)
	conn, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(conn, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	unix.Close(conn)
	buf := make([]byte, 10)
	if n, err := unix.Read(client, buf); string(buf[:max(n, 0)]) != "hello" || err != nil {
		t.Errorf("got %q, %v, want %q", buf[:max(n, 0)], err, "hello")
	}
	unix.Close(listener)
	if _, err := e.Dial(); !errors.Is(err, ErrNotThere) {
		t.Errorf("nobody listens: got %v, want %v", err, ErrNotThere)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Dial(); !errors.Is(err, ErrNotThere) {
		t.Errorf("gone: got %v, want %v", err, ErrNotThere)
	}
	// Another one of that name is not who was found.
	again := put(t, s, "web")
	defer again.Close()
	listener, err = again.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if e.ino != inodeOf(t, again.dir) { // a filesystem may give the number out again
		if _, err := e.Dial(); !errors.Is(err, ErrNotThere) {
			t.Errorf("another one: got %v, want %v", err, ErrNotThere)
		}
	}
}

func inodeOf(t *testing.T, fd int) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func TestNames(t *testing.T) {
	s := newStore(t, t.TempDir())
	for _, called := range []string{
		"", ".", "..", "../x", "a/b", "/", "a\x00b", "a\nb", "a\x1b[31m", ".hidden", ".12", strings.Repeat("a", 64), strings.Repeat("a", 300),
	} {
		if h, err := s.Claim(called); err == nil {
			t.Errorf("%q: got %v, want an error", called, h.name)
		}
		if e, err := s.Find(called); err == nil {
			t.Errorf("%q: got %v, want an error", called, e.Info)
		}
	}
	if got := tree(t, s.path); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
	longest := strings.Repeat("a", 63)
	if err := put(t, s, longest).Close(); err != nil {
		t.Error(err)
	}
	h := claim(t, s, "web")
	defer h.Close()
	if err := h.Put(sample("db")); err == nil {
		t.Error("recorded another one's")
	}
}
