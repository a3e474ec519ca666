package e2e

import (
	"testing"
	"time"
)

// deadline is for what the kernel does in its own time, such as taking down a
// network namespace.
const deadline = 10 * time.Second

// eventually looks until seen is true, and fails the test at the deadline.
func eventually(t *testing.T, what string, seen func() bool) {
	t.Helper()
	within(t, deadline, what, seen)
}

func within(t *testing.T, limit time.Duration, what string, seen func() bool) {
	t.Helper()
	if !lookUntil(limit, seen) {
		t.Fatalf("not within %v: %s", limit, what)
	}
}

// lookUntil tells whether seen became true before the limit. It looks often at
// first, and then more and more seldom.
func lookUntil(limit time.Duration, seen func() bool) bool {
	end := time.Now().Add(limit)
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if seen() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
		<-time.After(pause)
	}
}
