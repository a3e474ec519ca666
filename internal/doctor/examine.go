package doctor

import (
	"fmt"
	"os"
	"time"

	"unc/internal/netplumb"
	"unc/internal/nsexec"
	"unc/internal/record"
	"unc/internal/userns"
)

// Visit is who comes, and what only the command line knows how to do.
type Visit struct {
	// As makes a sentence about the user whose containers these would be. NoUser is why root
	// becomes nobody: then only what does not depend on a user is looked at.
	As     func() string
	NoUser error

	// Checkup asks net-setup.
	Checkup func() (*netplumb.Checkup, error)
}

// machine is what is looked at; tests put their own in its place.
type machine struct {
	visit    Visit
	root     string // of the files that are read; empty is the machine's own
	settings userns.Settings
	uid, gid int
	release  func() (string, error)
	filters  func() error           // whether the kernel filters system calls
	where    func() (string, error) // records are
	start    func(*nsexec.Spec) (container, error)
	patience time.Duration
}

// patience is how long all checks may take; some milliseconds are usual.
const patience = 3 * time.Second

// Examine makes all checks. It returns within a few seconds, whatever is wrong.
func Examine(v Visit) []Finding {
	m := &machine{
		visit: v, settings: userns.Read, uid: os.Geteuid(), gid: os.Getegid(), where: record.Where,
		release: kernelRelease, filters: kernelFilters, start: startContainer, patience: patience,
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
	if m.visit.NoUser == nil {
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
	if m.visit.NoUser != nil {
		return []Finding{found("user", Problem, m.visit.NoUser)}
	}
	return []Finding{fine("user", m.visit.As())}
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
	late := time.NewTimer(m.patience)
	defer late.Stop()
	var list []Finding
	isLate := false
	for i, c := range checks {
		if isLate {
			select {
			case found := <-answers[i]:
				list = append(list, found...)
				continue
			default:
			}
		} else {
			select {
			case found := <-answers[i]:
				list = append(list, found...)
				continue
			case <-late.C:
				isLate = true
			}
		}
		list = append(list, found(c.name, Problem, fmt.Errorf("this could not be found out within %v", m.patience)))
	}
	refer(list)
	return list
}
