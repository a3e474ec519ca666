package userns

import (
	"errors"
	"fmt"
	"strings"

	"unc/internal/hint"
	"unc/internal/rawio"
)

// Settings reads a kernel setting by its name, as sysctl(8) spells it; "" when this
// kernel has none of that name, or does not show it.
type Settings func(name string) string

// Read is Settings of this machine.
func Read(name string) string {
	text, err := rawio.ReadFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), 4<<10)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// Forbidden tells whether only root may make user namespaces, by a setting that Debian
// has added to its kernels.
func (s Settings) Forbidden() error {
	if s("kernel.unprivileged_userns_clone") != "0" {
		return nil
	}
	return hint.With(errors.New("this system lets only root make user namespaces: kernel.unprivileged_userns_clone is 0"),
		"sudo sysctl -w kernel.unprivileged_userns_clone=1")
}

// Kinds are the namespaces of a container, as their settings call them.
func Kinds() []string { return []string{"user", "net", "mnt", "pid", "uts", "ipc", "cgroup"} }

// Limit is the setting that says how many namespaces of a kind a user may have.
func Limit(kind string) string { return "user.max_" + kind + "_namespaces" }

// TurnedOff tells which of the kinds nobody may have any of.
func (s Settings) TurnedOff(kinds ...string) error {
	for _, kind := range kinds {
		if name := Limit(kind); s(name) == "0" {
			return hint.With(fmt.Errorf("%s namespaces are turned off on this system: %s is 0", kind, name),
				"sudo sysctl -w "+name+"=16384")
		}
	}
	return nil
}
