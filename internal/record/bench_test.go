package record

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// memory is a directory of which the contents are in memory, as a runtime directory's are.
func memory(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "unc-test-")
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// What a start adds: once in a process that has never done it, and once in one that has.
func BenchmarkRecord(b *testing.B) {
	s := newStore(b, memory(b))
	began := time.Now()
	life(b, s)
	first := time.Since(began)
	for b.Loop() {
		life(b, s)
	}
	b.ReportMetric(float64(first.Microseconds()), "µs/first")
}

func life(b *testing.B, s *Store) {
	b.Helper()
	h, err := s.Claim("web")
	if err != nil {
		b.Fatal(err)
	}
	fd, err := h.Listen()
	if err != nil {
		b.Fatal(err)
	}
	if err := h.Put(sample("web")); err != nil {
		b.Fatal(err)
	}
	unix.Close(fd)
	if err := h.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkList1000(b *testing.B) {
	s := newStore(b, memory(b))
	for n := range 1000 {
		_ = put(b, s, nameOf(n))
	}
	for b.Loop() {
		if list, err := s.List(nil); len(list) != 1000 || err != nil {
			b.Fatalf("got %d entries, %v, want 1000", len(list), err)
		}
	}
}
