package cli

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"unc/internal/nsexec"
)

// fileFlags choose what a container has of the host's files, and what it may change.
type fileFlags struct {
	Volume    []string `short:"v" sep:"none" placeholder:"SRC:DST[:OPTIONS]"`
	Mount     []string `sep:"none" placeholder:"type=TYPE,..."`
	Tmpfs     []string `sep:"none" placeholder:"DST[:OPTIONS]"`
	Device    []string `sep:"none" placeholder:"SRC[:DST]"`
	ReadOnly  bool     `name:"read-only"`
	Ephemeral bool     `short:"x"`
	Workdir   string   `short:"w" placeholder:"DIR"`

	mounts []fileMount // what the first four say
}

// fileMount is what one argument asks for.
type fileMount struct {
	nsexec.Mount
	flag, argument string // as they were given, for messages
	access         string // of a device: what may be done with it, of "rwm"; empty: all that the caller may
}

// Validate reads the flags. Nothing is looked at on the host yet: root, who becomes
// somebody else first, could see more than that user.
func (f *fileFlags) Validate() error {
	for _, flag := range []struct {
		name   string
		values []string
		parse  func(string) (fileMount, error)
	}{
		{"--volume", f.Volume, parseVolume},
		{"--mount", f.Mount, parseMount},
		{"--tmpfs", f.Tmpfs, parseTmpfs},
		{"--device", f.Device, parseDevice},
	} {
		for _, text := range flag.values {
			m, err := flag.parse(text)
			m.flag, m.argument = flag.name, text
			if err == nil {
				err = f.add(m)
			}
			if err != nil {
				return about(m.flag, m.argument, err)
			}
		}
	}
	if err := checkWorkdir(f.Workdir); err != nil {
		return err
	}
	return nil
}

// add takes a mount whose target is free.
func (f *fileFlags) add(m fileMount) error {
	if err := checkTarget(m.Target); err != nil {
		return err
	}
	m.Target = path.Clean(m.Target)
	for _, other := range f.mounts {
		if m.Target == other.Target {
			return fmt.Errorf("%s %q is mounted on %q as well", other.flag, other.argument, m.Target)
		}
	}
	f.mounts = append(f.mounts, m)
	return nil
}

// checkTarget refuses what is the container's own. What a link in the rootfs leads to
// is only known inside; there the path stays in the container, whatever it is.
func checkTarget(target string) error {
	clean := path.Clean(target)
	switch {
	case target == "":
		return errors.New("it names no path inside the container to mount on")
	case !path.IsAbs(target):
		return fmt.Errorf("%q is not an absolute path inside the container", target)
	case clean == "/":
		return errors.New("the container's root is not mounted over; --rootfs names another")
	case clean == "/proc", strings.HasPrefix(clean, "/proc/"):
		return fmt.Errorf("%q is the container's own: /proc, and all that is in it", target)
	case clean == "/sys", clean == "/dev":
		return fmt.Errorf("%q is the container's own; only what is in it can be mounted over", target)
	}
	return nil
}

// apply adds to spec what the flags say, after a look at each source: what can't be
// mounted is found out here, with a way out, and not halfway into a container. It goes
// by spec.IDs, and by who the process is now.
func (f *fileFlags) apply(spec *nsexec.Spec) error {
	for _, m := range f.mounts {
		var err error
		switch m.Kind {
		case nsexec.Bind:
			err = checkSource(m.Source, spec.IDs)
		case nsexec.Device:
			err = checkDevice(m.Source, m.access)
		}
		if err != nil {
			return about(m.flag, m.argument, err)
		}
		spec.Mounts = append(spec.Mounts, m.Mount)
	}
	spec.ReadOnly, spec.Ephemeral = f.ReadOnly, f.Ephemeral
	if f.Workdir != "" && path.Clean(f.Workdir) != "/" {
		spec.Workdir = path.Clean(f.Workdir)
	}
	return nil
}

func checkWorkdir(dir string) error {
	if dir != "" && !path.IsAbs(dir) {
		return about("--workdir", dir, errors.New("it is not an absolute path inside the container"))
	}
	return nil
}
