package tier

import (
	"os"
	"syscall"
	"testing"
)

// Skip ends a test that should be able to run here, but can't.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("UNC_MUST_WORK") == "1" {
		t.Fatalf("UNC_MUST_WORK=1, but "+format, args...)
	}
	t.Skipf(format, args...)
}

// Is tells whether the tests run in the named tier: UNC_TIER is set by what
// starts them, after it has made the surroundings.
func Is(name string) bool { return os.Getenv("UNC_TIER") == name }

// NeedAllThreads skips a test of what changes every thread. The Go runtime does
// that only in programs without cgo, as unc is; a test built with -race has it.
func NeedAllThreads(t testing.TB) {
	t.Helper()
	if _, _, errno := syscall.AllThreadsSyscall(syscall.SYS_GETPID, 0, 0, 0); errno == syscall.ENOTSUP {
		Skip(t, "this test was built with cgo; CGO_ENABLED=0 runs it")
	}
}
