package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// status is told to who has asked for it on the command line, or as systemd does.
type status struct {
	pidfile *pidfile
	fd      *os.File // --json-status-fd
	notify  bool     // NOTIFY_SOCKET is for this process to write to
}

// openStatus opens what will be written to, so that a container that can't be told of is
// not begun.
func (f *lifeFlags) openStatus() (s *status, err error) {
	s = &status{notify: !f.Supervise} // a detached one's front tells
	if f.JSONStatusFD != nil {
		fd := *f.JSONStatusFD
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil || flags&unix.O_ACCMODE == unix.O_RDONLY || !isCallers(fd) {
			return nil, hint.With(about("--json-status-fd", strconv.Itoa(fd), errors.New("it is no descriptor that can be written to")),
				fmt.Sprintf("unc run --json-status-fd %d COMMAND %d>status.json", fd, fd))
		}
		unix.CloseOnExec(fd)
		s.fd = os.NewFile(uintptr(fd), "--json-status-fd")
	}
	if f.Pidfile != "" {
		if s.pidfile, err = openPidfile(f.Pidfile); err != nil {
			return nil, about("--pidfile", f.Pidfile, withoutPath(err))
		}
	}
	return s, nil
}

// isCallers tells whether a descriptor was there when this program was executed. All that
// are its own would be closed with it, and a number given by mistake may be one of those.
func isCallers(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

// started tells that the command runs, in a container whose first process that is.
// Readers that have gone away are no reason to end it.
func (s *status) started(pid int) {
	if s.pidfile != nil {
		if err := s.pidfile.write(pid); err != nil {
			warn(about("--pidfile", s.pidfile.file.Name(), withoutPath(err)))
		}
	}
	s.tell(map[string]int{"child-pid": pid})
	if s.notify {
		ready(os.Getpid())
	}
}

// ended tells the command's exit code.
func (s *status) ended(code int) { s.tell(map[string]int{"exit-code": code}) }

// tell writes a line as bwrap(1) does, --json-status-fd.
func (s *status) tell(what map[string]int) {
	if s.fd == nil {
		return
	}
	if text, err := json.Marshal(what); err == nil {
		_, _ = s.fd.Write(append(text, '\n'))
	}
}

// ready tells a service manager, if there is one, that the container runs and which
// process stays with it (sd_notify(3)).
func ready(supervisor int) {
	if _, err := daemon.SdNotify(false, fmt.Sprintf("%s\nMAINPID=%d", daemon.SdNotifyReady, supervisor)); err != nil {
		warn(fmt.Errorf("telling the service manager that the container runs: %w", err))
	}
}

// close is for when there is nobody to tell of any more.
func (s *status) close() {
	if s.pidfile != nil {
		s.pidfile.remove()
	}
}
