package logfile

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// The names of the files.
const (
	current = "log"
	older   = "log.1"
)

// reserve is room for what the log says of itself beside the lines, in bytes.
const reserve = 256

// ready sees to it that there is a file with room for so many bytes.
func (w *Writer) ready(room int64) error {
	if w.fd >= 0 && w.size+room+reserve <= w.max {
		return nil
	}
	if dir := int(w.dir.Fd()); w.fd >= 0 {
		// ENOENT: who removed it can have another one.
		if err := unix.Renameat(dir, current, dir, older); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
		unix.Close(w.fd)
		w.fd = -1
		w.base += w.size
	}
	fd, err := w.create(unix.O_TRUNC)
	if err != nil {
		return err
	}
	w.fd, w.size = fd, 0
	var line [128]byte
	text := append(appendHead(line[:0], w.now().UTC(), itself), beginsAt...)
	text = append(strconv.AppendInt(text, w.base, 10), '\n')
	if _, err := w.append(text); err != nil {
		// Begun again the next time: a file that does not tell what it continues is no use.
		unix.Close(w.fd)
		w.fd = -1
		return err
	}
	return nil
}

func (w *Writer) create(how int) (int, error) {
	// Non-blocking, for what stands there may be a FIFO.
	flags := unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	for {
		fd, err := unix.Openat(int(w.dir.Fd()), current, flags|how, 0o600)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return -1, err
		}
		if err := checkRegular(fd); err != nil {
			unix.Close(fd)
			return -1, err
		}
		return fd, nil
	}
}

// errNotRegular is of what stands where a log should.
var errNotRegular = errors.New("it is not a regular file")

func checkRegular(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errNotRegular
	}
	return nil
}
