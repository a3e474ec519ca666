package record

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// patience is how long a supervisor may take to get to a new connection, in seconds: it
// has none to wait for but when thousands come at once, or when it is stopped.
const patience = 10

// Listen makes the socket at which the supervisor is asked, of the type SOCK_STREAM, and returns
// its descriptor, which is in blocking mode and the caller's to close. Who connects is the caller's
// to check, too (unix(7), SO_PEERCRED).
func (h *Held) Listen() (int, error) {
	fd, err := h.listen()
	if err != nil {
		return -1, fmt.Errorf("listening for container %q: %w", h.name, err)
	}
	return fd, nil
}

func (h *Held) listen() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	// bind(2) gives the file the mode of the socket, less the umask (net/unix/af_unix.c).
	err = unix.Fchmod(fd, 0o600)
	if err == nil {
		// An address has room for 107 bytes (unix(7)), and the path may be longer.
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: procPath(h.dir) + "/" + socketFile})
	}
	if err == nil {
		err = unix.Listen(fd, unix.SOMAXCONN)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Dial connects to the supervisor. The descriptor is in blocking mode, and the caller's to close.
// The error is ErrNotThere when the container has ended meanwhile, or has not got to where it can
// be asked.
func (e *Entry) Dial() (int, error) {
	dir, err := e.open()
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	fd, err := connect(dir)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ECONNREFUSED):
		return -1, &nameError{ErrNotThere, e.Info.Name}
	case errors.Is(err, unix.EAGAIN):
		return -1, fmt.Errorf("asking container %q: its supervisor, process %d, does not answer", e.Info.Name, e.Info.Supervisor)
	case err != nil:
		return -1, fmt.Errorf("asking container %q: %w", e.Info.Name, err)
	}
	return fd, nil
}

func connect(dir int) (int, error) {
	// The file is opened first, and then connected to by its descriptor: connect(2) would follow a
	// symbolic link.
	file, err := openBelow(dir, socketFile, unix.O_PATH, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(file)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	// A connect waits as long as a send does (net/unix/af_unix.c).
	err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Sec: patience})
	for err == nil {
		if err = unix.Connect(fd, &unix.SockaddrUnix{Name: procPath(file)}); !errors.Is(err, unix.EINTR) {
			break
		}
		err = nil
	}
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// procPath is a path to what is open (proc(5), /proc/pid/fd).
func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
