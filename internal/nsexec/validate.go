package nsexec

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const hostnameLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"

// validate refuses what can't be handed to the kernel.
func (s *Spec) validate() error {
	texts := []string{s.Rootfs, s.Hostname}
	for _, m := range s.Mounts {
		texts = append(texts, m.Source, m.Target, m.Size)
	}
	if err := refuseZeroBytes(texts); err != nil {
		return err
	}
	if err := s.validateCommand(); err != nil {
		return err
	}
	switch {
	case s.Network < 0 || s.Network >= networkCount:
		return fmt.Errorf("there is no kind of network with number %d", s.Network)
	case s.Hostname == "" || len(s.Hostname) > 64:
		return fmt.Errorf("the hostname %q is not 1 to 64 bytes long", s.Hostname)
	case strings.Trim(s.Hostname, hostnameLetters) != "" || s.Hostname[0] == '-' || s.Hostname[0] == '.':
		return fmt.Errorf("the hostname %q is not made of letters, digits, dots and dashes (hostname(7))", s.Hostname)
	case len(s.Filter) > unix.BPF_MAXINSNS:
		return fmt.Errorf("the filter has %d instructions, and %d are the most (seccomp(2))", len(s.Filter), unix.BPF_MAXINSNS)
	case len(s.Mounts) > maxMounts:
		return fmt.Errorf("%d mounts are asked for, and %d are the most", len(s.Mounts), maxMounts)
	}
	for _, m := range s.Mounts {
		if err := m.validate(); err != nil {
			return err
		}
	}
	if err := s.checkJoin(); err != nil {
		return err
	}
	return refuseDirectories([]int{0, 1, 2})
}

// validateCommand refuses what can't be handed to the kernel of a command, be it the
// container's first or a later one.
func (s *Spec) validateCommand() error {
	if err := refuseZeroBytes(slices.Concat(s.Args, s.Env, []string{s.Workdir})); err != nil {
		return err
	}
	switch {
	case len(s.Args) == 0 || s.Args[0] == "":
		return errors.New("there is no command to run")
	case s.Ambient&^s.Capabilities != 0:
		return fmt.Errorf("%s is to be ambient, and is none of the container's capabilities", strings.Join((s.Ambient&^s.Capabilities).Names(), ", "))
	}
	if s.Workdir != "" && s.Workdir != "/" {
		if err := checkInside("start in", s.Workdir); err != nil {
			return err
		}
	}
	return s.checkIdentity()
}

func refuseZeroBytes(texts []string) error {
	for _, text := range texts {
		if strings.IndexByte(text, 0) >= 0 {
			return fmt.Errorf("%q contains a zero byte", text)
		}
	}
	return nil
}

// checkIdentity refuses who does not exist inside.
func (s *Spec) checkIdentity() error {
	if _, ok := s.IDs.InsideUID(uint32(os.Geteuid())); !ok {
		return fmt.Errorf("uid %d, the caller's, is none of the container's", os.Geteuid())
	}
	if _, ok := s.IDs.InsideGID(uint32(os.Getegid())); !ok {
		return fmt.Errorf("gid %d, the caller's, is none of the container's", os.Getegid())
	}
	_, hasUID := s.IDs.UID(s.User.UID)
	if _, hasGID := s.IDs.GID(s.User.GID); !hasUID || !hasGID {
		return fmt.Errorf("there is no uid %d with gid %d in the container", s.User.UID, s.User.GID)
	}
	return nil
}

// refuseDirectories refuses them among what a command gets: through one of them it
// could walk the host's files with "..".
func refuseDirectories(fds []int) error {
	for _, fd := range fds {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return fmt.Errorf("looking at descriptor %d: %w", fd, err)
		}
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return fmt.Errorf("descriptor %d is a directory of the host, which can't be passed into a container", fd)
		}
	}
	return nil
}
