package e2e

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// aboutOne are the commands that take the name of a container, which stands in the place of NAME.
var aboutOne = []string{
	"inspect NAME", "logs NAME", "logs -f NAME", "attach NAME", "exec NAME true", "exec -d NAME true", "stop NAME", "stop -t 0 NAME",
	"kill NAME", "kill -s 28 NAME", "wait NAME", "rm NAME", "rm -f NAME", "port NAME", "port NAME 80", "run --network container:NAME true",
	"run -d --network container:NAME true",
}

// argumentsOf are those of one of these commands, for a container that is called so.
func argumentsOf(command, name string) []string {
	args := strings.Fields(command)
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "NAME", name)
	}
	return args
}

// withRuntime has a program's user find a runtime directory there.
func withRuntime(cmd *exec.Cmd, dir string) *exec.Cmd {
	cmd.Env = append(append([]string{}, cmd.Env...), "XDG_RUNTIME_DIR="+dir)
	return cmd
}

// newRuntimeDir makes one, as pam_systemd(8) does.
func newRuntimeDir(t *testing.T, u user) string {
	t.Helper()
	dir := newDir(t, u)
	must(t, os.Chmod(dir, 0o700))
	return dir
}

// Another user's containers are not there, whatever is done to have them.
func TestAnothersContainers(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	alices := newRuntimeDir(t, h.alice)
	started := h.run(withRuntime(h.unc(h.alice, "run", "-d", "--name", "web", "-p", "8080:80", "--rootfs", busyboxRootfs(t, h.alice), "sleep", "1000"), alices))
	started.works(t)
	asAlice := func(args ...string) string {
		t.Helper()
		return h.run(withRuntime(h.unc(h.alice, args...), alices)).works(t)
	}
	before, info := listing(t, alices), asAlice("inspect", "web")

	// Where bob may look, or has been let in, and what he can make of it.
	inside := filepath.Join(alices, "unc")
	linked, forged := newRuntimeDir(t, h.bob), newRuntimeDir(t, h.bob)
	must(t, os.Symlink(inside, filepath.Join(linked, "unc")))
	must(t, os.Mkdir(filepath.Join(forged, "unc"), 0o700))
	must(t, os.Symlink(filepath.Join(inside, "web"), filepath.Join(forged, "unc", "web")))
	giveTo(t, h.bob, forged)
	bobs := busyboxRootfs(t, h.bob)
	for _, test := range []struct {
		name, runtime, says string
		open                bool // alice's directories are everybody's to enter
	}{
		{"of his own", "", `no container of yours is called "web"`, false},
		{"alice's directory", alices, `no container of yours is called "web"`, false},
		{"alice's directory, open", alices, `no container of yours is called "web"`, true},
		{"a link to it", linked, "symbolic link", true},
		{"a record that is a link", forged, "symbolic link", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.with(t)
			setMode(t, test.open, alices, inside, filepath.Join(inside, "web"))
			asBob := func(args ...string) result {
				cmd := h.unc(h.bob, args...)
				cmd.Dir = bobs
				if test.runtime != "" {
					cmd = withRuntime(cmd, test.runtime)
				}
				return h.run(cmd)
			}
			for _, command := range aboutOne {
				got := asBob(argumentsOf(command, "web")...)
				if got.code != 125 || !strings.Contains(got.stderr, test.says) || strings.TrimPrefix(got.stdout, "[]\n") != "" {
					t.Errorf("unc %s: exit code %d, %q and %q; want 125 and %q", command, got.code, got.stdout, got.stderr, test.says)
				}
			}
			// All that are his are none.
			for _, command := range []string{"ps", "ps -aq", "stop -a", "kill -a", "wait -a", "rm -fa"} {
				if got := asBob(strings.Fields(command)...); strings.Contains(got.stdout, "web") {
					t.Errorf("unc %s: %q", command, got.stdout)
				}
			}
		})
	}
	setMode(t, false, alices, inside, filepath.Join(inside, "web"))
	if left := differences(before, listing(t, alices)); len(left) > 0 {
		t.Errorf("alice's records are not what they were:\n%s", strings.Join(left, "\n"))
	}
	if now := asAlice("inspect", "web"); now != info {
		t.Errorf("the container is %s, want %s", now, info)
	}
	asAlice("exec", "web", "true")
	asAlice("kill", "web")
	h.nothingLeft()
}

// setMode lets everybody enter directories, or nobody but who owns them.
func setMode(t *testing.T, open bool, dirs ...string) {
	t.Helper()
	mode := os.FileMode(0o700)
	if open {
		mode = 0o755
	}
	for _, dir := range dirs {
		must(t, os.Chmod(dir, mode))
	}
}

