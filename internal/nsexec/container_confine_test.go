package nsexec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// capabilityStatus is the lines of proc_pid_status(5) about capabilities.
func capabilityStatus(inheritable, permitted, effective, bounding, ambient Capabilities) map[string]string {
	line := func(c Capabilities) string { return fmt.Sprintf("%016x", uint64(c)) }
	return map[string]string{
		"CapInh": line(inheritable), "CapPrm": line(permitted), "CapEff": line(effective),
		"CapBnd": line(bounding), "CapAmb": line(ambient), "NoNewPrivs": "1",
	}
}

func pick(all, like map[string]string) map[string]string {
	some := map[string]string{}
	for key := range like {
		some[key] = all[key]
	}
	return some
}

// What the kernel says that a command, and pid 1 beside it, may do.
func TestCommandsCapabilities(t *testing.T) {
	none := Capabilities(0)
	raw := Capabilities(1 << unix.CAP_NET_RAW)
	for _, test := range []struct {
		name   string
		change func(*Spec)
		self   map[string]string
		pid1   Capabilities
	}{
		{
			"the usual ones", func(*Spec) {},
			capabilityStatus(0, DefaultCapabilities, DefaultCapabilities, DefaultCapabilities, 0), DefaultCapabilities,
		},
		{
			"none", func(s *Spec) { s.Capabilities = none },
			capabilityStatus(0, 0, 0, 0, 0), startCaps,
		},
		{
			"one", func(s *Spec) { s.Capabilities = raw },
			capabilityStatus(0, raw, raw, raw, 0), startCaps | raw,
		},
		{
			"another number than root's", func(s *Spec) { s.IDs, s.User = callerIs(1000, 1000), User{UID: 1000, GID: 1000} },
			capabilityStatus(0, 0, 0, DefaultCapabilities, 0), DefaultCapabilities,
		},
		{
			"ambient", func(s *Spec) {
				s.IDs, s.User, s.Ambient = callerIs(1000, 1000), User{UID: 1000, GID: 1000}, raw
			},
			capabilityStatus(raw, raw, raw, DefaultCapabilities, raw), DefaultCapabilities,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got survey
			newBox(t, "survey", test.change).finish(t, &got)
			if diff := cmp.Diff(test.self, pick(got.Self, test.self)); diff != "" {
				t.Errorf("the command (-want +got):\n%s", diff)
			}
			bounding := test.self["CapBnd"]
			want := capabilityStatus(0, test.pid1, test.pid1, 0, 0)
			want["CapBnd"] = bounding
			if diff := cmp.Diff(want, pick(got.Init, want)); diff != "" {
				t.Errorf("pid 1 (-want +got):\n%s", diff)
			}
		})
	}
}

// Without pid 1 of its own, the command is left nothing of what pid 1 would have.
func TestCapabilitiesWithoutInit(t *testing.T) {
	var got survey
	newBox(t, "survey", func(s *Spec) { s.NoInit, s.Capabilities = true, 0 }).finish(t, &got)
	want := capabilityStatus(0, 0, 0, 0, 0)
	want["Pid"] = "1"
	if diff := cmp.Diff(want, pick(got.Self, want)); diff != "" {
		t.Errorf("the command (-want +got):\n%s", diff)
	}
}

const (
	readyPipe = "ready"
	goodCode  = 7 // of a command that a signal has reached
)

// childIsSignalled tells that it listens, and ends with goodCode when it is told to.
func childIsSignalled() error {
	told := make(chan os.Signal, 1)
	signal.Notify(told, unix.SIGTERM)
	if err := tellReady(); err != nil {
		return err
	}
	<-told
	os.Exit(goodCode)
	return nil
}

