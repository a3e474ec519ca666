package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// maxDevices is how many entries a directory of devices may have, with all below it.
const maxDevices = 4096

// checkDeviceDir wants nothing but devices in a directory, and one of them that the
// caller may open: it is mounted without nodev, and should not be used to show
// other files. The others of them nobody inside can open, as he can't outside.
func checkDeviceDir(dir string) error {
	entries, usable := 0, false
	var refused string // a device that the caller may not open
	// A link to a directory is not followed by WalkDir, but where it begins.
	err := filepath.WalkDir(dir+"/", func(path string, entry os.DirEntry, err error) error {
		if entries++; entries > maxDevices {
			return fmt.Errorf("%q has more than %d entries", dir, maxDevices)
		}
		switch {
		case errors.Is(err, os.ErrPermission):
			return hint.With(fmt.Errorf("you may not read %q", path), whoMay(path))
		case err != nil:
			return fmt.Errorf("looking at %q: %w", path, err)
		case entry.IsDir(), entry.Type()&os.ModeSymlink != 0:
		case entry.Type()&os.ModeDevice == 0:
			return fmt.Errorf("%q, which is no device, is in %q", path, dir)
		case unix.Access(path, unix.R_OK) == nil, unix.Access(path, unix.W_OK) == nil:
			usable = true
		default:
			refused = path
		}
		return nil
	})
	switch {
	case err != nil || usable:
		return err
	case refused == "":
		return fmt.Errorf("there is no device in %q", dir)
	}
	var st unix.Stat_t
	if err := unix.Stat(refused, &st); err != nil {
		return fmt.Errorf("looking at %q: %w", refused, err)
	}
	return mayNot("open", refused, 0o060, &st)
}
