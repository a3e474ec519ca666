package users

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// file is passwd(5) or group(5) of a container.
type file struct {
	path    string // below its root
	text    string
	missing bool
}

func (f *file) String() string { return "the container's /" + f.path }

// maxFile is how much of it is read, in bytes: some fifty thousand lines.
const maxFile = 4 << 20

// read reads a file below the directory root. One that does not exist is empty.
func read(root int, path string) (*file, error) {
	f := &file{path: path}
	fd, err := open(root, path)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		f.missing = true
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", f, err)
	}
	defer unix.Close(fd)
	text, err := rawio.ReadRegular(fd, maxFile)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f, err)
	}
	f.text = string(text)
	return f, nil
}

// open does not wait for the other end of a FIFO, nor for a lease, and leaves the tree
// neither by a link nor through a proc(5) that is mounted in it.
func open(root int, path string) (int, error) {
	return rawio.Openat2(root, path, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
}
