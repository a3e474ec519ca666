package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// detached starts a container that goes on by itself, in a rootfs, and returns its name.
func (h *host) detached(u user, rootfs string, args ...string) string {
	h.t.Helper()
	got := h.run(h.unc(u, append([]string{"run", "-d", "--rootfs", rootfs}, args...)...))
	name := strings.TrimSuffix(got.works(h.t), "\n")
	h.t.Cleanup(func() {
		if h.t.Failed() { // nothing else ends it then
			for _, pid := range processesOf(u) {
				kill(h.t, pid, unix.SIGKILL)
			}
		}
	})
	return name
}

// infoOf is what unc inspect says of a container, as far as the tests look at it.
type infoOf struct {
	Name            string
	Supervisor, PID int
	Network         struct{ Address string }
}

func (h *host) inspect(u user, name string) infoOf {
	h.t.Helper()
	var list []infoOf
	text := h.run(h.unc(u, "inspect", name)).works(h.t)
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 1 {
		h.t.Fatalf("unc inspect %s: %v in %s", name, err, text)
	}
	return list[0]
}

// forgotten looks until nothing is left of all of a user's containers.
func (h *host) forgotten(u user) {
	h.t.Helper()
	h.unrecorded(u)
	eventually(h.t, "no process left", func() bool { return len(processesOf(u)) == 0 })
}

// unrecorded looks until there is no trace of them but perhaps processes.
func (h *host) unrecorded(u user) {
	h.t.Helper()
	if left := h.run(h.unc(u, "ps", "-aq")).works(h.t); left != "" {
		h.t.Errorf("unc ps -a shows %q, want nothing", left)
	}
	eventually(h.t, "no lease left", func() bool { return len(h.leases()) == 0 })
	if left, err := filepath.Glob(recordsOf(u) + "/*"); err != nil || len(left) > 0 {
		h.t.Errorf("the records %q are left, %v", left, err)
	}
}

// A detached container's whole life, as its user sees it.
func TestDetached(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	name := h.detached(h.alice, rootfs, "--name", "web", "-p", "8080:80", "sh", "-c", `echo out; echo err >&2; printf part; exec sleep 1000`)
	if name != "web" {
		t.Fatalf("unc run printed %q, want the name", name)
	}
	info := h.inspect(h.alice, "web")
	if session, err := unix.Getsid(info.Supervisor); err != nil || session != info.Supervisor {
		t.Errorf("the supervisor %d is in session %d, %v; want one of its own", info.Supervisor, session, err)
	}
	for fd := range 3 {
		if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", info.Supervisor, fd)); to != "/dev/null" {
			t.Errorf("the supervisor's descriptor %d is %q, and keeps somebody else's open", fd, to)
		}
	}
	got := h.run(h.unc(h.alice, "ps")).works(t)
	for _, want := range []string{"NAME", "web ", "sh -c echo out; echo err >&2;…", info.Network.Address, "8080->80/tcp", "up "} {
		if !strings.Contains(got, want) {
			t.Errorf("unc ps says %q, want %q in it", got, want)
		}
	}
	eventually(t, "both streams logged", func() bool {
		logs := h.run(h.unc(h.alice, "logs", "web"))
		return logs.works(t) == "out\npart" && logs.stderr == "err\n"
	})
	if got := h.run(h.unc(h.alice, "port", "web", "80")).works(t); got != "0.0.0.0:8080\n[::]:8080\n" {
		t.Errorf("unc port says %q", got)
	}
	open := openFiles(t, info.Supervisor)
	if got := h.run(h.unc(h.alice, "exec", "web", "cat", "/proc/1/comm")).works(t); got != "unc-init\n" {
		t.Errorf("process 1 is %q for unc exec", got)
	}

	eventually(t, "the descriptors of unc exec closed", func() bool { return openFiles(t, info.Supervisor) == open })
	waiting := h.begin(h.unc(h.alice, "wait", "web"))
	eventually(t, "unc wait connected", func() bool { return openFiles(t, info.Supervisor) > open })
	begin := time.Now()
	if got := h.run(h.unc(h.alice, "stop", "web")).works(t); got != "web\n" {
		t.Errorf("unc stop says %q", got)
	}
	if took := time.Since(begin); took > 5*slowness*time.Second {
		t.Errorf("unc stop took %v of a command that ends at once", took)
	}
	if got := waiting.result().works(t); got != "143\n" {
		t.Errorf("unc wait said %q, want what SIGTERM makes of a command", got)
	}
	h.run(h.unc(h.alice, "stop", "web")).fails(t, `no container of yours is called "web"`, "hint: unc ps")
	h.forgotten(h.alice)
}

