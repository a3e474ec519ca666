package e2e

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// slowness is how many times longer things may take than on a common machine. What
// starts the tests on a slower one says so in UNC_SLOW, as test/vm does.
var slowness = func() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("UNC_SLOW")); err == nil && n > 1 {
		return time.Duration(n)
	}
	return 1
}()

// needSpeed leaves out a test that does the same hundreds of times, to meet something
// that seldom happens: on a slow machine that takes longer than all others together.
func needSpeed(t *testing.T) {
	t.Helper()
	if slowness > 1 {
		t.Skip("left out on a slow machine (UNC_SLOW)")
	}
}

// deadline is for what the kernel does in its own time, such as taking down a
// network namespace.
var deadline = slowness * 10 * time.Second

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
