package policy

import (
	"errors"
	"fmt"
	"io/fs"
)

// File is where the administrator says it.
const File = "/etc/unc/network.conf"

// files are where everything that decides comes from. Tests have their own.
type files struct {
	policy  string // may be missing
	flannel string // read when policy says so
	owner   uint32 // whose those two must be

	passwd, group     string // passwd(5), group(5)
	machineID, bootID string // machine-id(5), proc_sys_kernel(5)
	disableIPv6       string // Documentation/networking/ip-sysctl.rst
}

// Load returns the policy of this machine. Its errors name file and line, and
// have a hint where there is a way out.
//
// Should: be called with no capability in effect, so that it reads as the caller.
// Mustn't: depend on anything that the caller controls.
func Load() (*Policy, error) {
	return load(files{
		policy:      File,
		flannel:     "/run/flannel/subnet.env",
		owner:       0,
		passwd:      "/etc/passwd",
		group:       "/etc/group",
		machineID:   "/etc/machine-id",
		bootID:      "/proc/sys/kernel/random/boot_id",
		disableIPv6: "/proc/sys/net/ipv6/conf/all/disable_ipv6",
	})
}

func load(from files) (*Policy, error) {
	text, err := readTrusted(from.policy, from.owner)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	s, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading %q, %w", from.policy, err)
	}
	return s.resolve(from)
}

// resolve looks up what the settings only name.
func (s *Settings) resolve(from files) (*Policy, error) {
	p := s.policy
	if s.flannel {
		if err := followFlannel(&p, from); err != nil {
			return nil, s.blame(from, "SUBNET", err)
		}
	}
	if len(s.allow) > 0 {
		if err := resolveAllow(&p, s.allow, from); err != nil {
			return nil, s.blame(from, "ALLOW", err)
		}
	}
	if err := resolveSubnet6(&p, s.deriveSubnet6, from); err != nil {
		return nil, err
	}
	return &p, nil
}

// blame is for what turns out to be wrong only when a line is acted upon.
func (s *Settings) blame(from files, key string, err error) error {
	return fmt.Errorf("reading %q, line %d: %s: %w", from.policy, s.lines[key], key, err)
}