// openFiles counts the descriptors of a process.
func openFiles(t *testing.T, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	must(t, err)
	return len(entries)
}

// What keeps a detached container from starting is said where it was typed.
func TestDetachedFails(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for _, test := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no such command", []string{"nowhere"}, 127, "nowhere"},
		{"not executable", []string{"/etc/hosts"}, 126, "/etc/hosts"},
		{"no such rootfs", []string{"--rootfs", "/nowhere", "true"}, 125, "/nowhere"},
		{"a flag that means nothing", []string{"--nosuch", "true"}, 125, "--nosuch"},
		{"no descriptor", []string{"--json-status-fd", "77", "true"}, 125, `--json-status-fd "77": `},
		{"no place for a pidfile", []string{"--pidfile", "/nowhere/pid", "true"}, 125, `--pidfile "/nowhere/pid": no such file or directory`},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			got := h.run(h.unc(h.alice, append([]string{"run", "-d", "--name", "web", "--rootfs", rootfs}, test.args...)...))
			if got.code != test.code || got.stdout != "" {
				t.Errorf("exit code %d and %q, want %d and nothing", got.code, got.stdout, test.code)
			}
			got.says(t, test.says)
			h.forgotten(h.alice)
		})
	}
}

// One that has failed leaves its output, until somebody has read it.
func TestFailedIsKept(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	name := h.detached(h.alice, rootfs, "sh", "-c", "echo no such file >&2; exit 3")
	eventually(t, "the container ended", func() bool {
		return strings.Contains(h.run(h.unc(h.alice, "ps", "-a")).works(t), "exited (3)")
	})
	if got := h.run(h.unc(h.alice, "ps", "-q")).works(t); got != "" {
		t.Errorf("unc ps shows %q of what does not run", got)
	}
	if got := h.run(h.unc(h.alice, "logs", name)); got.works(t) != "" || got.stderr != "no such file\n" {
		t.Errorf("unc logs says %q and %q", got.stdout, got.stderr)
	}
	if got := h.run(h.unc(h.alice, "wait", name)).works(t); got != "3\n" {
		t.Errorf("unc wait says %q, want 3", got)
	}
	h.run(h.unc(h.alice, "exec", name, "true")).fails(t, "has ended")
	h.run(h.unc(h.alice, "rm", name)).works(t)
	h.forgotten(h.alice)

	// The next of the name takes its place.
	h.detached(h.alice, rootfs, "--name", "web", "false")
	h.run(h.unc(h.alice, "wait", "web")).works(t)
	h.detached(h.alice, rootfs, "--name", "web", "true")
	eventually(t, "nothing kept", func() bool { return h.run(h.unc(h.alice, "ps", "-aq")).works(t) == "" })
	h.forgotten(h.alice)
}

// A supervisor that nobody waits for any more does not go on unknown.
func TestDetachedWithoutAFront(t *testing.T) {
	t.Parallel()
	needSpeed(t)
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for range 30 {
		cmd := h.unc(h.alice, "run", "-d", "--name", "web", "--rootfs", rootfs, "sleep", "1000")
		h.start(cmd)
		eventually(t, "unc running", func() bool { return runsUnc(cmd) })
		atARandomMoment(t, 2*startTime, cmd.Process.Pid, unix.SIGKILL)
		wait(t, cmd)
		// Either it was there already, and is known, or it is not.
		known := func() bool {
			h.run(h.unc(h.alice, "kill", "web"))
			return len(processesOf(h.alice)) == 0
		}
		eventually(t, "no process left", known)
	}
	h.forgotten(h.alice)
}

