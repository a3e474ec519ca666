package doctor

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"unc/internal/idmap"
	"unc/internal/netplumb"
	"unc/internal/nsexec"
	"unc/internal/record"
	"unc/internal/userns"
)

// Options are what only the command line knows: who would have the containers, and how
// net-setup is started.
type Options struct {
	// As makes a sentence about the user whose containers these would be. NoUser is why root
	// becomes nobody: then only what does not depend on a user is looked at.
	As     func() string
	NoUser error

	// Checkup asks net-setup.
	Checkup func() (*netplumb.Checkup, error)
}

// machine is what is looked at; tests put their own in its place.
type machine struct {
	options  Options
	root     string // of the files that are read; empty is the machine's own
	settings userns.Settings
	uid, gid int
	release  func() (string, error)
	filters  func() error              // whether the kernel filters system calls
	where    func() (string, error)    // records are
	ids      func() (idmap.Map, error) // with the user's subordinate ones
	start    func(*nsexec.Spec) (container, error)
	patience time.Duration
}

// patience is how long all checks may take; some milliseconds are usual.
const patience = 3 * time.Second

// Examine makes all checks. It returns within a few seconds, whatever is wrong.
func Examine(o Options) []Finding {
	uid, gid := os.Geteuid(), os.Getegid()
	m := &machine{
		options: o, settings: userns.Read, uid: uid, gid: gid, where: record.Where,
		release: kernelRelease, filters: kernelFilters, start: startContainer, patience: patience,
		// For two checks, and a directory service may take its time.
		ids: sync.OnceValues(func() (idmap.Map, error) { return idmap.Subordinate(uint32(uid), uint32(gid), 0, 0) }),
	}
	return m.examine(m.checks())
}

// check is one thing to look at. Most have one finding, of the check's name.
type check struct {
	name string
	look func() []Finding
}

// checks are in the order in which one thing stands on another, so that the first problem
// is the one to begin with.
func (m *machine) checks() []check {
	list := []check{
		{"user", m.user},
		{"kernel", m.kernel},
		{"file-capability", m.fileCapability},
		{"user-namespaces", m.userNamespaces},
		{"namespaces", m.namespaces},
		{"apparmor", m.appArmor},
		{"seccomp", m.seccomp},
		{"modules", m.modules},
		{"ipv6", m.ipv6},
		{"resolver", m.resolver},
	}
	if m.options.NoUser == nil {
		list = append(list, []check{
			{"container", m.container},
			{"net-setup", m.network},
			{"subordinate-ids", m.subordinateIDs},
			{"limits", m.limits},
			{"records", m.records},
		}...)
	}
	return list
}

func (m *machine) user() []Finding {
	if m.options.NoUser != nil {
		return []Finding{found("user", Problem, m.options.NoUser)}
	}
	return []Finding{fine("user", m.options.As())}
}

// examine runs all checks at once, for net-setup takes as long as all the others.
func (m *machine) examine(checks []check) []Finding {
	answers := make([]chan []Finding, len(checks))
	for i, c := range checks {
		answers[i] = make(chan []Finding, 1)
		go func() {
			defer func() {
				if broken := recover(); broken != nil {
					answers[i] <- []Finding{found(c.name, Problem, fmt.Errorf("this check is broken, which is a bug of unc's: %v", broken))}
				}
			}()
			answers[i] <- c.look()
		}()
	}
	late, cancel := context.WithTimeout(context.Background(), m.patience)
	defer cancel()
	var list []Finding
	for i, c := range checks {
		answer, ok := await(answers[i], late.Done())
		if !ok {
			answer = []Finding{found(c.name, Problem, fmt.Errorf("this could not be found out within %v", m.patience))}
		}
		list = append(list, answer...)
	}
	refer(list)
	return list
}

// await returns the answer of a check that has one when patience is over.
func await(answer <-chan []Finding, late <-chan struct{}) (list []Finding, ok bool) {
	select {
	case list = <-answer:
		return list, true
	case <-late:
	}
	// It is late for all that come after one that hangs, and they may have answered.
	select {
	case list = <-answer:
		return list, true
	default:
		return nil, false
	}
}