// The supervisor hears who connected, not who has come by the connection since.
func TestWhoIsHeard(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.detached(h.alice, busyboxRootfs(t, h.alice), "--name", "web", "sleep", "1000")
	record := filepath.Join(recordsOf(h.alice), "web")
	socket := filepath.Join(record, "control")
	setMode(t, true, filepath.Dir(record), record)
	must(t, os.Chmod(socket, 0o777))
	for _, test := range []struct {
		name  string
		who   user
		heard bool
	}{
		{"bob", h.bob, false},
		{"root", user{}, false},
		{"in bob's group", user{h.bob.uid, h.alice.gid}, false},
		{"alice", h.alice, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn := connectAs(t, test.who, socket)
			for _, request := range []map[string]any{
				{"verb": "signal", "signal": 0}, {"verb": "exec", "command": map[string]any{"args": []string{"true"}}}, {"verb": "network"}, {"verb": "signal", "signal": 9},
			} {
				if test.heard {
					request = map[string]any{"verb": "signal", "signal": 77}
				}
				text, err := json.Marshal(request)
				must(t, err)
				// Whoever writes.
				_, err = conn.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...))
				if test.heard {
					must(t, err)
					break // it is answered, and the conversation over
				}
			}
			must(t, conn.SetDeadline(time.Now().Add(deadline)))
			answer, err := io.ReadAll(conn)
			if test.heard != strings.Contains(string(answer), "there is no signal 77") || !test.heard && len(answer) > 0 || isTimeout(err) {
				t.Errorf("the answer is %q, %v; want one, or the end of the connection: %v", answer, err, test.heard)
			}
		})
	}
	setMode(t, false, filepath.Dir(record), record)
	h.run(h.unc(h.alice, "exec", "web", "true")).works(t)
	h.run(h.unc(h.alice, "kill", "web")).works(t)
	h.forgotten(h.alice)
}

// connectAs connects to a socket as somebody, and hands the connection to the test.
func connectAs(t *testing.T, u user, path string) net.Conn {
	t.Helper()
	var conn net.Conn
	err := onThread(func() error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		file := os.NewFile(uintptr(fd), path)
		defer file.Close()
		// Of this thread alone: package unix's changes all of them.
		for _, id := range []struct {
			call uintptr
			id   int
		}{{unix.SYS_SETRESGID, u.gid}, {unix.SYS_SETRESUID, u.uid}} {
			if _, _, errno := unix.RawSyscall(id.call, uintptr(id.id), uintptr(id.id), uintptr(id.id)); errno != 0 {
				return fmt.Errorf("becoming user %d: %w", u.uid, errno)
			}
		}
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			return fmt.Errorf("connecting as user %d: %w", u.uid, err)
		}
		conn, err = net.FileConn(file)
		return err
	})
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// What can't be a name is refused by all that take one, before anything is done.
func TestWhatIsNoName(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	runtime, rootfs := newRuntimeDir(t, h.alice), busyboxRootfs(t, h.alice)
	must(t, os.Mkdir(filepath.Join(runtime, "web"), 0o700)) // what ../web leads to
	must(t, os.Mkdir(filepath.Join(runtime, "unc"), 0o700))
	giveTo(t, h.alice, runtime)
	before := listing(t, runtime)
	commands := append([]string{"run --name=NAME true", "run -d --name=NAME true"}, aboutOne...)
	for _, name := range []string{
		"", ".", "..", "../web", "web/", "/etc", "web/../web", "we b", "-", "--", "Web", "wéb", "web\n", "\x1b[31mweb\a", "web\x7f", "\xc2\x9b31m",
		"\xff", "%s%n", ".1", "container:web", strings.Repeat("a", 300), strings.Repeat("../", 100),
	} {
		t.Run(fmt.Sprintf("%.20q", name), func(t *testing.T) {
			h := h.of(t)
			for _, command := range commands {
				cmd := withRuntime(h.unc(h.alice, argumentsOf(command, name)...), runtime)
				cmd.Dir = rootfs
				got := h.run(cmd)
				if got.code != 125 || got.stdout != "" || !strings.HasPrefix(got.stderr, "unc: ") {
					t.Errorf("unc %s: exit code %d, %q and %q; want 125 and an error", command, got.code, got.stdout, got.stderr)
				}
				// As far as a name goes a terminal shows it.
				if text := strings.ReplaceAll(got.stderr, "\n", ""); strings.ContainsFunc(text, isControl) || len(text) > 1000 {
					t.Errorf("unc %s: the error is %.1000q of %d bytes", command, got.stderr, len(got.stderr))
				}
			}
			if left := differences(before, listing(t, runtime)); len(left) > 0 {
				t.Errorf("the files are not what they were:\n%s", strings.Join(left, "\n"))
			}
			if n := len(h.leases()); n > 0 {
				t.Errorf("%d leases, want none", n)
			}
		})
	}
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }
