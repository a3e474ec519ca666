package nsexec

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/userns"
)

// An explanation makes a better error of that of a step that has failed. It stays with the
// step, and says of errors that it knows nothing of what they are.
type explanation func(err error, errno syscall.Errno) error

// failure is the error of a step that has failed.
func (s *step) failure(errno syscall.Errno) error {
	err := fmt.Errorf("%s: %w", s.doing, errno)
	switch errno {
	case unix.EOVERFLOW:
		err = fmt.Errorf("%w: it would be beside files whose owner has no id in the container", err)
	case unix.ENOSYS:
		err = fmt.Errorf("%w: unc needs Linux 5.12 or newer", err)
	case unix.EMFILE:
		err = hint.With(err, "ulimit -n 1024    # each volume takes one while the container is made")
	case unix.ELOOP:
		err = fmt.Errorf("%w: symbolic links lead in a circle there, or are not followed", err)
	}
	if s.explain != nil {
		err = s.explain(err, errno)
	}
	return err
}

// because has the step's failures explained.
func (s *step) because(explain explanation) *step { s.explain = explain; return s }

// advise says what to do where something can't be made in the rootfs: a command to paste.
func (s *step) advise(advice string) {
	s.explain = func(err error, errno syscall.Errno) error {
		switch errno {
		case unix.EROFS, unix.EACCES, unix.EOVERFLOW:
			return hint.With(err, advice)
		}
		return err
	}
}

// takesCapability is for steps of which one is the first that takes a capability in the new
// user namespace. That one is refused where a user namespace may be made and not used;
// later ones that are refused have other reasons.
func (p *program) takesCapability(s *step) {
	if !p.capable {
		p.capable = true
		s.because(explainNamespace)
	}
}

func explainNamespace(err error, errno syscall.Errno) error {
	if errno != unix.EPERM && errno != unix.EACCES {
		return err
	}
	label, _ := userns.Label("")
	if restricted := userns.Settings(userns.Read).Restricted(ownFile(), label); restricted != nil {
		return restricted
	}
	return err
}
