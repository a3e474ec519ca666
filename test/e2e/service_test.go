package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const exampleService = "../../docs/unc-web.service"

// unitSetting is the value of a line of a unit file (systemd.syntax(7)).
func unitSetting(t *testing.T, unit, name string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(unit)
	if found == nil {
		t.Fatalf("%s has no %s=", exampleService, name)
	}
	return found[1]
}

// What systemd would do with the example, as far as it goes without systemd: start it, hear
// that it is ready, and stop it by a signal to the one process that KillMode=mixed says.
func TestExampleService(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	home := newDir(t, h.alice)
	makeBusybox(t, h.alice, filepath.Join(home, "busybox"))
	must(t, os.Mkdir(filepath.Join(home, "busybox/www"), 0o755))
	must(t, os.WriteFile(filepath.Join(home, "busybox/www/index.html"), []byte("hello\n"), 0o644))
	text, err := os.ReadFile(exampleService)
	must(t, err)
	unit := string(text)
	for name, want := range map[string]string{"Type": "notify", "KillMode": "mixed"} {
		if got := unitSetting(t, unit, name); got != want {
			t.Fatalf("%s=%s, and this test does what %s says", name, got, want)
		}
	}
	command := strings.NewReplacer("/usr/local/bin/unc", unc, "%h", home).Replace(unitSetting(t, unit, "ExecStart"))

	manager := notifySocket(t, home)
	cmd := h.as(h.alice, strings.Fields(command)...)
	cmd.Env = append(cmd.Env, manager.variable())
	h.start(cmd)
	said := strings.Split(manager.hears(), "\n")
	if want := "MAINPID=" + strconv.Itoa(cmd.Process.Pid); len(said) != 2 || said[0] != "READY=1" || said[1] != want {
		t.Errorf("the service says %q, want that it is ready and %s: a message of another process counts only with NotifyAccess=", said, want)
	}
	eventually(t, "an answer", func() bool {
		page, err := get(h, "http://127.0.0.1:8080/")
		return err == nil && page == "hello\n"
	})
	kill(t, cmd.Process.Pid, unix.SIGTERM)
	if got, want := strconv.Itoa(wait(t, cmd)), unitSetting(t, unit, "SuccessExitStatus"); got != want {
		t.Errorf("it exits with %s when it is stopped, want %s", got, want)
	}
}

// systemd itself reads the example, where there is one.
func TestSystemdReadsTheExample(t *testing.T) {
	t.Parallel()
	needRoot(t)
	analyze := systemProgram(t, "/usr/bin/systemd-analyze", "sudo apt-get install systemd")
	text, err := os.ReadFile(exampleService)
	must(t, err)
	dir := newDir(t, user{})
	file := filepath.Join(dir, "web.service")
	// It looks whether the program is there.
	must(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/unc", unc)), 0o644))
	cmd := exec.CommandContext(t.Context(), analyze, "verify", "--user", file)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// serviceManager is what a service tells that it is ready (sd_notify(3)).
type serviceManager struct {
	t      *testing.T
	socket *net.UnixConn
}

// notifySocket listens in a directory, where every user may write to it.
func notifySocket(t *testing.T, dir string) serviceManager {
	t.Helper()
	path := filepath.Join(dir, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path})
	must(t, err)
	t.Cleanup(func() {
		socket.Close()
		must(t, os.Remove(path)) // a datagram's socket stays
	})
	must(t, os.Chmod(path, 0o777))
	return serviceManager{t, socket}
}

// variable is what tells a service of it.
func (m serviceManager) variable() string { return "NOTIFY_SOCKET=" + m.socket.LocalAddr().String() }

// hears waits for a message.
func (m serviceManager) hears() string {
	m.t.Helper()
	must(m.t, m.socket.SetReadDeadline(time.Now().Add(deadline)))
	buf := make([]byte, 1000)
	n, err := m.socket.Read(buf)
	must(m.t, err)
	return string(buf[:n])
}
