package netplumb

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"unc/internal/caps"
	"unc/internal/filecap"
	"unc/internal/hint"
	"unc/internal/policy"
)

// Result is what came of a call of net-setup: one of its fields is set, or after
// remove and release none.
type Result struct {
	Network *Network // of the namespace that was attached
	Status  *Status  // of the machine, for report and reload
	Checkup *Checkup // of all that the caller's network depends on, for checkup
}

// Setup is the whole of net-setup, the one stage of unc that holds a capability.
// args are those after "net-setup". The capability is gone when it returns, on
// every thread.
//
// Should: be the first statement of main for this stage.
// Mustn't: write anything while the capability is raised, nor look at anything
// that the caller could change between check and use.
func Setup(args []string) (Result, error) {
	held := caps.Hold()
	result, err := setup(args, held)
	if dropped := caps.Drop(); dropped != nil {
		return Result{}, dropped
	}
	return result, err
}

func setup(args []string, held error) (result Result, err error) {
	w, r, err := parse(args)
	if err != nil {
		return result, err
	}
	if held != nil && !errors.Is(held, caps.ErrNotPermitted) {
		return result, held
	}
	if err := harden(); err != nil {
		return result, err
	}
	if w.despite != nil {
		return Result{Checkup: w.despite(held)}, nil
	}
	if err := checkCaller(!w.anybody); err != nil {
		return result, err
	}
	if held != nil {
		err := filecap.Why()
		if w.advice != nil {
			err = w.advice(err)
		}
		return result, err
	}
	var p *policy.Policy
	if !w.noPolicy {
		if p, err = policy.Load(); err != nil {
			return result, err
		}
	}
	c, err := dial()
	if err != nil {
		return result, err
	}
	defer c.Close()
	// Here rather than in Raise, which needs it: the first time it starts a thread.
	runtime.LockOSThread()
	return w.do(c, p, r)
}

// checkAllowed refuses whom the policy does not let use the network.
func checkAllowed(p *policy.Policy) error {
	own, err := unix.Getgroups()
	if err != nil {
		return fmt.Errorf("reading this process's groups: %w", err)
	}
	groups := []uint32{uint32(unix.Getgid())}
	for _, g := range own {
		groups = append(groups, uint32(g))
	}
	if uid := uint32(unix.Getuid()); !p.Allows(uid, groups) {
		return orGoWithout(hint.With(fmt.Errorf("user %d may not use the network: ALLOW in /etc/unc/network.conf does not name them", uid),
			fmt.Sprintf("sudoedit /etc/unc/network.conf    # as root: ALLOW has to have %d in it, or a @group of theirs", uid)))
	}
	return nil
}

// goWithout is the way out that everybody has: these two take no net-setup.
const goWithout = "go without: unc run --network none ..., or with the host's own: unc run --network host ..."

// orGoWithout adds that way out to the hints of an error.
func orGoWithout(err error) error { return hint.With(err, append(hint.Of(err), goWithout)...) }
