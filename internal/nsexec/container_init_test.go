package nsexec

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// childBesieges does to pid 1, as root with all that root has in the container, what
// should change nothing, and says what worked that mustn't. It is the first command, to
// which pid 1 passes on what it gets.
func childBesieges() error {
	ignore := sigaction{handler: 1} // SIG_IGN, of those too that the Go runtime leaves alone
	for sig := unix.Signal(1); sig <= 64; sig++ {
		if sig != unix.SIGCHLD && sig != unix.SIGTERM {
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&ignore)), 0, sigsetSize, 0, 0)
		}
	}
	var worked []string
	for _, link := range []string{"cwd", "root", "exe", "ns/user", "fd/0", "fd/1"} {
		if _, err := os.Readlink("/proc/1/" + link); err == nil {
			worked = append(worked, "following "+link)
		}
	}
	for _, name := range []string{"mem", "environ", "maps", "auxv", "stack", "syscall", "fdinfo/0", "cmdline"} {
		if text, err := os.ReadFile("/proc/1/" + name); err == nil && strings.Trim(string(text), "\x00") != "" {
			worked = append(worked, "reading "+name)
		}
	}
	if mem, err := os.OpenFile("/proc/1/mem", os.O_RDWR, 0); err == nil {
		worked = append(worked, "opening its memory")
		mem.Close()
	}
	if fd, err := unix.PidfdOpen(1, 0); err == nil {
		for n := range 4 {
			if _, err := unix.PidfdGetfd(fd, n, 0); err == nil {
				worked = append(worked, fmt.Sprintf("taking descriptor %d", n))
			}
		}
	}
	if unix.PtraceAttach(1) == nil {
		worked = append(worked, "tracing it")
	}
	// Each child leaves an orphan behind, which ends after it.
	for range 100 {
		child := exec.Command("/test")
		child.Env = []string{childVariable + "=orphan", noRaceSleep}
		if err := child.Run(); err != nil {
			return err
		}
	}
	// After that, for some go to the whole group, of which those children are.
	for range 20 {
		for sig := unix.Signal(1); sig <= 64; sig++ {
			if sig != unix.SIGTERM {
				_ = unix.Kill(1, sig)
			}
		}
	}
	if err := save(worked); err != nil {
		return err
	}
	return childIsSignalled()
}

// childLeavesAnOrphan is the one, and starts the other.
func childLeavesAnOrphan() error {
	orphan := exec.Command("/test", "0")
	orphan.Env = []string{childVariable + "=exit", noRaceSleep}
	return orphan.Start()
}

// childListsProcesses tells of all, by their states (proc_pid_stat(5)).
func childListsProcesses() error {
	numbers, err := rawio.Numbers("/proc")
	var list []string
	for _, pid := range numbers {
		if pid != os.Getpid() {
			s := status(fmt.Sprint(pid))
			list = append(list, s["Name"]+" "+s["PPid"]+" "+s["State"])
		}
	}
	slices.Sort(list)
	return errors.Join(err, tellResult(list))
}

// Root inside, with all capabilities too, gets nothing out of pid 1, and keeps it from
// nothing: afterwards it takes orders, passes signals on, and has reaped all orphans.
func TestInitIsUntouchable(t *testing.T) {
	for _, test := range []struct {
		name         string
		capabilities Capabilities
	}{
		{"the usual capabilities", DefaultCapabilities},
		{"all capabilities", AllCapabilities},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			b := newBox(t, "besiege", func(s *Spec) {
				s.Capabilities = test.capabilities
				s.Mounts = append(s.Mounts, Mount{Source: dir, Target: resultDir})
			})
			awaitReady(t, dir, func() { b.release(t) })
			var worked []string
			load(t, filepath.Join(dir, resultFile), &worked)
			if len(worked) > 0 {
				t.Errorf("got %q done to pid 1, want nothing", worked)
			}
			// The last orphan may still be on its way.
			var list []string
			for range 100 {
				if b.ask(t, command("processes"), &list); len(list) == 2 {
					break
				}
			}
			if len(list) != 2 || !strings.HasPrefix(list[0], "test 1 ") || !strings.HasPrefix(list[1], "unc-init 0 ") {
				t.Errorf("got processes %q, want pid 1 and the first command", list)
			}
			if err := b.Signal(unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if got := b.end(t); got != goodCode {
				t.Errorf("got exit code %d, want %d", got, goodCode)
			}
		})
	}
}
