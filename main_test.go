package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"unc/internal/tier"
)

// The command line is tested by the scripts in testdata/script: what it prints,
// to which stream, and its exit code. They run as any user, with and without
// the capability, and make no container.

// scriptUser is who unc becomes in a script that root runs.
const scriptUser = 61003

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"unc": main})
}

func TestScripts(t *testing.T) {
	tier.NeedAllThreads(t)
	if os.Geteuid() == 0 && !isMapped(t, scriptUser) {
		t.Skipf("root of this user namespace can't become user %d", scriptUser)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			id := strconv.Itoa(scriptUser)
			env.Setenv("SUDO_UID", id)
			env.Setenv("SUDO_GID", id)
			// What a script can't hold.
			env.Setenv("TWO_LINES", "/nonexistent\nunc: all is well")
			env.Setenv("ESCAPE", "\x1b[2J")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
	})
}

// exits CODE COMMAND... runs a command, which must exit with this very code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("got exit code %d, want %d", got, want)
	}
}

// isMapped tells whether this user namespace has such a user (user_namespaces(7)).
func isMapped(t *testing.T, id uint64) bool {
	t.Helper()
	f, err := os.Open("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, outside, count uint64
		if _, err := fmt.Sscan(lines.Text(), &from, &outside, &count); err != nil {
			t.Fatal(err)
		}
		if from <= id && id-from < count {
			return true
		}
	}
	return false
}
