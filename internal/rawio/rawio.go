package rawio

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// FD is a descriptor in blocking mode. It is its owner's to close.
type FD int

// Read is read(2), begun again when a signal interrupts it; at the end, io.EOF.
func (fd FD) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(int(fd), b)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// ReadFile returns the contents of a file, and an error when there are more
// than limit bytes of it.
func ReadFile(path string, limit int64) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", path, err)
	}
	defer unix.Close(fd)
	text, err := readAll(fd, limit)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	return text, nil
}

// ReadRegular is ReadFile of what is open already, and only of a regular file: a FIFO
// would wait for its other end, and a device may never end. The error does not name it.
func ReadRegular(fd int, limit int64) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.New("it is not a regular file")
	}
	return readAll(fd, limit)
}

func readAll(fd int, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(FD(fd), limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	}
	return text, err
}

// Numbers lists the entries of a directory that are called after numbers, as the
// threads and the descriptors of a process are in proc(5).
func Numbers(dir string) ([]int, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", dir, err)
	}
	defer unix.Close(fd)
	var names []string
	buf := make([]byte, 4096)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("listing %q: %w", dir, err)
		}
		if n == 0 {
			break
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
	var numbers []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// Field is the value of a line "NAME:\tVALUE", as proc(5) has them of processes and
// descriptors.
func Field(text, name string) (value string, found bool) {
	for line := range strings.Lines(text) {
		if value, found = strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}
