package cli

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"unc/internal/name"
	"unc/internal/netplumb"
	"unc/internal/record"
)

// claim takes the name that is asked for, or makes one up. A container that nobody will look
// for by its name can do without a record, where there is no place for one.
func (r *runCmd) claim(c *container) error {
	store, err := record.Open()
	if err == nil {
		c.held, c.name, err = claimIn(store, r.Name)
	}
	switch {
	case err == nil:
	case r.Name != nil || r.Detach:
		return err
	default:
		warn("this container can't be found by unc ps and the like: " + err.Error())
		c.name = name.Random(0)
	}
	return nil
}

// claimIn claims a name in the store. What a supervisor that was killed has left of it on the
// network may stay for minutes, and is in the way.
func claimIn(store *record.Store, wanted *string) (held *record.Held, called string, err error) {
	for attempt := 0; ; attempt++ {
		if wanted != nil {
			called = *wanted
		} else {
			called = name.Random(attempt)
		}
		held, err = store.Claim(called)
		switch {
		case errors.Is(err, record.ErrTaken) && (wanted == nil || attempt == 0 && dies(store, called)):
			continue
		case err == nil && held.Stale:
			forget(&record.Info{Name: called})
		}
		return held, called, err
	}
}

// dying is how long a supervisor that was killed may take to be gone: the kernel
// lets go of its name when the last of its threads has ended.
const dying = 200 * time.Millisecond

// dies tells whether the supervisor that has a name ends now. The number is what the record says,
// which is good enough to wait for.
func dies(store *record.Store, called string) bool {
	e, err := store.Find(called)
	if err != nil {
		return errors.Is(err, record.ErrNotThere)
	}
	fd, err := unix.PidfdOpen(e.Info.Supervisor, 0)
	if err != nil {
		return errors.Is(err, unix.ESRCH)
	}
	defer unix.Close(fd)
	until := time.Now().Add(dying)
	for {
		// Readable when all of the process has ended (pidfd_open(2)).
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, max(0, int(time.Until(until).Milliseconds())))
		if !errors.Is(err, unix.EINTR) {
			return err == nil && n > 0
		}
	}
}

// forget takes a dead container's name away from what the kernel still has of its network.
func forget(dead *record.Info) {
	if err := netplumb.Release(dead.Name); err != nil {
		warn(err.Error())
	}
}
