package caps

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What this package does to a process can't be undone, so it is done to a child:
// the test binary, executed again with the name of what to do in the
// environment. The child looks at itself through /proc, not through this
// package, and reports what it saw as JSON.

const (
	childVariable = "UNC_CAPS_TEST"
	childID       = 61003 // of nobody in particular
)

// report is what a child saw.
type report struct {
	Before, After []thread // all threads, before and after what the child did
	Raised        []thread // all threads while the capability is raised
	Inside        thread   // the thread that it is raised on, meanwhile
	Dumpable      int
	Returned      string            // the error of what the child did
	Attempts      map[string]string // to regain something, and what came of each
}

// thread is the part of proc_pid_status(5) that says what a thread may do.
type thread struct {
	UID, GID, Groups               string
	CapInh, CapPrm, CapEff, CapAmb string
}

var childActions = map[string]func(*report){
	"give up":           childGivesUp,
	"hold":              childHolds,
	"raise":             childRaises,
	"raise and panic":   childRaisesAndPanics,
	"raise with no cap": func(r *report) { r.Returned = text(Raise(func() error { return nil })) },
	"become": func(r *report) {
		r.Returned = text(errors.Join(GiveUp(), Become(childID, childID)))
		r.Attempts = attempts()
	},
}

func TestMain(m *testing.M) {
	if name, asked := os.LookupEnv(childVariable); asked {
		runChild(name)
		return
	}
	os.Exit(m.Run())
}

func runChild(name string) {
	var r report
	idle(8)
	r.Before = threads()
	childActions[name](&r)
	idle(8) // threads made afterwards must be no better
	r.After = threads()
	r.Dumpable, _ = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		panic(err)
	}
}

func childGivesUp(r *report) {
	// As the kernel starts a program with a file capability.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		panic(err)
	}
	r.Returned = text(GiveUp())
	r.Attempts = attempts()
}

func childHolds(r *report) {
	// As it is when the caller had the capability himself.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	r.Returned = text(Hold())
}

var errRaised = errors.New("the closure's own error")

func childRaises(r *report) {
	if err := Hold(); err != nil {
		panic(err)
	}
	r.Returned = text(Raise(func() error {
		r.Inside = threadStatus("/proc/thread-self")
		// Clones made now come from other threads, which have nothing in effect.
		idle(32)
		r.Raised = threads()
		return errRaised
	}))
}

func childRaisesAndPanics(r *report) {
	if err := Hold(); err != nil {
		panic(err)
	}
	defer func() { r.Returned = fmt.Sprint(recover()) }()
	_ = Raise(func() error { panic("in the closure") })
}

// attempts tries on a new thread what could bring a capability back.
func attempts() map[string]string {
	tried := make(chan map[string]string)
	go func() {
		runtime.LockOSThread()
		header, data := state{effective: netAdmin, permitted: netAdmin, inheritable: netAdmin}.encode()
		tried <- map[string]string{
			"capset":  text(unix.Capset(&header, &data[0])),
			"ambient": text(unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_NET_ADMIN, 0, 0)),
			"setuid":  text(unix.Setresuid(0, 0, 0)),
			"setgid":  text(unix.Setresgid(0, 0, 0)),
		}
	}()
	return <-tried
}

// idle makes n threads that stay until the end.
func idle(n int) {
	ready := make(chan bool)
	for range n {
		go func() {
			runtime.LockOSThread()
			ready <- true
			select {}
		}()
	}
	for range n {
		<-ready
	}
}

func threads() []thread {
	paths, err := filepath.Glob("/proc/self/task/*")
	if err != nil {
		panic(err)
	}
	var list []thread
	for _, path := range paths {
		list = append(list, threadStatus(path))
	}
	return list
}

func threadStatus(path string) thread {
	f, err := os.Open(path + "/status")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	var t thread
	fields := map[string]*string{
		"Uid": &t.UID, "Gid": &t.GID, "Groups": &t.Groups,
		"CapInh": &t.CapInh, "CapPrm": &t.CapPrm, "CapEff": &t.CapEff, "CapAmb": &t.CapAmb,
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if into := fields[name]; into != nil {
			*into = strings.Join(strings.Fields(value), " ")
		}
	}
	return t
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
