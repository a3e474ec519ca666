package record

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// lock locks the store: LOCK_SH to look which records are alive, LOCK_EX to change which there are.
// Nobody holds it for long but who is stopped (SIGSTOP) meanwhile, which is the user's own doing.
func (s *Store) lock(how int) (unlock func(), err error) {
	s.mu.Lock()
	for {
		if err = unix.Flock(s.fd, how); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("locking %q: %w", s.path, err)
	}
	return func() {
		// Not by closing: a child between clone and execve has the descriptor, too.
		_ = unix.Flock(s.fd, unix.LOCK_UN)
		s.mu.Unlock()
	}, nil
}

// tryLock locks a record, or fails with EWOULDBLOCK. It is done with the store locked.
func tryLock(dir, how int) error {
	for {
		if err := unix.Flock(dir, how|unix.LOCK_NB); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// alive tells whether a supervisor holds a record, by a descriptor that was opened to look: its
// holder's own could be locked in any case, and loses its lock here (flock(2)). The lock is shared,
// so that of two who look neither takes the other for a supervisor.
func alive(dir int) bool {
	if err := tryLock(dir, unix.LOCK_SH); err != nil {
		return errors.Is(err, unix.EWOULDBLOCK)
	}
	_ = unix.Flock(dir, unix.LOCK_UN)
	return false
}
