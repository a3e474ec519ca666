package caps

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestOf(t *testing.T) {
	for _, test := range []struct {
		name    string
		numbers []int
		want    Set
	}{
		{"empty", nil, 0},
		{"the first", []int{unix.CAP_CHOWN}, 1},
		{"net_admin", []int{unix.CAP_NET_ADMIN}, 1 << 12},
		{"one in the upper half", []int{unix.CAP_CHECKPOINT_RESTORE}, 1 << 40},
		{"several, one twice", []int{unix.CAP_SETGID, unix.CAP_SETUID, unix.CAP_SETGID}, 1<<6 | 1<<7},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Of(test.numbers...); got != test.want {
				t.Errorf("got %#x, want %#x", got, test.want)
			}
		})
	}
}

func TestHas(t *testing.T) {
	for _, test := range []struct {
		name string
		s, t Set
		want bool
	}{
		{"nothing in nothing", 0, 0, true},
		{"nothing in something", 1, 0, true},
		{"something in nothing", 0, 1, false},
		{"itself", 6, 6, true},
		{"a part", 6, 2, true},
		{"more than there is", 6, 7, false},
		{"another", 4, 2, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.s.Has(test.t); got != test.want {
				t.Errorf("%#x has %#x: got %v, want %v", test.s, test.t, got, test.want)
			}
		})
	}
}

// The kernel takes 64-bit sets as two structures of 32-bit halves (capset(2)).
func TestEncode(t *testing.T) {
	header, got := state{effective: 1<<40 | 2, permitted: 1 << 63, inheritable: 1}.encode()
	want := [2]unix.CapUserData{
		{Effective: 2, Inheritable: 1},
		{Effective: 1 << 8, Permitted: 1 << 31},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(unix.CapUserHeader{Version: 0x20080522}, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestOfThread(t *testing.T) {
	if _, err := ofThread(0); err != nil {
		t.Errorf("the calling thread: %v", err)
	}
	// Larger than any thread's number can be (PID_MAX_LIMIT in linux/threads.h).
	if _, err := ofThread(1 << 23); !isGone(err) {
		t.Errorf("a thread that does not exist: got %v, want an error that says it is gone", err)
	}
}

func TestBecomeRefusesRoot(t *testing.T) {
	for _, test := range []struct {
		name     string
		uid, gid int
	}{{"uid 0", 0, 1000}, {"gid 0", 1000, 0}, {"both", 0, 0}} {
		t.Run(test.name, func(t *testing.T) {
			if err := Become(test.uid, test.gid); err == nil {
				t.Error("got no error, want one")
			}
		})
	}
}