// tellReady is what awaitReady waits for.
func tellReady() error {
	ready, err := os.OpenFile(resultDir+"/"+readyPipe, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = ready.WriteString("!")
	return errors.Join(err, ready.Close())
}

// Signals reach a command that may do nothing, through a pid 1 that may.
func TestSignalsPass(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Spec)
	}{
		{"the usual capabilities", func(*Spec) {}},
		{"no capabilities", func(s *Spec) { s.Capabilities = 0 }},
		{"no capabilities, under a filter", func(s *Spec) { s.Capabilities, s.Filter = 0, allowAll }},
		{"no init", func(s *Spec) { s.Capabilities, s.NoInit = 0, true }},
		{"another number than root's", func(s *Spec) {
			s.IDs, s.User, s.Capabilities = callerIs(1000, 1000), User{UID: 1000, GID: 1000}, 0
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			b := newBox(t, "signal", test.change, func(s *Spec) {
				s.Mounts = append(s.Mounts, Mount{Source: dir, Target: resultDir})
			})
			awaitReady(t, dir, func() { b.release(t) })
			if err := b.Signal(unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if got := b.end(t); got != goodCode {
				t.Errorf("got exit code %d, want %d", got, goodCode)
			}
		})
	}
}

// awaitReady lets a command go, and waits until it says in readyPipe of dir that it listens.
func awaitReady(t *testing.T, dir string, release func()) {
	t.Helper()
	path := filepath.Join(dir, readyPipe)
	err := unix.Mkfifo(path, 0o600)
	if err == nil {
		err = os.Chmod(path, 0o666) // whatever the mask; the directory is the test's alone
	}
	if err != nil {
		t.Fatal(err)
	}
	// For writing, too, or opening it would wait for somebody who may never come.
	ready, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	release()
	if err := ready.SetReadDeadline(soon()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(ready, make([]byte, 1)); err != nil {
		t.Fatalf("waiting for the command to listen: %v", err)
	}
}

// priorityFilter has getpriority(2) fail with an error that nothing else gives, and
// all else pass.
var priorityFilter = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call (seccomp(2))
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_GETPRIORITY, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOANO)},
	{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
}

func TestCommandsFilter(t *testing.T) {
	for _, test := range []struct {
		name       string
		filter     []unix.SockFilter
		noInit     bool
		priority   unix.Errno
		self, pid1 string // SECCOMP_MODE_DISABLED or SECCOMP_MODE_FILTER
	}{
		{"none", nil, false, 0, "0", "0"},
		{"a filter", priorityFilter, false, unix.ENOANO, "2", "0"},
		{"a filter, no init", priorityFilter, true, unix.ENOANO, "2", "2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got survey
			newBox(t, "survey", func(s *Spec) { s.Filter, s.NoInit = test.filter, test.noInit }).finish(t, &got)
			if got.Priority != test.priority {
				t.Errorf("got error %d from getpriority, want %d", got.Priority, test.priority)
			}
			if got.Self["Seccomp"] != test.self || got.Init["Seccomp"] != test.pid1 {
				t.Errorf("got modes %q and %q, want %q for the command and %q for pid 1", got.Self["Seccomp"], got.Init["Seccomp"], test.self, test.pid1)
			}
		})
	}
}

// A filter that forbids all keeps the command from starting, and the report of it, too:
// then the kernel has ended it, and that is what is seen.
func TestFilterThatForbidsAll(t *testing.T) {
	b := newBox(t, "survey", func(s *Spec) {
		s.Filter = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS}}
	})
	b.release(t)
	if got, want := b.end(t), 128+int(unix.SIGSYS); got != want {
		t.Errorf("got exit code %d, want %d", got, want)
	}
}

// childReadsLimits reads proc_pid_limits(5). Of open files the Go runtime has raised the
// soft limit to the hard one by then.
func childReadsLimits() error {
	limits := map[string]string{}
	for _, fields := range fieldsOf("/proc/self/limits") {
		for i := range fields[1:] {
			limits[strings.Join(fields[:i+1], " ")] = strings.Join(fields[i+1:], " ")
		}
	}
	return save(limits)
}

func TestCommandsLimits(t *testing.T) {
	var got map[string]string
	newBox(t, "limits", func(s *Spec) {
		s.Limits = []Limit{{unix.RLIMIT_NOFILE, 150, 150}, {unix.RLIMIT_CORE, 0, 4096}, {unix.RLIMIT_STACK, 1 << 20, 2 << 20}}
	}).finish(t, &got)
	want := map[string]string{"Max open files": "150 150 files", "Max core file size": "0 4096 bytes", "Max stack size": "1048576 2097152 bytes"}
	if diff := cmp.Diff(want, pick(got, want)); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}
