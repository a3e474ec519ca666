package cgroup

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// what names the limits for a message.
func (l *Limits) what() string {
	names := l.controllers()
	for i, name := range names {
		names[i] = limitedBy(name)
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return names[0]
}

// limitedBy is what a controller limits.
func limitedBy(controller string) string {
	switch controller {
	case "cpu":
		return "processor time"
	case "cpuset":
		return "processors"
	case "pids":
		return "processes"
	}
	return controller
}

// noV1 makes all of cgroup v2 after a reboot.
func (s *site) noV1() string {
	parameter := "cgroup_no_v1=all"
	if s.isBooted() {
		parameter = "systemd.unified_cgroup_hierarchy=1"
	}
	return parameter + "    # added to the kernel's command line, it makes all of cgroup v2 at the next boot"
}

// explainNone says what to do about a machine without cgroup v2.
func (s *site) explainNone(err error) error {
	if errors.Is(err, errNoV2) {
		return hint.With(fmt.Errorf("%w, and only that can be handed to users", err), s.noV1())
	}
	return err
}

// offers refuses controllers that nobody on this machine can have in cgroup v2.
func (s *site) offers(h *hierarchy, needed []string) error {
	var v1 []string
	for _, name := range needed {
		if slices.Contains(h.legacy, name) {
			v1 = append(v1, name)
		}
	}
	if len(v1) > 0 {
		err := fmt.Errorf("this machine has its %s in cgroup v1, which can't be handed to users",
			plural("controller", v1))
		return hint.With(err, s.noV1())
	}
	if !isRoot(h.top) {
		return nil // what is above decides
	}
	there, err := words(h.top + "/cgroup.controllers")
	if err != nil {
		return err
	}
	if lacking := lackOf(needed, there); len(lacking) > 0 {
		err := fmt.Errorf("this kernel has no %s: it was built without, or has it turned off on its command line",
			plural("controller", lacking))
		return hint.With(err, "cgroup_enable="+strings.Join(lacking, ",")+"    # added to the kernel's command line, undoes cgroup_disable= there")
	}
	return nil
}

// isRoot tells whether a group is the root of the hierarchy and not only of what is
// in sight: that one has no type.
func isRoot(dir string) bool {
	var st unix.Stat_t
	return errors.Is(unix.Stat(dir+"/cgroup.type", &st), unix.ENOENT)
}

// isBooted is sd_booted(3).
func (s *site) isBooted() bool {
	var st unix.Stat_t
	return unix.Lstat(s.run+"/systemd/system", &st) == nil
}

func plural(noun string, names []string) string {
	if len(names) > 1 {
		noun += "s"
	}
	return noun + " " + strings.Join(names, " and ")
}

// explain says why neither way could be gone: refused is about the delegated groups,
// err about systemd.
func (s *site) explain(h *hierarchy, needed []string, refused, err error) error {
	var lacks *shortage
	switch {
	case errors.Is(err, errNoSystemd) && errors.As(refused, &lacks):
		return hint.With(refused, enableCommand(h, lacks))
	case errors.Is(err, errNoSystemd) && errors.Is(refused, errNotDelegated):
		return hint.With(fmt.Errorf("%w, and %w", refused, err), s.delegateCommand(h, needed))
	case errors.Is(err, errNoSystemd):
		return refused
	case errors.Is(err, errNoBus):
		user := strconv.Itoa(s.uid)
		return hint.With(fmt.Errorf("%w; %w", refused, err),
			"sudo loginctl enable-linger "+user+"    # starts it, and keeps it running",
			"sudo apt-get install dbus-user-session    # where it runs, but /run/user/"+user+"/bus is missing")
	case errors.As(err, &lacks):
		err = fmt.Errorf("systemd does not hand the %s to users: %w", plural("controller", lacks.controllers), err)
		return hint.With(err, delegateDropIn)
	}
	return err
}

// delegateDropIn makes systemd hand all controllers that unc can use to users.
const delegateDropIn = `sudo mkdir -p /etc/systemd/system/user@.service.d && ` +
	`printf '[Service]\nDelegate=cpu cpuset io memory pids\n' | sudo tee /etc/systemd/system/user@.service.d/delegate.conf && ` +
	`sudo systemctl daemon-reload    # then log out of all sessions and in again`

// enableCommand gives a group that is the user's the controllers that it lacks, from
// the topmost group down.
func enableCommand(h *hierarchy, lacks *shortage) string {
	dirs := []string{h.top}
	below := strings.Trim(strings.TrimPrefix(lacks.dir, h.top), "/")
	if i := strings.LastIndex(below, "/"); i >= 0 {
		for part := range strings.SplitSeq(below[:i], "/") {
			dirs = append(dirs, dirs[len(dirs)-1]+"/"+part)
		}
	}
	for i, dir := range dirs {
		dirs[i] = hint.Quote(dir)
	}
	script := fmt.Sprintf(`for group; do echo "+%s" >"$group/cgroup.subtree_control" || exit; done`, strings.Join(lacks.controllers, " +"))
	return "sudo sh -c " + hint.Quote(script) + " sh " + strings.Join(dirs, " ")
}

// delegateCommand makes a group for the user, as "Model of Delegation" in
// cgroup-v2.rst has it, and moves the shell that it is typed into to one below.
func (s *site) delegateCommand(h *hierarchy, needed []string) string {
	controllers := needed
	if there, err := words(h.top + "/cgroup.controllers"); err == nil {
		// All of them at once: the next start may have other limits.
		controllers = slices.DeleteFunc(controllersOfLimits(), func(name string) bool { return !slices.Contains(there, name) })
	}
	script := fmt.Sprintf(`cd %[1]s && g=unc-%[2]d && mkdir -p $g/shell && `+
		`for d in . $g; do echo "+%[3]s" >$d/cgroup.subtree_control || exit; done && `+
		`chown %[2]d $g $g/cgroup.procs $g/cgroup.subtree_control $g/cgroup.threads && echo $0 >$g/shell/cgroup.procs`,
		hint.Quote(h.top), s.uid, strings.Join(controllers, " +"))
	return "sudo sh -c " + hint.Quote(script) + " $$    # hands a control group to you, and moves this shell into it"
}

// explainMkdir makes a sentence of the limits on groups themselves.
func explainMkdir(err error) error {
	if errors.Is(err, unix.EAGAIN) {
		return fmt.Errorf("a limit on the number or the depth of control groups above is reached (cgroup.max.descendants, cgroup.max.depth): %w", err)
	}
	return err
}