// Killed, a supervisor leaves nothing that keeps the next one of its name from starting at once.
func TestTheNameAfterAKill(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs := busyboxRootfs(t, h.alice)
	for n := range 20 {
		h.detached(h.alice, rootfs, "--name", "web", "-p", "8080:80", "sh", "-c", "exec nc -ll -p 80 -e echo "+strconv.Itoa(n))
		info := h.inspect(h.alice, "web")
		eventually(t, "an answer of this one", func() bool {
			answer, _ := ask(h, "127.0.0.1:8080")
			return answer == strconv.Itoa(n)+"\n"
		})
		kill(t, info.Supervisor, unix.SIGKILL)
	}
	eventually(t, "nothing listed", func() bool { return h.run(h.unc(h.alice, "ps", "-aq")).works(t) == "" })
	h.forgotten(h.alice)
}

// ask reads what a server says.
func ask(h *host, address string) (string, error) {
	var answer string
	err := h.in(func() error {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		buf := make([]byte, 100)
		n, err := c.Read(buf)
		answer = string(buf[:n])
		return err
	})
	return answer, err
}

// Who else is told.
func TestStatusIsTold(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	rootfs, dir := busyboxRootfs(t, h.alice), newDir(t, h.alice)
	pidfile, status := filepath.Join(dir, "pid"), filepath.Join(dir, "status")
	for _, detach := range [][]string{{}, {"-d"}} {
		t.Run(fmt.Sprint(detach), func(t *testing.T) {
			h := h.with(t)
			manager := notifySocket(t, dir)
			args := append(append([]string{"run"}, detach...), "--rootfs", rootfs, "--name", "web", "--pidfile", pidfile, "--json-status-fd", "9", "sh", "-c", "read x; exit 7")
			if len(detach) > 0 {
				args = append(args[:2], append([]string{"-i"}, args[2:]...)...)
			}
			cmd := h.as(h.alice, append([]string{"sh", "-c", `exec 9>"$0"; exec "$@"`, status, unc}, args...)...)
			cmd.Env = append(cmd.Env, manager.variable())
			stdin, err := cmd.StdinPipe()
			must(t, err)
			h.start(cmd)
			said := manager.hears()
			eventually(t, "the record", func() bool {
				return strings.Contains(h.run(h.unc(h.alice, "ps")).works(t), "up ")
			})
			info := h.inspect(h.alice, "web")
			if want := fmt.Sprintf("READY=1\nMAINPID=%d", info.Supervisor); said != want {
				t.Errorf("the service manager heard %q, want %q", said, want)
			}
			text, err := os.ReadFile(pidfile)
			if err != nil || string(text) != fmt.Sprintln(info.PID) {
				t.Errorf("the pidfile holds %q, %v; want %d", text, err, info.PID)
			}
			if len(detach) > 0 {
				attach := h.unc(h.alice, "attach", "web")
				attach.Stdin = strings.NewReader("go\n")
				if got := h.run(attach); got.code != 7 {
					t.Errorf("unc attach ended with %d and %q, want 7", got.code, got.stderr)
				}
				h.run(h.unc(h.alice, "rm", "web")).works(t)
			} else {
				_, err = stdin.Write([]byte("go\n"))
				must(t, err)
				if code := wait(t, cmd); code != 7 {
					t.Errorf("exit code %d, want 7", code)
				}
			}
			want := fmt.Sprintf("{\"child-pid\":%d}\n{\"exit-code\":7}\n", info.PID)
			eventually(t, "both lines of status", func() bool {
				text, err := os.ReadFile(status)
				return err == nil && string(text) == want
			})
			eventually(t, "no pidfile left", func() bool { _, err := os.Stat(pidfile); return errors.Is(err, fs.ErrNotExist) })
			h.forgotten(h.alice)
		})
	}
}
