package nsexec

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// survey is what a command finds out about its files and about itself.
type survey struct {
	Dir     string            // the working directory
	Files   map[string]string // all but those in /proc and /sys, and what they are
	Written []string          // directories in which a file could be made
	Mounts  map[string]mount  // by where they are; of several, the topmost

	Self, Init map[string]string // of itself and of pid 1, as proc_pid_status(5) has it

	Priority    unix.Errno  // of getpriority(2), which nothing here needs
	DeathSignal unix.Signal // what comes when the parent dies
}

// deathSignal is read before main, because it is the main thread's alone, and every
// goroutine but this one may be elsewhere (PR_GET_PDEATHSIG(2const)).
var deathSignal int32

func init() {
	if os.Getenv(childVariable) == "survey" {
		_ = unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&deathSignal)), 0, 0, 0)
	}
}

// newFile is made wherever a command can make one.
const newFile = "made-inside"

func childSurveys() (err error) {
	s := survey{Files: map[string]string{}, Mounts: map[string]mount{}, Self: status("self"), Init: status("1"), DeathSignal: unix.Signal(deathSignal)}
	if s.Dir, err = os.Getwd(); err != nil {
		return err
	}
	var dirs []string
	err = filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
		switch {
		case path == "/proc", path == "/sys":
			return fs.SkipDir
		case errors.Is(err, fs.ErrPermission):
			return nil
		case err != nil:
			return err
		case d.IsDir():
			dirs = append(dirs, path)
		}
		s.Files[path], err = describe(path, d)
		return err
	})
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if os.WriteFile(filepath.Join(dir, newFile), nil, 0o644) == nil {
			s.Written = append(s.Written, dir)
		}
	}
	for _, fields := range fieldsOf("/proc/self/mountinfo") {
		rest := fields[6:]
		for rest[0] != "-" {
			rest = rest[1:]
		}
		s.Mounts[fields[4]] = mount{fields[4], rest[1], fields[5]}
	}
	if _, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err != nil && !errors.As(err, &s.Priority) {
		return err
	}
	return save(s)
}

// describe tells what a file is, and in a word or two what is in it.
func describe(path string, d fs.DirEntry) (string, error) {
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	switch what := info.Mode(); {
	case what&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return "-> " + target, err
	case what.IsRegular() && info.Size() < 100:
		text, err := os.ReadFile(path)
		return string(text), err
	default:
		return what.String(), nil
	}
}

func status(process string) map[string]string {
	fields := map[string]string{}
	for _, line := range fieldsOf("/proc/" + process + "/status") {
		fields[strings.TrimSuffix(line[0], ":")] = strings.Join(line[1:], " ")
	}
	return fields
}
