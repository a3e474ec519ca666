package rawio

import (
	"errors"

	"golang.org/x/sys/unix"
)

// MaxTries is how often openat2 is to be tried. The kernel answers EAGAIN where something was
// renamed or mounted, anywhere on the system, while it went through a ".." that may not lead
// out of a directory (openat2(2), "ERRORS"). Who sees to that forever gets the error.
const MaxTries = 1000

// Openat2 is openat2(2), begun again when something comes in between.
func Openat2(dirfd int, path string, how *unix.OpenHow) (fd int, err error) {
	for range MaxTries {
		fd, err = unix.Openat2(dirfd, path, how)
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			break
		}
	}
	return fd, err
}
