package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A detached container that there is no room to record fails, and does not keep who waits
// for it.
func TestDetachedWithoutRoom(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	full := newDir(t, h.alice)
	cmd := h.as(h.alice, "env", "XDG_RUNTIME_DIR="+full, unc, "run", "-d", "--rootfs", rootfs, "--network", "none", "sleep", "1000")
	cmd = withMounts(cmd, `mount -t tmpfs -o size=4k,mode=700,uid=$2 none "$1"; head -c 4096 /dev/zero >"$1/much"`,
		full, strconv.Itoa(h.alice.uid))
	got := h.run(cmd)
	got.fails(t, "no space left on device")
	if strings.Count(got.stderr, "no space") != 1 || got.stdout != "" {
		t.Errorf("unc run said %q and %q, want one error", got.stdout, got.stderr)
	}
	eventually(t, "no process left", func() bool { return len(processesOf(h.alice)) == 0 })
}

// A pidfile is that of the container whose name it was started with, wherever its
// supervisor is by now.
func TestPidfileIsKept(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs, dir := busyboxRootfs(t, h.alice), newDir(t, h.alice)
	in := func(pidfile string, args ...string) *exec.Cmd {
		cmd := h.unc(h.alice, append([]string{"run", "--rootfs", rootfs, "--network", "none", "--pidfile", pidfile}, args...)...)
		cmd.Dir = dir
		return cmd
	}
	h.run(in("pid", "-d", "--name", "web", "sleep", "1000")).works(t)
	want := fmt.Sprintln(h.inspect(h.alice, "web").PID)
	for name, other := range map[string]*exec.Cmd{
		"of the same name": in("pid", "--name", "web", "true"),
		"without a rootfs": in("pid", "--rootfs", "/nowhere", "true"),
	} {
		h.run(other).fails(t)
		if text, err := os.ReadFile(filepath.Join(dir, "pid")); string(text) != want {
			t.Errorf("after a run %s the pidfile holds %q, %v; want %q", name, text, err, want)
		}
	}
	h.run(h.unc(h.alice, "kill", "web")).works(t)
	eventually(t, "no pidfile left", func() bool {
		_, err := os.Lstat(filepath.Join(dir, "pid"))
		return errors.Is(err, fs.ErrNotExist)
	})

	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o666))
	must(t, os.Chmod(filepath.Join(dir, "fifo"), 0o666))
	h.run(in("fifo", "true")).fails(t, "--pidfile", "fifo")
	h.run(in("/dev/null", "true")).works(t)
	if got := h.run(in("new", "nowhere")); got.code != 127 {
		t.Errorf("exit code %d, want 127", got.code)
	}
	if _, err := os.Lstat(filepath.Join(dir, "new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a run that failed has left its pidfile, %v", err)
	}
	h.forgotten(h.alice)
}

// A number that is no descriptor of the caller's may be one of unc's own.
func TestStatusOfNoDescriptor(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for fd := 3; fd < 20; fd++ {
		h.run(h.unc(h.alice, "run", "--rootfs", rootfs, "--json-status-fd", strconv.Itoa(fd), "true")).
			fails(t, fmt.Sprintf("--json-status-fd \"%d\": it is no descriptor", fd))
	}
}

// What the caller of a detached container has open ends with the caller: a lock say.
func TestDetachedKeepsNothingOpen(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs, dir := busyboxRootfs(t, h.alice), newDir(t, h.alice)
	lock := filepath.Join(dir, "lock")
	h.run(h.as(h.alice, "flock", lock, unc, "run", "-d", "--name", "web", "--rootfs", rootfs, "sleep", "1000")).works(t)
	if got := h.run(h.as(h.alice, "flock", "-n", lock, "true")); got.code != 0 {
		t.Errorf("the lock that unc was started with is held yet: exit code %d", got.code)
	}
	h.run(h.unc(h.alice, "kill", "web")).works(t)
	h.forgotten(h.alice)
}

