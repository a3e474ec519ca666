package record

import (
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// newStore opens a store in a directory, as of its owner.
func newStore(tb testing.TB, dir string) *Store {
	tb.Helper()
	if err := os.Chmod(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	s, err := site{runtime: dir, uid: os.Geteuid()}.open()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// claim claims a name that is free.
func claim(tb testing.TB, s *Store, called string) *Held {
	tb.Helper()
	h, err := s.Claim(called)
	if err != nil {
		tb.Fatalf("claiming %q: %v", called, err)
	}
	return h
}

// put claims a name and records a container of it.
func put(tb testing.TB, s *Store, called string) *Held {
	tb.Helper()
	h := claim(tb, s, called)
	if err := h.Put(sample(called)); err != nil {
		tb.Fatal(err)
	}
	return h
}

// die is what the kernel does for a supervisor that is killed.
func (h *Held) die() { h.release() }

func nameOf(n int) string { return "n" + strconv.Itoa(n) }

func sample(called string) *Info {
	at := time.Date(2026, 11, 23, 23, 40, 0, 123456789, time.UTC)
	return &Info{
		Name: called, Version: "1.2", Supervisor: os.Getpid(), PID: 4711, Created: at, Started: at.Add(time.Millisecond),
		Command: []string{"nginx", "-g", "daemon off;", "\x1b[31m\x00é"}, Rootfs: "/srv/nginx", Hostname: called, User: "33",
		Network: Network{
			Kind: "bridge", Address: netip.MustParseAddr("10.100.42.7"), Address6: netip.MustParseAddr("fd00::7"),
			Gateway: netip.MustParseAddr("10.100.42.1"),
			Ports: []Port{
				{HostPort: 8080, Port: 80, Protocol: "tcp"},
				{Host: netip.MustParseAddr("127.0.0.1"), HostPort: 5353, Port: 53, Protocol: "udp"},
			},
		},
		Detached: true, Cgroup: "/sys/fs/cgroup/x", Labels: map[string]string{"a": "b"},
	}
}

func sampleEnded(called string, how Ended) *Info {
	i := sample(called)
	i.Ended = &how
	return i
}

// tree lists what there is below a directory.
func tree(tb testing.TB, dir string) []string {
	tb.Helper()
	list := []string{}
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if path != dir {
			list = append(list, path[len(dir)+1:])
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return list
}
