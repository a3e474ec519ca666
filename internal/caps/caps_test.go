package caps

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/tier"
)

const (
	noCaps      = "0000000000000000"
	netAdminCap = "0000000000001000"
	changeUser  = "00000000000000c0" // CAP_SETGID and CAP_SETUID
	refused     = "operation not permitted"
)

// asUser starts a child as an unprivileged user with these capabilities, on
// every thread, as a file capability would give them. A test binary can't carry
// one of its own, but ambient ones do the same (capabilities(7)).
func asUser(t *testing.T, action string, ambient ...uintptr) report {
	t.Helper()
	return child(t, action, &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: childID, Gid: childID},
		AmbientCaps: ambient,
	})
}

func child(t *testing.T, action string, attr *syscall.SysProcAttr) report {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("this test starts a process with a capability, which takes root")
	}
	tier.NeedAllThreads(t)
	// Not by its path: that leads through a directory of root's alone.
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{childVariable + "=" + action}
	cmd.Dir = "/"
	cmd.SysProcAttr = attr
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		tier.Skip(t, "root can't start a process as another user here: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the child: %v\n%s", err, &errs)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("the child's report: %v\n%s", err, &out)
	}
	return r
}

// user is a thread of asUser's with these sets.
func user(permitted, effective string) thread {
	const id = "61003 61003 61003 61003"
	return thread{UID: id, GID: id, CapInh: noCaps, CapPrm: permitted, CapEff: effective, CapAmb: noCaps}
}

// all checks every thread, of which there must be at least n.
func all(t *testing.T, when string, got []thread, n int, want thread) {
	t.Helper()
	if len(got) < n {
		t.Errorf("%s: got %d threads, want at least the %d that were made", when, len(got), n)
	}
	for _, thread := range got {
		if diff := cmp.Diff(want, thread); diff != "" {
			t.Errorf("%s, a thread (-want +got):\n%s", when, diff)
		}
	}
}

func TestGiveUp(t *testing.T) {
	for _, test := range []struct {
		name   string
		has    []uintptr
		before string
	}{
		{"cap_net_admin", []uintptr{unix.CAP_NET_ADMIN}, netAdminCap},
		{"more than that", []uintptr{unix.CAP_NET_ADMIN, unix.CAP_SETUID}, "0000000000001080"},
		{"nothing", nil, noCaps},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := asUser(t, "give up", test.has...)
			before := user(test.before, test.before)
			before.CapInh, before.CapAmb = test.before, test.before
			all(t, "before", r.Before, 9, before)
			if r.Returned != "" {
				t.Fatalf("GiveUp: %s", r.Returned)
			}
			all(t, "after", r.After, 17, user(noCaps, noCaps))
			if r.Dumpable != 1 {
				t.Errorf("got dumpable %d, want 1: else /proc/self stays root's", r.Dumpable)
			}
			want := map[string]string{"capset": refused, "ambient": refused, "setuid": refused, "setgid": refused}
			if diff := cmp.Diff(want, r.Attempts); diff != "" {
				t.Errorf("attempts to regain something (-want +got):\n%s", diff)
			}
		})
	}
}

// Root keeps what it needs to become somebody else, and not for long.
func TestGiveUpByRoot(t *testing.T) {
	r := child(t, "give up", nil)
	if r.Returned != "" {
		t.Fatalf("GiveUp: %s", r.Returned)
	}
	for _, thread := range r.After {
		if thread.CapPrm != changeUser || thread.CapEff != changeUser || thread.CapInh != noCaps || thread.CapAmb != noCaps {
			t.Errorf("got a thread with %+v, want permitted and effective %s and nothing else", thread, changeUser)
		}
	}
	if r.Dumpable != 0 {
		t.Errorf("got dumpable %d, want 0 as long as there is a capability", r.Dumpable)
	}
	if r.Attempts["capset"] != refused {
		t.Errorf("raising CAP_NET_ADMIN again: got %q, want %q", r.Attempts["capset"], refused)
	}
}

func TestBecome(t *testing.T) {
	r := child(t, "become", &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{childID + 1}}})
	if r.Returned != "" {
		t.Fatalf("Become: %s", r.Returned)
	}
	if got, want := r.Before[0].Groups, "61004"; got != want {
		t.Fatalf("got supplementary groups %q before, want %q", got, want)
	}
	all(t, "after", r.After, 17, user(noCaps, noCaps))
	if r.Dumpable != 1 {
		t.Errorf("got dumpable %d, want 1", r.Dumpable)
	}
	want := map[string]string{"capset": refused, "ambient": refused, "setuid": refused, "setgid": refused}
	if diff := cmp.Diff(want, r.Attempts); diff != "" {
		t.Errorf("attempts to be root again (-want +got):\n%s", diff)
	}
}

func TestHold(t *testing.T) {
	for _, test := range []struct {
		name     string
		has      []uintptr
		left     string
		returned string
	}{
		{"cap_net_admin", []uintptr{unix.CAP_NET_ADMIN}, netAdminCap, ""},
		{"more than that", []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_SYS_ADMIN}, netAdminCap, ""},
		{"another", []uintptr{unix.CAP_NET_RAW}, noCaps, ErrNotPermitted.Error()},
		{"nothing", nil, noCaps, ErrNotPermitted.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := asUser(t, "hold", test.has...)
			if r.Returned != test.returned {
				t.Errorf("got error %q, want %q", r.Returned, test.returned)
			}
			all(t, "after", r.After, 17, user(test.left, noCaps))
			if r.Dumpable != 0 {
				t.Errorf("got dumpable %d, want 0: the process holds a capability", r.Dumpable)
			}
		})
	}
}

func TestRaise(t *testing.T) {
	r := asUser(t, "raise", unix.CAP_NET_ADMIN)
	if got, want := r.Returned, errRaised.Error(); got != want {
		t.Errorf("got error %q, want that of the closure", got)
	}
	if r.Inside.CapEff != netAdminCap || r.Inside.CapPrm != netAdminCap {
		t.Errorf("got a raised thread with %+v, want effective and permitted %s", r.Inside, netAdminCap)
	}
	raised := 0
	for _, thread := range r.Raised {
		switch thread.CapEff {
		case netAdminCap:
			raised++
		case noCaps:
		default:
			t.Errorf("got effective %s on a thread", thread.CapEff)
		}
	}
	if raised != 1 || len(r.Raised) < 41 {
		t.Errorf("got %d of %d threads raised, want 1 of at least 41", raised, len(r.Raised))
	}
	all(t, "after", r.After, 49, user(netAdminCap, noCaps))
}

func TestRaiseIsOverAfterAPanic(t *testing.T) {
	r := asUser(t, "raise and panic", unix.CAP_NET_ADMIN)
	if got, want := r.Returned, "in the closure"; got != want {
		t.Errorf("got panic %q, want %q", got, want)
	}
	all(t, "after", r.After, 17, user(netAdminCap, noCaps))
}

func TestRaiseWithoutTheCapability(t *testing.T) {
	r := asUser(t, "raise with no cap")
	if got, want := r.Returned, "raising CAP_NET_ADMIN: "+refused; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	all(t, "after", r.After, 17, user(noCaps, noCaps))
}
