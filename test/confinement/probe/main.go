package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"unc/test/confinement"
)

// self executes this program again, wherever it lies.
const self = "/proc/self/exe"

// patience is how long one try may take.
const patience = 20 * time.Second

func main() {
	// What a try changes about its thread, it finds changed in the next call.
	runtime.LockOSThread()
	var err error
	switch all := tries(); {
	case len(os.Args) == 1:
		if err = noteDescriptors(); err == nil {
			err = tryAll(all)
		}
	case len(os.Args) == 3 && os.Args[1] == "try":
		var n int
		if n, err = strconv.Atoi(os.Args[2]); err == nil && n >= 0 && n < len(all) {
			fmt.Print(outcome(all[n].do()))
		}
	case len(os.Args) == 3 && os.Args[1] == "help":
		err = help(os.Args[2])
	default:
		err = errors.New("usage: probe")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func tries() []try {
	var all []try
	for _, part := range []func() []try{
		identityTries, capabilityTries, adminCapabilityTries, gainTries,
		mountTries, namespaceTries, processTries, kernelTries, personalityTries, foreignTries, newerTries,
		maskTries, mountedTries, deviceTries, terminalTries,
		socketTries, networkTries,
	} {
		all = append(all, part()...)
	}
	return all
}

// tryAll has each try made by a process of its own.
func tryAll(all []try) error {
	for n, t := range all {
		said, err := inProcess(n)
		if err != nil {
			return fmt.Errorf("trying to %s %s: %w", t.verb, t.object, err)
		}
		fmt.Println(confinement.Result{Group: t.group, Verb: t.verb, Object: t.object, Outcome: said})
	}
	return nil
}

// inProcess makes try n in a process of its own and tells what came of it.
func inProcess(n int) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "try", strconv.Itoa(n))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// Without a terminal there is none to hang up, nor to type into.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var failed *exec.ExitError
	switch status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus); {
	case err == nil && stdout.Len() > 0:
		return stdout.String(), nil
	case !errors.As(err, &failed):
		return "", err
	case status.Signaled():
		return fmt.Sprintf("killed (%s)", unix.SignalName(status.Signal())), nil
	default:
		// The Go runtime catches what it can, and ends with a name and a stack.
		if name := regexp.MustCompile(`\bSIG[A-Z]+\b`).FindString(stderr.String()); name != "" {
			return fmt.Sprintf("killed (%s)", name), nil
		}
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
}
