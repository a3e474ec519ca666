package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	"unc/internal/hint"
	"unc/internal/netplumb"
	"unc/internal/rawio"
)

// moduleDirs are where the modules of a kernel are; the last is NixOS's.
var moduleDirs = [...]string{"/lib/modules/", "/usr/lib/modules/", "/run/booted-system/kernel-modules/lib/modules/"}

// maxModules is how much of a list of modules is read, in bytes; Debian's has half a million.
const maxModules = 16 << 20

// modules looks whether the kernel has what bridge, pairs and packet filter take, or
// loads it when the first container asks for it. Which it was built with, it does not say:
// that is in lists beside its modules (depmod(8)).
func (m *machine) modules() []Finding {
	const name = "modules"
	missing := m.notLoaded(netplumb.Modules())
	if len(missing) == 0 {
		return []Finding{fine(name, "bridge, veth and nftables are there")}
	}
	release, err := m.release()
	if err != nil {
		return []Finding{found(name, Problem, err)}
	}
	builtIn, loadable, err := m.lists(release)
	if errors.Is(err, fs.ErrNotExist) {
		return []Finding{m.unlisted(name, release)}
	}
	if err != nil {
		return []Finding{found(name, Problem, err)}
	}
	missing = without(missing, builtIn)
	if len(missing) > 0 && m.settings("kernel.modules_disabled") == "1" {
		return []Finding{found(name, Problem, hint.With(
			fmt.Errorf("no module can be loaded any more, for kernel.modules_disabled is 1, and these are not: %s", strings.Join(missing, ", ")),
			"sudo reboot    # and have them loaded before that is set: /etc/modules-load.d"))}
	}
	missing = without(missing, loadable)
	if len(missing) > 0 {
		return []Finding{found(name, Problem, hint.With(
			fmt.Errorf("the kernel %s has no %s", release, strings.Join(missing, ", ")),
			"sudo apt-get install linux-image-"+runtime.GOARCH+" && sudo reboot    # a kernel that has them; on Ubuntu: sudo apt-get install linux-modules-extra-$(uname -r)"))}
	}
	return []Finding{fine(name, "bridge, veth and nftables are there, or loaded when they are used first")}
}

// notLoaded leaves those that show in /sys/module: all that were loaded, and some that are built in.
func (m *machine) notLoaded(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		_, err := os.Stat(m.root + "/sys/module/" + name)
		return err == nil
	})
}

// unlisted is a kernel that has no lists: one without modules, or one whose modules an
// upgrade has removed while it runs.
func (m *machine) unlisted(name, release string) Finding {
	if _, err := os.Stat(m.root + "/proc/modules"); errors.Is(err, fs.ErrNotExist) {
		return fine(name, "this kernel loads none: what it has is built in, and what it lacks, net-setup says")
	}
	return found(name, Note, hint.With(
		fmt.Errorf("there are no modules of the running kernel, %s: where bridge, veth or nftables are not built in, they can't be loaded", release),
		"sudo reboot    # if the kernel was upgraded since the last time"))
}

// lists reads which modules a kernel has: built in, and to be loaded.
func (m *machine) lists(release string) (builtIn, loadable map[string]bool, err error) {
	for _, dir := range moduleDirs {
		dir = m.root + dir + release
		if builtIn, err = readList(dir + "/modules.builtin"); err == nil {
			loadable, err = readList(dir + "/modules.dep")
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return builtIn, loadable, err
}

func readList(file string) (map[string]bool, error) {
	text, err := rawio.ReadFile(file, maxModules)
	if err != nil {
		return nil, err
	}
	return parseList(string(text)), nil
}

// parseList takes the names of modules out of modules.builtin or modules.dep, which has
// each module's dependencies after a colon (modules.dep(5)):
//
//	kernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz kernel/net/llc/llc.ko.xz
func parseList(text string) map[string]bool {
	names := map[string]bool{}
	for line := range strings.Lines(text) {
		file, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		name, _, isModule := strings.Cut(path.Base(file), ".ko") // .ko, .ko.gz, .ko.xz, .ko.zst
		if isModule && name != "" {
			// The kernel knows no dashes (modprobe(8)).
			names[strings.ReplaceAll(name, "-", "_")] = true
		}
	}
	return names
}

func without(names []string, there map[string]bool) []string {
	return slices.DeleteFunc(names, func(name string) bool { return there[name] })
}
