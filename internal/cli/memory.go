package cli

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// forgetProgram lets go of the pages of unc's own code that the start has
// touched, much of the memory of a supervisor that from here on only waits.
// They come back from the page cache where they are needed (MADV_DONTNEED on a
// private file mapping, madvise(2)). Code only: in a position-independent
// build, read-only data has been written to, by relocation.
func forgetProgram() {
	maps, err := rawio.ReadFile("/proc/self/maps", 1<<20)
	if err != nil {
		return // it is only memory
	}
	for line := range strings.Lines(string(maps)) {
		// start-end perms offset dev inode path (proc_pid_maps(5))
		fields := strings.Fields(line)
		if len(fields) != 6 || fields[5][0] != '/' || fields[1] != "r-xp" {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED)
		}
	}
}
