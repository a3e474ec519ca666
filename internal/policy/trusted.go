package policy

import (
	"errors"
	"fmt"
	"io"
	"path"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// maxFile is how much of a file is read, in bytes.
const maxFile = 64 << 10

// readTrusted returns the contents of a file that only its owner can have
// written. When there is no such file, the error is an fs.ErrNotExist. The
// directory is checked too, also when the file is not in it: who can write there
// can put one there.
func readTrusted(name string, owner uint32) (string, error) {
	dir := path.Dir(name)
	dirfd, err := openTrusted(unix.AT_FDCWD, dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return "", explainOpen(name, err)
	}
	defer unix.Close(dirfd)
	if _, err := checkTrusted(dirfd, "its directory", dir, owner); err != nil {
		return "", fmt.Errorf("reading %q: %w", name, err)
	}
	// Non-blocking, or a FIFO would wait for its other end.
	fd, err := openTrusted(dirfd, path.Base(name), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return "", explainOpen(name, err)
	}
	defer unix.Close(fd)
	kind, err := checkTrusted(fd, "it", name, owner)
	if err != nil {
		return "", fmt.Errorf("reading %q: %w", name, err)
	}
	if kind != unix.S_IFREG {
		return "", fmt.Errorf("reading %q: it is not a regular file", name)
	}
	text, err := io.ReadAll(io.LimitReader(rawio.FD(fd), maxFile+1))
	if err != nil {
		return "", fmt.Errorf("reading %q: %w", name, err)
	}
	if len(text) > maxFile {
		return "", fmt.Errorf("reading %q: it is larger than %d bytes", name, maxFile)
	}
	return string(text), nil
}

// openTrusted is openat2(2). A link would lead to a file whose directories
// nobody has checked.
func openTrusted(dirfd int, name string, flags uint64) (int, error) {
	return rawio.Openat2(dirfd, name, &unix.OpenHow{
		Flags:   flags | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
}

// explainOpen makes sentences of errnos that say little.
func explainOpen(name string, err error) error {
	file, dir := hint.Quote(name), hint.Quote(path.Dir(name))
	switch {
	case errors.Is(err, unix.EACCES):
		return hint.With(fmt.Errorf("opening %q: %w: all who are to use the network must be able to read it", name, err),
			"sudo chmod 755 "+dir+" && sudo chmod 644 "+file)
	case errors.Is(err, unix.ELOOP):
		return hint.With(fmt.Errorf("opening %q: %w: symbolic links are not followed there", name, err),
			"namei -l "+file+"    # which part of it is the link")
	}
	return fmt.Errorf("opening %q: %w", name, err)
}

// checkTrusted refuses what others than the owner can change, and returns the
// file's type (inode(7)). An access control list that lets somebody write shows
// in the bits of the group (acl(5), "CORRESPONDENCE BETWEEN ACL ENTRIES AND FILE
// PERMISSION BITS").
func checkTrusted(fd int, what, name string, owner uint32) (kind uint32, err error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return 0, fmt.Errorf("looking at who %s belongs to: %w", what, err)
	}
	switch {
	case stat.Uid != owner:
		return 0, hint.With(fmt.Errorf("%s belongs to uid %d, not to root", what, stat.Uid), "sudo chown root:root "+hint.Quote(name))
	case stat.Mode&0o022 != 0:
		return 0, hint.With(fmt.Errorf("%s can be written by others than root (mode %04o)", what, stat.Mode&0o7777),
			"sudo chmod go-w "+hint.Quote(name))
	}
	return stat.Mode & unix.S_IFMT, nil
}
