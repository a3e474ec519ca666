package cgroup

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// controllersOfLimits are all that any limit needs.
func controllersOfLimits() []string { return []string{"cpu", "cpuset", "memory", "pids"} }

// Survey tells where New would make a group with all kinds of limits, without making or
// changing anything: a sentence. The error says what is missing for one limit at least, and
// its hints what root does about it.
func Survey() (string, error) { return machine().survey() }

func (s *site) survey() (string, error) {
	needed := controllersOfLimits()
	h, err := s.find()
	if err != nil {
		return "", s.explainNone(err)
	}
	if err := s.offers(h, needed); err != nil {
		return "", err
	}
	dir, refused := s.delegated(h, needed, couldEnable)
	if refused == nil {
		return fmt.Sprintf("the control group %q is this user's", dir), nil
	}
	if err := s.askForSystemd(h, needed); err != nil {
		return "", s.explain(h, needed, refused, err)
	}
	return "this user's systemd makes scopes for them", nil
}

// couldEnable tells what enable would say.
func couldEnable(dir string, needed []string) error {
	enabled, missing, err := controllers(dir, needed)
	if err != nil || len(missing) == 0 {
		return err
	}
	if err := unix.Access(dir+"/cgroup.subtree_control", unix.W_OK); err != nil {
		return fmt.Errorf("opening %q: %w", dir+"/cgroup.subtree_control", err)
	}
	processes, err := words(dir + "/cgroup.procs")
	if err != nil {
		return err
	}
	// The kernel refuses only the first controller: with one, there can be no processes.
	if len(processes) > 0 && len(enabled) == 0 && !isRoot(dir) {
		return explainBusy(dir, unix.EBUSY)
	}
	return nil
}

// askForSystemd tells whether scope has somebody to ask, who has these controllers. It
// does not ask, for systemd may take its time to answer.
func (s *site) askForSystemd(h *hierarchy, needed []string) error {
	switch {
	case !s.isBooted():
		return errNoSystemd
	case len(s.buses) == 0:
		return errNoBus
	}
	// systemd.special(7): the user's manager runs in user@UID.service, which has what it can hand on.
	user := strconv.Itoa(s.uid)
	dir := h.dir("/user.slice/user-" + user + ".slice/user@" + user + ".service")
	available, err := words(dir + "/cgroup.controllers")
	if errors.Is(err, unix.ENOENT) {
		return errNoBus // the socket is one that nobody listens at
	}
	if err != nil {
		return err
	}
	if lacking := lackOf(needed, available); len(lacking) > 0 {
		return &shortage{dir: dir, controllers: lacking}
	}
	return nil
}

// Lacking are the limits that an error of Survey's is about; nil when it is about all.
func Lacking(err error) []string {
	var lacks *shortage
	if !errors.As(err, &lacks) || len(lacks.controllers) == len(controllersOfLimits()) {
		return nil
	}
	var names []string
	for _, controller := range slices.Sorted(slices.Values(lacks.controllers)) {
		names = append(names, limitedBy(controller))
	}
	return names
}