// A supervisor that somebody has stopped keeps nobody: who needs its answer is told so, and
// who waits for a command can stop waiting.
func TestStoppedSupervisor(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	h.detached(h.alice, rootfs, "--name", "web", "sleep", "1000")
	supervisor := h.inspect(h.alice, "web").Supervisor
	kill(t, supervisor, unix.SIGSTOP)
	var asking []*started
	for _, args := range [][]string{
		{"stop", "-t", "0", "web"}, {"attach", "web"}, {"run", "--rootfs", rootfs, "--network", "container:web", "true"},
	} {
		asking = append(asking, h.begin(h.unc(h.alice, args...)))
	}
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} {
		cmd, before := h.unc(h.alice, "exec", "web", "true"), passedTo(supervisor)
		h.start(cmd)
		eventually(t, "unc exec asking", func() bool { return passedTo(supervisor) > before })
		kill(t, cmd.Process.Pid, sig)
		if code := endsInTime(t, cmd); code != -int(sig) {
			t.Errorf("unc exec: exit code %d, want that of %v", code, sig)
		}
	}
	for _, one := range asking {
		one.result().fails(t, `container "web"`, "does not answer", fmt.Sprintf("hint: kill -CONT %d", supervisor))
	}
	kill(t, supervisor, unix.SIGCONT)
	eventually(t, "the end that unc stop has asked for", func() bool { return len(processesOf(h.alice)) == 0 })
	h.forgotten(h.alice)
}

// passedTo counts the descriptors that others have sent to a process, and which it has not
// received yet (unix_show_fdinfo in net/unix/af_unix.c).
func passedTo(pid int) (count int) {
	sockets, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	for _, path := range sockets {
		text, _ := os.ReadFile(path)
		if _, rest, found := strings.Cut(string(text), "scm_fds:"); found {
			n, _ := strconv.Atoi(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]))
			count += n
		}
	}
	return count
}

// What is started for somebody who does not wait any more ends, also where the container's
// root has stopped it before it was the command.
func TestExecWithoutItsAsker(t *testing.T) {
	t.Parallel()
	needSpeed(t)
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	h.detached(h.alice, rootfs, "--name", "evil", "sh", "-c", "while :; do kill -STOP -1; done 2>/dev/null")
	supervisor := h.inspect(h.alice, "evil").Supervisor
	before, open := len(processesOf(h.alice)), openFiles(t, supervisor)
	met, tries := 0, 0
	for ; met < 3; tries++ {
		if tries == 200 {
			t.Fatalf("of %d only %d were stopped before they were the command", tries, met)
		}
		cmd := h.unc(h.alice, "exec", "evil", "sleep", "1000")
		h.start(cmd)
		eventually(t, "a stopped process", func() bool {
			for _, pid := range processesOf(h.alice) {
				status := statusOf(pid)
				if strings.HasPrefix(status["State"], "T") {
					if status["Name"] == "unc-init" {
						met++
					}
					return true
				}
			}
			return false
		})
		kill(t, cmd.Process.Pid, unix.SIGKILL)
		wait(t, cmd)
		eventually(t, "nothing left of it", func() bool {
			return len(processesOf(h.alice)) == before && openFiles(t, supervisor) <= open+4 // of the first order
		})
	}
	t.Logf("after %d of them", tries)
	h.run(h.unc(h.alice, "kill", "evil")).works(t)
	h.forgotten(h.alice)
}

// A label that would write on the terminal of whoever lists it reaches a program as it is.
func TestTemplateOnATerminal(t *testing.T) {
	t.Parallel()
	needProgram(t, "script", "bsdutils")
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	const title, plain = "\x1b]0;mine\x07", "?]0;mine?"
	h.detached(h.alice, rootfs, "--name", "web", "--network", "none", "--label", "l="+title, "sleep", "1000")
	for _, list := range []string{"ps", "inspect"} {
		args := []string{unc, list, "--format", "{{.Labels.l}}"}
		if list == "inspect" {
			args = append(args, "web")
		}
		if got := h.run(h.as(h.alice, args...)).works(t); got != title+"\n" {
			t.Errorf("unc %s printed %q to a pipe, want %q", list, got, title)
		}
		typed := "'" + strings.Join(args, "' '") + "'"
		if got := h.run(h.as(h.alice, "script", "-qec", typed, "/dev/null")).works(t); got != plain+"\r\n" {
			t.Errorf("unc %s printed %q on a terminal, want %q", list, got, plain)
		}
	}
	h.run(h.unc(h.alice, "kill", "web")).works(t)
	h.forgotten(h.alice)
}
