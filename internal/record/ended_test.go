package record

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

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

// Whoever looks, sees it either run or have ended: what is kept has let go of its name.
func TestKeepIsOneStep(t *testing.T) {
	dir := t.TempDir()
	s, other := newStore(t, dir), newStore(t, dir)
	for range 200 {
		h := put(t, s, "web")
		kept := make(chan error, 1)
		go func() { kept <- h.Keep(sampleEnded("web", Ended{Code: 3})) }()
		for over := false; !over; {
			e, err := other.Find("web")
			if err != nil {
				t.Fatal(err)
			}
			if over = e.Info.Ended != nil; over == e.Alive {
				t.Fatalf("found alive: %v, and ended: %v", e.Alive, over)
			}
		}
		again, err := other.Claim("web")
		if err := errors.Join(err, <-kept); err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := tree(t, s.path); len(got) > 0 {
		t.Errorf("got %v, want nothing left", got)
	}
}

func TestListSweeps(t *testing.T) {
	s := newStore(t, t.TempDir())
	alive, kept, half := put(t, s, "alive"), put(t, s, "kept"), claim(t, s, "half")
	defer alive.Close()
	if err := kept.Keep(sampleEnded("kept", Ended{Code: 1})); err != nil {
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
	want := sampleEnded("web", Ended{Code: 127, Time: time.Now().UTC()})
	if err := h.Keep(want); err != nil {
		t.Fatal(err)
	}
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
	if err := h.Keep(want); err != nil {
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
		if err := put(t, s, nameOf(n)).Keep(sampleEnded(nameOf(n), Ended{Time: at})); err != nil {
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
