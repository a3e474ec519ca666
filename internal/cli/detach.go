package cli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// frontFD is where a detached container's supervisor finds the socket: it has no other input.
const frontFD = 0

// superviseFlag has to be the first argument after run.
const superviseFlag = "--supervise"

// detach starts the supervisor and waits until the command runs.
func (r *runCmd) detach() (int, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("making a socket pair: %w", err)
	}
	front, theirs := os.NewFile(uintptr(ends[0]), "supervisor"), os.NewFile(uintptr(ends[1]), "front")
	defer front.Close()
	files := []*os.File{frontFD: theirs, 1: os.Stdout, 2: os.Stderr}
	if fd := r.JSONStatusFD; fd != nil && isCallers(*fd) {
		files = append(files, make([]*os.File, *fd+1-len(files))...)
		files[*fd] = os.NewFile(uintptr(*fd), "--json-status-fd")
	}
	// What else the caller has open, the lock of a script say, is not kept by a process that
	// stays when the caller has ended.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return 0, fmt.Errorf("keeping open files from the container's supervisor: %w", err)
	}
	args := slices.Concat([]string{"unc", "run", superviseFlag}, os.Args[2:])
	process, err := os.StartProcess("/proc/self/exe", args, &os.ProcAttr{
		Env: callersEnvironment(), Files: files, Sys: &unix.SysProcAttr{Setsid: true},
	})
	theirs.Close()
	if err != nil {
		return 0, fmt.Errorf("starting the container's supervisor: %w", err)
	}
	called, err := io.ReadAll(io.LimitReader(front, 1<<10))
	if err != nil {
		return 0, fmt.Errorf("hearing from the container's supervisor: %w", err)
	}
	if len(called) > 0 {
		ready(process.Pid)
		_, err := fmt.Fprintf(os.Stdout, "%s\n", called)
		return 0, err
	}
	state, err := process.Wait() // it has said why
	if err != nil {
		return 0, fmt.Errorf("waiting for the container's supervisor: %w", err)
	}
	if !state.Exited() {
		return 0, fmt.Errorf("the container's supervisor was ended: %v", state)
	}
	if code := state.ExitCode(); code == exitNotExecutable || code == exitNotFound {
		return code, nil
	}
	return exitFailed, nil // whatever the Go runtime, say, calls it for want of memory
}

// front is who waits, seen from the supervisor.
type front struct {
	sock   *os.File
	stderr *os.File // until it is told
	log    *recorder
}

// detached is the console of a container that goes on by itself, and who waits for that.
func (r *runCmd) detached(c *container) (containerConsole, *front, error) {
	var st unix.Stat_t
	if err := unix.Fstat(frontFD, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, nil, errors.New(superviseFlag + " is for unc itself: unc run --detach starts a container that goes on by itself")
	}
	_ = os.WriteFile("/proc/self/comm", []byte("unc"), 0) // executed by another path, it is called "exe"
	// The command gets other streams, and unc goes on to speak on these.
	sock, err1 := unix.FcntlInt(frontFD, unix.F_DUPFD_CLOEXEC, 3)
	stderr, err2 := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, fmt.Errorf("keeping the streams of who started the container: %w", err)
	}
	f := &front{sock: os.NewFile(uintptr(sock), "front"), stderr: os.NewFile(uintptr(stderr), "stderr")}
	os.Stderr = f.stderr
	dir, err := c.held.Dir()
	if err != nil {
		return nil, nil, err
	}
	f.log, err = newRecorder(dir, &r.lifeFlags)
	return f.log, f, err
}

// leave tells the front the container's name, and lets go of all that is the front's. What unc says
// from then on, on the same descriptor, goes into the log.
func (f *front) leave(called string) error {
	if _, err := f.sock.WriteString(called); err != nil {
		return fmt.Errorf("telling who started the container: %w", err)
	}
	moved := unix.Dup3(int(f.log.errors.Fd()), int(f.stderr.Fd()), unix.O_CLOEXEC)
	return errors.Join(f.sock.Close(), moved, f.log.errors.Close(), os.Chdir("/"))
}

// isFront tells whether these arguments may be a front's, which needs no net-setup, before
// they are parsed.
func isFront(args []string) bool {
	return args[1] != superviseFlag && slices.ContainsFunc(args[1:], func(arg string) bool {
		return strings.HasPrefix(arg, "--detach") || strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.Contains(arg, "d")
	})
}
