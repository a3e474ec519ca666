package confinement

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Kernel names the kernel that a list was made on, without what its builder added.
func Kernel() (string, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", err
	}
	version, _, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), "-")
	return unix.ByteSliceToString(u.Sysname[:]) + " " + version, nil
}
