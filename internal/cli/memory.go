package cli

import (
	"encoding/binary"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// forgetProgram lets go of the pages of unc's own file that the start has
// touched, most of the memory of a supervisor that from here on only waits.
// They come back from the page cache where they are needed (MADV_DONTNEED on a
// private file mapping, madvise(2)). Only what nobody has written to: in a
// position-independent build that leaves read-only data out, for relocation has.
func forgetProgram() {
	maps, err := rawio.ReadFile("/proc/self/maps", 1<<20)
	if err != nil {
		return // it is only memory
	}
	fixed := isFixed("/proc/self/exe")
	for line := range strings.Lines(string(maps)) {
		// start-end perms offset dev inode path (proc_pid_maps(5))
		fields := strings.Fields(line)
		if len(fields) != 6 || fields[5][0] != '/' || fields[1] != "r-xp" && !(fixed && fields[1] == "r--p") {
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

const etExec = 2

// isFixed tells whether a program is linked to run at one address, and so needs no
// relocation: e_type is ET_EXEC (elf(5); package debug/elf would cost every start).
func isFixed(path string) bool {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var head [20]byte
	n, err := unix.Pread(fd, head[:], 0)
	return err == nil && n == len(head) && binary.NativeEndian.Uint16(head[16:]) == etExec
}
