package seccomp

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// answer is what a filter returns: an action, and its data in the low 16 bits (seccomp(2)).
type answer uint32

const (
	allow       answer = unix.SECCOMP_RET_ALLOW
	killProcess answer = unix.SECCOMP_RET_KILL_PROCESS
)

// refuse is the answer that makes a system call fail with errno.
func refuse(errno unix.Errno) answer { return unix.SECCOMP_RET_ERRNO | answer(errno) }

// permits tells whether the system call takes place.
func (a answer) permits() bool {
	action := a & unix.SECCOMP_RET_ACTION_FULL
	return action == unix.SECCOMP_RET_ALLOW || action == unix.SECCOMP_RET_LOG
}

// maxErrno is the largest that there can be; the kernel cuts others down to it
// (MAX_ERRNO in include/linux/err.h).
const maxErrno = 4095

// answerOf reads an action of a profile. The names are libseccomp's, and so is
// that the plain SCMP_ACT_KILL ends no more than a thread.
func answerOf(action string, errno *uint) (answer, error) {
	switch action {
	case "SCMP_ACT_ALLOW":
		return allow, nil
	case "SCMP_ACT_LOG":
		return unix.SECCOMP_RET_LOG, nil
	case "SCMP_ACT_ERRNO":
		switch {
		case errno == nil:
			return refuse(unix.EPERM), nil
		case *errno > maxErrno:
			return 0, fmt.Errorf("there is no error with number %d", *errno)
		}
		return refuse(unix.Errno(*errno)), nil
	case "SCMP_ACT_TRAP":
		return unix.SECCOMP_RET_TRAP, nil
	case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD":
		return unix.SECCOMP_RET_KILL_THREAD, nil
	case "SCMP_ACT_KILL_PROCESS":
		return killProcess, nil
	case "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY":
		return 0, fmt.Errorf("action %q asks a second program what to do, and unc has none", action)
	case "":
		return 0, errors.New("the action is missing")
	}
	return 0, fmt.Errorf("action %q is not known", action)
}
