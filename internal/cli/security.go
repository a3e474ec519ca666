package cli

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
	"unc/internal/nsexec"
	"unc/internal/seccomp"
)

// securityFlags choose what a container's command may do.
type securityFlags struct {
	CapAdd      []string `name:"cap-add" placeholder:"NAME"`
	CapDrop     []string `name:"cap-drop" placeholder:"NAME"`
	SecurityOpt []string `name:"security-opt" sep:"none" placeholder:"OPTION"`

	kept    nsexec.Capabilities // those that the command has as root
	added   nsexec.Capabilities // those of them that it has as any user, because somebody asked for them
	profile string              // a file, unconfined, or "" for the default
}

// unconfined is what Docker and podman call no filter.
const unconfined = "unconfined"

// Validate reads the flags. ALL says where to begin, and single names change that, as
// Docker has it.
func (f *securityFlags) Validate() error {
	added, all, err := capabilities("--cap-add", f.CapAdd)
	if err != nil {
		return err
	}
	dropped, none, err := capabilities("--cap-drop", f.CapDrop)
	if err != nil {
		return err
	}
	switch both := added & dropped; {
	case all && none:
		return errors.New("--cap-add ALL and --cap-drop ALL contradict each other")
	case both != 0:
		return fmt.Errorf("--cap-add and --cap-drop contradict each other about %s", both.Names()[0])
	case all:
		f.kept = nsexec.AllCapabilities &^ dropped
		f.added = f.kept
	case none:
		f.kept, f.added = added, added
	default:
		f.kept, f.added = nsexec.DefaultCapabilities&^dropped|added, added
	}
	for _, option := range f.SecurityOpt {
		key, value, _ := strings.Cut(option, "=")
		switch {
		case key == "seccomp" && value != "":
			f.profile = value
		case key == "no-new-privileges" && (value == "" || value == "true"): // it is always so
		case key == "no-new-privileges":
			return about("--security-opt", option, errors.New("no container of unc's can gain privileges"))
		default:
			return about("--security-opt", option, errors.New("the options are seccomp=FILE and seccomp=unconfined"))
		}
	}
	return nil
}

// capabilities reads the names of a flag; ALL is told apart from them.
func capabilities(flag string, names []string) (set nsexec.Capabilities, all bool, err error) {
	for _, name := range names {
		if strings.EqualFold(name, "ALL") {
			all = true
			continue
		}
		c, err := nsexec.ParseCapability(name)
		if err != nil {
			return 0, false, about(flag, name, suggest(name, err))
		}
		set |= c
	}
	return set, all, nil
}

// suggest adds to err which capability was probably meant.
func suggest(name string, err error) error {
	var names []string
	for _, known := range nsexec.AllCapabilities.Names() {
		names = append(names, strings.TrimPrefix(known, "CAP_"))
	}
	if meant := nearest(strings.TrimPrefix(strings.ToUpper(name), "CAP_"), names); meant != "" {
		return hint.With(fmt.Errorf("%w; did you mean %s?", err, meant), hint.Of(err)...)
	}
	return err
}

// filter is the seccomp filter that the flags ask for.
func (f *securityFlags) filter() ([]unix.SockFilter, error) {
	switch f.profile {
	case unconfined:
		return nil, nil
	case "":
		return seccomp.Default(f.kept.Names())
	}
	return seccomp.Load(f.profile, f.kept.Names())
}
