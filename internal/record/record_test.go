package record

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

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

// A supervisor that is killed leaves everything; the next of that name begins anew.
func TestClaimOfADeadOne(t *testing.T) {
	s := newStore(t, t.TempDir())
	h := put(t, s, "web")
	fd, err := h.Listen()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if err := os.WriteFile(s.path+"/web/log", []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.die()
	if _, err := s.Find("web"); !errors.Is(err, ErrNotThere) {
		t.Errorf("found a dead one: %v", err)
	}
	h = claim(t, s, "web")
	defer h.Close()
	if !h.Stale {
		t.Error("not stale")
	}
	if got, want := tree(t, s.path), []string{"web"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestListSweeps(t *testing.T) {
	s := newStore(t, t.TempDir())
	alive, kept, half := put(t, s, "alive"), put(t, s, "kept"), claim(t, s, "half")
	defer alive.Close()
	if err := kept.Keep(Ended{Code: 1}); err != nil {
		t.Fatal(err)
	}
	half.die()
	put(t, s, "dead").die()
	starting := claim(t, s, "starting")
	defer starting.Close()
	// A removal that was interrupted.
	if err := errors.Join(os.Mkdir(s.path+"/.4711", 0o700), os.WriteFile(s.path+"/.4711/log", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	var swept []string
	list, err := s.List(func(i *Info) {
		swept = append(swept, i.Name)
		if i.Name == "dead" && i.PID != 4711 {
			t.Errorf("swept %+v, want all of its record", i)
		}
		// It is there, and nobody can claim it, which another process waits for.
		if _, err := os.Stat(s.path + "/" + i.Name); err != nil {
			t.Errorf("swept too late: %v", err)
		}
		fd, err := unix.Open(s.path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := tryLock(fd, unix.LOCK_EX); !errors.Is(err, unix.EWOULDBLOCK) {
			t.Errorf("got %v, want %v", err, unix.EWOULDBLOCK)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(swept)
	if want := []string{"dead", "half"}; !slices.Equal(swept, want) {
		t.Errorf("swept: got %v, want %v", swept, want)
	}
	got := []string{}
	for _, e := range list {
		got = append(got, e.Info.Name)
		if want := e.Info.Name != "kept"; e.Alive != want {
			t.Errorf("%s is alive: got %v, want %v", e.Info.Name, e.Alive, want)
		}
	}
	if want := []string{"alive", "kept", "starting"}; !slices.Equal(got, want) {
		t.Errorf("listed: got %v, want %v", got, want)
	}
	if got, want := tree(t, s.path), []string{"alive", "alive/record.json", "kept", "kept/record.json", "starting"}; !slices.Equal(got, want) {
		t.Errorf("left: got %v, want %v", got, want)
	}
}

func TestKeep(t *testing.T) {
	s := newStore(t, t.TempDir())
	h := put(t, s, "web")
	fd, err := h.Listen()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if err := os.WriteFile(s.path+"/web/log", []byte("why"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended := Ended{Code: 127, Reason: "there is no such command", Time: time.Now().UTC()}
	if err := h.Keep(ended); err != nil {
		t.Fatal(err)
	}
	want := sample("web")
	want.Ended = &ended
	e, err := s.Find("web")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, e.Info, same); diff != "" || e.Alive {
		t.Errorf("alive: %v; info (-want +got):\n%s", e.Alive, diff)
	}
	dir, err := e.Dir()
	if err != nil {
		t.Fatal(err)
	}
	dir.Close()
	if got, want := tree(t, s.path), []string{"web", "web/log", "web/record.json"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := e.Dial(); !errors.Is(err, ErrNotThere) {
		t.Errorf("got %v, want %v", err, ErrNotThere)
	}
	// Its name is free, and nothing of the network is left behind by who ended in order.
	h = claim(t, s, "web")
	if h.Stale {
		t.Error("a kept one is stale")
	}
	// One that ended before anything was recorded.
	if err := h.Keep(ended); err != nil {
		t.Fatal(err)
	}
	if e, err = s.Find("web"); err != nil {
		t.Fatal(err)
	}
	if err := e.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := e.Remove(); !errors.Is(err, ErrNotThere) {
		t.Errorf("removed twice: got %v, want %v", err, ErrNotThere)
	}
	if got := tree(t, s.path); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}

func TestKeepKeepsTheLatest(t *testing.T) {
	s := newStore(t, t.TempDir())
	alive := put(t, s, "alive")
	defer alive.Close()
	want := []string{"alive"}
	for n := range maxKept + 5 {
		// The last one's clock is wrong: it is the one to be looked at nevertheless.
		at := time.Unix(int64(1000+n), 0)
		if n == maxKept+4 {
			at = time.Unix(1, 0)
		}
		if n >= 5 {
			want = append(want, nameOf(n))
		}
		if err := put(t, s, nameOf(n)).Keep(Ended{Time: at}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.List(nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, e := range list {
		got = append(got, e.Info.Name)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
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
