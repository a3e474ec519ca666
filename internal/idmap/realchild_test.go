package idmap

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"unc/internal/hint"
)

// The real newuidmap and newgidmap are tested by a second execution of the test
// binary, as a user without privilege, on a machine whose /etc is the test's.

const (
	requestVariable = "UNC_IDMAP_TEST"
	realUID         = 61003 // of nobody in particular
	realGID         = 61004
)

// request is what the child is to do, and answer what came of it.
type request struct {
	InsideUID, InsideGID uint32
	Forged               *Map // to be written in place of what Subordinate says
	NoNewPrivs           bool
}

type answer struct {
	Map    Map
	None   string // why there is no map, and the way out
	Hints  []string
	Failed string // why it could not be written

	UIDMap, GIDMap, SetGroups string // what the kernel says of the namespace then
}

func TestMain(m *testing.M) {
	if text, asked := os.LookupEnv(requestVariable); asked {
		var r request
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			panic(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(r.answer()); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

func (r request) answer() (a answer) {
	runtime.LockOSThread() // no_new_privs is a thread's
	if r.NoNewPrivs {
		must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	}
	var err error
	if a.Map, err = Subordinate(uint32(os.Getuid()), uint32(os.Getgid()), r.InsideUID, r.InsideGID); err != nil {
		a.None, a.Hints = err.Error(), hint.Of(err)
		if r.Forged == nil {
			return a
		}
	}
	m := a.Map
	if r.Forged != nil {
		m = *r.Forged
	}
	pid, end := sleeper()
	defer end()
	w, err := m.Begin(pid)
	if err == nil {
		err = w.Wait()
	}
	if err != nil {
		a.Failed = err.Error()
	}
	a.UIDMap, a.GIDMap, a.SetGroups = proc(pid, "uid_map"), proc(pid, "gid_map"), proc(pid, "setgroups")
	return a
}

// sleeper starts a process in a user namespace of its own, which waits to be ended.
func sleeper() (pid int, end func()) {
	cmd := exec.Command("/bin/cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
	stdin, err := cmd.StdinPipe()
	must(err)
	must(cmd.Start())
	return cmd.Process.Pid, func() {
		must(stdin.Close())
		must(cmd.Wait())
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// proc reads a file of a process as words with single spaces.
func proc(pid int, name string) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil && !errors.Is(err, unix.EACCES) {
		panic(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}
