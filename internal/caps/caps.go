package caps

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNotPermitted means that this process was not given CAP_NET_ADMIN.
var ErrNotPermitted = errors.New("CAP_NET_ADMIN is not permitted")

// GiveUp empties every capability set of every thread for good, reads each
// thread back, and makes the process dumpable again, without which its own
// /proc/self would belong to root and no user namespace could be mapped.
//
// Called by root it keeps CAP_SETUID and CAP_SETGID for Become.
//
// Should: be the first statement of main.
// Mustn't: make the process dumpable before every thread is verified.
func GiveUp() error {
	if os.Geteuid() == 0 {
		changeUser := Of(unix.CAP_SETUID, unix.CAP_SETGID)
		now, err := ofThread(0)
		if err != nil {
			return err
		}
		keep := now.permitted & changeUser
		return reduce(state{effective: keep, permitted: keep})
	}
	if err := reduce(state{}); err != nil {
		return err
	}
	return setDumpable(1)
}

// Become turns a process of root into one of uid and gid with no supplementary
// groups and no capability, on every thread. There is no way back.
func Become(uid, gid int) error {
	if uid == 0 || gid == 0 {
		return fmt.Errorf("becoming uid %d, gid %d: that is root again", uid, gid)
	}
	// Groups first: after setuid there is no capability left to change them.
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("dropping the supplementary groups: %w", err)
	}
	if err := syscall.Setresgid(gid, gid, gid); err != nil {
		return fmt.Errorf("becoming gid %d: %w", gid, err)
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return fmt.Errorf("becoming uid %d: %w", uid, err)
	}
	return GiveUp()
}

// Hold reduces every thread to CAP_NET_ADMIN in the permitted set and nothing
// in effect. It returns ErrNotPermitted when there is nothing to hold; the
// process then has no capability at all.
//
// Should: be the first statement of net-setup.
// Mustn't: leave anything in effect, nor trust that the kernel made the process
// non-dumpable: it does not when the caller held the capability already.
func Hold() error {
	if err := setDumpable(0); err != nil {
		return err
	}
	now, err := ofThread(0)
	if err != nil {
		return err
	}
	if err := reduce(state{permitted: now.permitted & netAdmin}); err != nil {
		return err
	}
	if !now.permitted.Has(netAdmin) {
		return ErrNotPermitted
	}
	return nil
}

// Raise runs f with CAP_NET_ADMIN in effect on one locked thread. The Go
// runtime never clones a new thread from a locked one, so the raise stays on it.
// Hold must have been called before.
func Raise(f func() error) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setThread(state{effective: netAdmin, permitted: netAdmin}); err != nil {
		return fmt.Errorf("raising CAP_NET_ADMIN: %w", err)
	}
	defer func() {
		if lowered := setThread(state{permitted: netAdmin}); lowered != nil {
			// A thread that can't give the capability back must not live on.
			panic(fmt.Sprintf("lowering CAP_NET_ADMIN: %v", lowered))
		}
	}()
	return f()
}

// Drop ends what Hold began: nothing is left on any thread.
func Drop() error { return reduce(state{}) }

// reduce sets every thread to s and verifies each.
func reduce(s state) error {
	if err := checkSignalQueue(); err != nil {
		return err
	}
	if err := setAll(s); err != nil {
		return err
	}
	return verifyAll(s)
}

// checkSignalQueue makes sure that the runtime can reach the other threads. It
// does so by a real-time signal to each, which the kernel refuses when the user's
// queue is full (RLIMIT_SIGPENDING, getrlimit(2)), and then tries for ever.
func checkSignalQueue() error {
	const enough = 64
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_SIGPENDING, &limit); err != nil {
		return fmt.Errorf("reading the limit of pending signals: %w", err)
	}
	if limit.Cur >= enough {
		return nil
	}
	if limit.Max < enough {
		return fmt.Errorf("unc needs a limit of %d pending signals, it is %d", enough, limit.Max)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_SIGPENDING, &limit); err != nil {
		return fmt.Errorf("raising the limit of pending signals: %w", err)
	}
	return nil
}

func setDumpable(v uintptr) error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, v, 0, 0, 0); err != nil {
		return fmt.Errorf("setting the dumpable flag to %d: %w", v, err)
	}
	return nil
}

func isGone(err error) bool { return errors.Is(err, unix.ESRCH) }
