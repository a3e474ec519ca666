package netplumb

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// minFiles is how many open files net-setup asks for at least; it needs about ten.
const minFiles = 64

// harden takes out of the caller's hands what the process was started with:
// environment, working directory, mode mask, descriptors and their limit. The
// signal mask needs nothing: the runtime unblocks what it handles, and nothing
// here waits for a signal.
//
// Should: come right after caps.Hold, which has cleared the dumpable flag.
// Mustn't: trust that any of it was sane.
func harden() error {
	os.Clearenv()
	unix.Umask(0o077)
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("changing to the root directory: %w", err)
	}
	if err := closeInherited(); err != nil {
		return err
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of open files: %w", err)
	}
	if limit.Max < minFiles {
		return fmt.Errorf("net-setup needs %d open files, the limit is %d", minFiles, limit.Max)
	}
	// The Go runtime has raised the soft limit to the hard one already, where it could.
	if limit.Cur < minFiles {
		limit.Cur = minFiles
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			return fmt.Errorf("raising the limit of open files: %w", err)
		}
	}
	return nil
}

// closeInherited closes every descriptor above 2 but the Go runtime's own, with
// which it waits for events: it may have opened them because of a descriptor
// that the caller made non-blocking, and would not survive without them.
func closeInherited() error {
	fds, err := rawio.Numbers("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("listing the open files: %w", err)
	}
	for _, fd := range fds {
		if fd <= 2 {
			continue
		}
		target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		if err != nil || target == "anon_inode:[eventpoll]" || target == "anon_inode:[eventfd]" {
			continue // gone, as the one that listed them, or the runtime's
		}
		if err := unix.Close(fd); err != nil && !errors.Is(err, unix.EBADF) {
			return fmt.Errorf("closing descriptor %d: %w", fd, err)
		}
	}
	return nil
}
