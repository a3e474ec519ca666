package cli

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// forgetProgram lets go of the pages of unc's own file that the start has
// touched, most of the memory of a supervisor that from here on only waits.
// They come back from the page cache where they are needed (MADV_DONTNEED on a
// private file mapping, madvise(2)). Only what nobody has written to: where there
// are relocations, that leaves read-only data out.
func forgetProgram() {
	maps, err := rawio.ReadFile("/proc/self/maps", 1<<20)
	if err != nil {
		return // it is only memory
	}
	list := fileMappings(string(maps))
	untouched := isFixed("/proc/self/exe") && !slices.ContainsFunc(list, func(m mapping) bool { return m.path != list[0].path })
	for _, m := range list {
		if m.perms == "r-xp" || untouched && m.perms == "r--p" {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
		}
	}
}

// mapping is a part of a file in this process's memory.
type mapping struct {
	start, end  uintptr
	perms, path string
}

// fileMappings reads proc_pid_maps(5): start-end perms offset dev inode path.
func fileMappings(maps string) (list []mapping) {
	for line := range strings.Lines(maps) {
		fields := strings.Fields(line)
		if len(fields) != 6 || fields[5][0] != '/' {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil {
			list = append(list, mapping{uintptr(start), uintptr(end), fields[1], fields[5]})
		}
	}
	return list
}

const etExec = 2

// isFixed tells whether a program is linked to run at one address, and so, if it uses no
// libraries, needs no relocation: e_type is ET_EXEC (elf(5); package debug/elf would cost every start).
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
