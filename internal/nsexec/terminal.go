package nsexec

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// terminalFlags are how both sides of a pseudo-terminal are opened: it is never the
// opener's.
const terminalFlags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC

// NewTerminal makes another pseudo-terminal of the container's, with a name in there: what
// controls it, and the side for Command.Terminal.
//
// No path of the container's is followed. The root of a devpts is nobody's to change
// (simple_dir_inode_operations in fs/devpts/inode.c), what somebody may have mounted in it is
// not entered, and the other side is found by the kernel (TIOCGPTPEER, ioctl_tty(2)). All
// that root inside can do is to refuse, by the mode of ptmx.
func (h *Handles) NewTerminal() (controlling, tty *os.File, err error) {
	fail := func(err error) (*os.File, *os.File, error) {
		return nil, nil, fmt.Errorf("opening a pseudo-terminal of the container's: %w", err)
	}
	var fd, other int
	err = withDescriptors([]*os.File{h.Pts}, func(fds []int) (err error) {
		fd, err = unix.Openat2(fds[0], "ptmx", &unix.OpenHow{
			Flags: terminalFlags, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS,
		})
		return err
	})
	if err != nil {
		return fail(err)
	}
	controlling = os.NewFile(uintptr(fd), "terminal")
	if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
		other, err = openPeer(fd)
	}
	if err != nil {
		controlling.Close()
		return fail(err)
	}
	return controlling, os.NewFile(uintptr(other), "tty"), nil
}

func openPeer(fd int) (int, error) {
	r, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, terminalFlags)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}
