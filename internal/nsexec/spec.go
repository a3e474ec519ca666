package nsexec

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Spec says what container to make. The caller of Start fills it in.
type Spec struct {
	// Rootfs is the directory that becomes the container's root, with all that
	// is mounted below it. Empty means a throw-away copy of the host's own
	// system: see system.go.
	Rootfs string

	// Hostname of the container, at most 64 letters, digits, dots and dashes (hostname(7)).
	Hostname string

	// Args is the command and its arguments. A command without a slash is
	// looked for in Path, inside the container.
	Args []string

	// Env is the whole environment of the command, "NAME=value" each.
	Env []string

	// Network is where the container is: by default in a network namespace of its own.
	Network Network

	// NoInit makes the command itself pid 1.
	NoInit bool

	// Terminal says which of the descriptors 0, 1 and 2 become the
	// pseudo-terminal that the container gets when any of them does. The
	// others are passed on as they are.
	Terminal [3]bool
}

// Path is where commands are looked for inside a container.
const Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func (s *Spec) wantsTerminal() bool { return s.Terminal[0] || s.Terminal[1] || s.Terminal[2] }

const hostnameLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"

// validate refuses what can't be handed to the kernel.
func (s *Spec) validate() error {
	for _, list := range [][]string{s.Args, s.Env, {s.Rootfs, s.Hostname}} {
		for _, text := range list {
			if strings.IndexByte(text, 0) >= 0 {
				return fmt.Errorf("%q contains a zero byte", text)
			}
		}
	}
	switch {
	case len(s.Args) == 0 || s.Args[0] == "":
		return errors.New("there is no command to run")
	case s.Network < 0 || s.Network >= networkCount:
		return fmt.Errorf("there is no kind of network with number %d", s.Network)
	case s.Hostname == "" || len(s.Hostname) > 64:
		return fmt.Errorf("the hostname %q is not 1 to 64 bytes long", s.Hostname)
	case strings.Trim(s.Hostname, hostnameLetters) != "" || s.Hostname[0] == '-' || s.Hostname[0] == '.':
		return fmt.Errorf("the hostname %q is not made of letters, digits, dots and dashes (hostname(7))", s.Hostname)
	}
	return s.checkDescriptors()
}

// checkDescriptors refuses directories on 0, 1 and 2: through one of them the
// command could walk the host's files with "..".
func (s *Spec) checkDescriptors() error {
	for fd := range s.Terminal {
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
