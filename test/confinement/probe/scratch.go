package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// scratch gives do a directory of its own, in memory in every confinement.
func scratch(do func(dir string) error) error {
	dir, err := os.MkdirTemp("/dev/shm", "probe")
	if err != nil {
		return before("mkdir", err)
	}
	defer os.RemoveAll(dir)
	return do(dir)
}

// withFile gives do a new file of this mode, open for reading and writing.
func withFile(mode uint32, do func(name string, f *os.File) error) error {
	return scratch(func(dir string) error {
		name := filepath.Join(dir, "file")
		f, err := os.Create(name)
		if err != nil {
			return before("create", err)
		}
		defer f.Close()
		// Not by os.FileMode, which has other bits for setuid.
		if err := unix.Fchmod(int(f.Fd()), mode); err != nil {
			return before("chmod", err)
		}
		return do(name, f)
	})
}

// text is the address of a string that ends in a zero byte.
func text(s string) uintptr {
	b := append([]byte(s), 0)
	return addr(&b[0])
}

// addr is the address of an object, which stays there as long as the process lives.
func addr[T any](p *T) uintptr {
	kept = append(kept, p) // so it is on the heap
	return uintptr(unsafe.Pointer(p))
}

var kept []any

// helper is this program as another process, which waits until it is dismissed.
func helper(kind string, attr *syscall.SysProcAttr, do func(pid int) error) error {
	cmd := exec.Command(self, "help", kind)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = attr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return before("fork", err)
	}
	defer func() {
		_ = cmd.Process.Kill() // it may be held by a tracer
		stdin.Close()
		_ = cmd.Wait()
	}()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "ready\n" {
		return fmt.Errorf("the helper says %q, %w", line, err)
	}
	return do(cmd.Process.Pid)
}

// help is what the other process does.
func help(kind string) error {
	switch kind {
	case "wait":
	case "hide":
		// Who may not trace everything may not look into this one.
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
			return err
		}
	case "uid":
		fmt.Println(unix.Geteuid())
		return nil
	case "raw":
		fmt.Println(outcome(holds(unix.CAP_NET_RAW)))
		return nil
	case "mount":
		fmt.Println(outcome(unix.Mount("probe", "/dev/shm", "tmpfs", 0, "")))
		return nil
	case "unmask":
		fmt.Println(outcome(expire("/proc/keys")))
		return nil
	}
	fmt.Println("ready")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return nil
}

// asks executes a program that prints one line, and returns that.
func asks(attr *syscall.SysProcAttr, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = attr
	out, err := cmd.Output()
	if err != nil {
		return "", before("execute", err)
	}
	return string(out[:max(0, len(out)-1)]), nil
}
