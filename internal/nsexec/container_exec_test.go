package nsexec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"unc/internal/rawio"
)

// childWaits is a first command that stays until it is told to go.
func childWaits() error {
	told := make(chan os.Signal, 1)
	signal.Notify(told, unix.SIGTERM)
	<-told
	os.Exit(goodCode)
	return nil
}

// childExits ends as its argument says: with a code, or by a signal.
func childExits() error {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	if n > 128 && n <= 128+64 {
		signal.Reset()
		if err := unix.Kill(os.Getpid(), unix.Signal(n-128)); err != nil {
			return err
		}
		select {}
	}
	os.Exit(n)
	return nil
}

// running is a box whose command runs, and waits.
func running(t *testing.T, changes ...func(*Spec)) *box {
	t.Helper()
	b := newBox(t, "wait", changes...)
	b.release(t)
	return b
}

// command is the test binary once more.
func command(action string, args ...string) *Command {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	return &Command{
		Args: append([]string{"/test"}, args...), Env: []string{childVariable + "=" + action, noRaceSleep},
		Streams: [3]*os.File{null, null, os.Stderr},
	}
}

func (b *box) exec(t *testing.T, cmd *Command) *Process {
	t.Helper()
	p, err := b.Exec(cmd)
	if err == nil {
		err = p.Started()
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask runs a command that tells something on standard output. That ends with it, for
// nobody else has it.
func (b *box) ask(t *testing.T, cmd *Command, result any) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Streams[1] = w
	p := b.exec(t, cmd)
	w.Close()
	if err := r.SetReadDeadline(soon()); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if code := p.Wait(); code != 0 {
		t.Fatalf("got exit code %d, want 0", code)
	}
	if err := json.Unmarshal(text, result); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
}

// tellResult is what ask reads.
func tellResult(result any) error { return json.NewEncoder(os.Stdout).Encode(result) }

// facts are what the kernel says about a process, in files of proc(5).
type facts struct {
	Namespaces map[string]string
	Status     map[string]string
	Texts      map[string]string
}

func readFacts(pid string) (f facts, err error) {
	f = facts{Namespaces: map[string]string{}, Texts: map[string]string{}}
	entries, err := os.ReadDir("/proc/" + pid + "/ns")
	for _, e := range entries {
		f.Namespaces[e.Name()], err = os.Readlink("/proc/" + pid + "/ns/" + e.Name())
	}
	for _, name := range []string{"cgroup", "limits", "oom_score_adj", "mountinfo", "uid_map"} {
		text, readErr := os.ReadFile("/proc/" + pid + "/" + name)
		f.Texts[name], err = string(text), errors.Join(err, readErr)
	}
	f.Texts["root"], _ = os.Readlink("/proc/" + pid + "/root")
	f.Status = pick(status(pid), map[string]string{
		"Uid": "", "Gid": "", "Groups": "", "Umask": "", "NoNewPrivs": "", "Seccomp": "", "Seccomp_filters": "",
		"CapInh": "", "CapPrm": "", "CapEff": "", "CapBnd": "", "CapAmb": "", "ShdPnd": "",
	})
	return f, err
}

// told is what a later command finds out.
type told struct {
	First, Self facts
	Descriptors []string // what they lead to
	Env         []string
	Dir         string
	Session     int // less its own number
	Group       int
	Ignored     string // signals
}

func childTells() error {
	var s told
	var err [4]error
	s.Descriptors, err[0] = descriptors()
	s.First, err[1] = readFacts("2")
	s.Self, err[2] = readFacts("self")
	s.Env = os.Environ()
	s.Dir, err[3] = os.Getwd()
	s.Session, _ = unix.Getsid(0)
	s.Session, s.Group = s.Session-os.Getpid(), unix.Getpgrp()-os.Getpid()
	s.Ignored = status("self")["SigIgn"]
	return errors.Join(errors.Join(err[:]...), tellResult(s))
}

// descriptors lists what a program was given; the Go runtime has its own beside that.
func descriptors() (list []string, err error) {
	numbers, err := rawio.Numbers("/proc/self/fd")
	for _, fd := range numbers {
		link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		switch {
		case err != nil: // the list's own, closed by now
		case fd == 2:
			list = append(list, "standard error")
		case strings.HasPrefix(link, "pipe:"):
			list = append(list, "a pipe")
		case link != "anon_inode:[eventpoll]" && link != "anon_inode:[eventfd]" && !strings.HasPrefix(link, "/sys/fs/cgroup/"):
			list = append(list, link)
		}
	}
	return list, err
}

// What another command has is what the first one has, and nothing of those who started it.
func TestExecIsLikeTheFirst(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Spec)
	}{
		{"the usual", func(*Spec) {}},
		{"no capabilities", func(s *Spec) { s.Capabilities = 0 }},
		{"a filter and limits", func(s *Spec) {
			s.Filter, s.Limits = priorityFilter, append(s.Limits, Limit{unix.RLIMIT_CORE, 0, 4096})
		}},
		{"the host's network", func(s *Spec) { s.Network = HostNetwork }},
		{"ephemeral, read-only", func(s *Spec) { s.Ephemeral, s.ReadOnly = true, true }},
		{"a terminal", func(s *Spec) { s.Terminal[0] = true }},
	} {
		t.Run(test.name, func(t *testing.T) {
			// Or the Go runtime of either would raise the soft limit, at some time.
			b := running(t, func(s *Spec) { s.Limits = []Limit{{unix.RLIMIT_NOFILE, 150, 150}} }, test.change)
			var got told
			b.ask(t, command("tell"), &got)
			if diff := cmp.Diff(got.First, got.Self); diff != "" {
				t.Errorf("facts (-first +other):\n%s", diff)
			}
			if len(got.Self.Namespaces) < 8 || got.Self.Status["NoNewPrivs"] != "1" {
				t.Errorf("got facts %+v, want all of them", got.Self)
			}
			want := told{
				First: got.First, Self: got.Self, Ignored: "0000000000000000",
				Descriptors: []string{"/dev/null", "a pipe", "standard error"},
				Env:         []string{childVariable + "=tell", noRaceSleep}, Dir: "/",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what it has (-want +got):\n%s", diff)
			}
		})
	}
}

// A container whose network is another's has its own of all else.
func TestExecInJoinedNetwork(t *testing.T) {
	b := running(t)
	j := running(t, joins(t, b))
	var other, own told
	b.ask(t, command("tell"), &other)
	j.ask(t, command("tell"), &own)
	if diff := cmp.Diff(own.First.Namespaces, own.Self.Namespaces); diff != "" {
		t.Errorf("namespaces (-first +other):\n%s", diff)
	}
	for name, want := range map[string]bool{"net": true, "user": true, "pid": false, "mnt": false} {
		if got := own.Self.Namespaces[name] == other.Self.Namespaces[name]; got != want {
			t.Errorf("got the %s namespace shared: %v, want %v", name, got, want)
		}
	}
}

func TestExecCodes(t *testing.T) {
	b := running(t)
	for _, code := range []int{0, 1, 255, 128 + int(unix.SIGTERM), 128 + int(unix.SIGKILL)} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			if got := b.exec(t, command("exit", strconv.Itoa(code))).Wait(); got != code {
				t.Errorf("got exit code %d, want %d", got, code)
			}
		})
	}
}

// What can't be run is told as it is at a start.
func TestExecFailures(t *testing.T) {
	b := running(t)
	write(t, filepath.Join(b.root, "data"), "no program")
	write(t, filepath.Join(b.root, "script"), "#!/nowhere\n")
	for name, mode := range map[string]os.FileMode{"data": 0o755, "script": 0o755} {
		if err := os.Chmod(filepath.Join(b.root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(b.root, "text"), "not executable")
	const neither = " is not in the container, or the interpreter or loader that it names is not"
	long := strings.Repeat("x", 100<<10)
	for _, test := range []struct {
		name   string
		change func(*Command)
		want   string
		kind   error
	}{
		{"not there", func(c *Command) { c.Args = []string{"nothing"} }, `command not found: "nothing"` + neither, ErrNotFound},
		{"no interpreter", func(c *Command) { c.Args = []string{"/script"} }, `command not found: "/script"` + neither, ErrNotFound},
		{"no program", func(c *Command) { c.Args = []string{"/data"} }, `command not executable: "/data" in the container is neither a program for this machine nor a script with a #! line`, ErrNotExecutable},
		{"not executable", func(c *Command) { c.Args = []string{"/text"} }, `command not executable: "/text" in the container may not be executed: permission denied`, ErrNotExecutable},
		{"found in PATH, not executable", func(c *Command) { c.Args, c.Env = []string{"text"}, []string{"PATH=/nowhere:/"} }, `command not executable: "text" in the container may not be executed: permission denied`, ErrNotExecutable},
		{"an argument that is too long", func(c *Command) { c.Args = append(c.Args, long+long) }, `command not executable: running "/test" in the container: argument list too long`, ErrNotExecutable},
		{"more than execve takes", func(c *Command) { c.Env = slices.Repeat([]string{"A=" + long}, 70) }, `command not executable: running "/test" in the container: argument list too long`, ErrNotExecutable},
		{"more than can be sent", func(c *Command) { c.Env = slices.Repeat([]string{"A=" + long}, 90) }, `command not executable: running "/test" in the container: argument list too long`, ErrNotExecutable},
		{"no directory", func(c *Command) { c.Workdir = "/nowhere/at/all" }, `entering the working directory "/nowhere/at/all": no such file or directory`, unix.ENOENT},
		{"a file", func(c *Command) { c.Workdir = "/data" }, `entering the working directory "/data": not a directory`, unix.ENOTDIR},
		{"a relative directory", func(c *Command) { c.Workdir = "data" }, `can't start in "data": a path inside is absolute, without dots or double slashes`, nil},
		{"nobody", func(c *Command) { c.User.UID = 33 }, "there is no uid 33 with gid 0 in the container", nil},
		{"no command", func(c *Command) { c.Args = nil }, "there is no command to run", nil},
		{"a zero byte", func(c *Command) { c.Env = []string{"A=\x00"} }, `"A=\x00" contains a zero byte`, nil},
		{"more than the container has", func(c *Command) { c.Ambient = 1 << unix.CAP_SYS_ADMIN }, "CAP_SYS_ADMIN is to be ambient, and is none of the container's capabilities", nil},
		{"no descriptor", func(c *Command) { c.Streams[1] = nil }, "there is neither a file nor a terminal for one of the command's descriptors", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := command("exit", "0")
			test.change(cmd)
			p, err := b.Exec(cmd)
			if err == nil {
				err = p.Started()
				if again := p.Started(); !errors.Is(again, err) {
					t.Errorf("got %v when asked again, want %v", again, err)
				}
				if code := p.Wait(); code != 125 {
					t.Errorf("got exit code %d, want 125", code)
				}
			}
			if errText(err) != test.want || test.kind != nil && !errors.Is(err, test.kind) {
				t.Errorf("got %q, want %q", errText(err), test.want)
			}
		})
	}
	if got := b.exec(t, command("exit", "3")).Wait(); got != 3 {
		t.Errorf("got exit code %d after all that, want 3", got)
	}
}

func TestExecRefusesDirectories(t *testing.T) {
	b := running(t)
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cmd := command("exit", "0")
	cmd.Streams[0] = dir
	if _, err := b.Exec(cmd); !strings.HasSuffix(errText(err), "is a directory of the host, which can't be passed into a container") {
		t.Errorf("got error %q, want a directory refused", errText(err))
	}
	dir.Close()
	if _, err := b.Exec(cmd); !strings.HasPrefix(errText(err), "passing ") {
		t.Errorf("got error %q for a closed file, want that it can't be passed on", errText(err))
	}
}

// As many arguments as execve takes of them with the usual stack arrive.
func TestExecManyArguments(t *testing.T) {
	b := running(t)
	cmd := command("count", slices.Repeat([]string{strings.Repeat("x", 1000)}, 1500)...)
	var got [2]int
	b.ask(t, cmd, &got)
	if want := [2]int{1500, 1500 * 1000}; got != want {
		t.Errorf("got %d arguments with %d bytes, want %v", got[0], got[1], want)
	}
}

func childCounts() error {
	n := [2]int{len(os.Args) - 1, 0}
	for _, arg := range os.Args[1:] {
		n[1] += len(arg)
	}
	return tellResult(n)
}

func TestExecWorkdir(t *testing.T) {
	b := running(t)
	if err := os.Mkdir(filepath.Join(b.root, "work"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := command("tell")
	cmd.Workdir = "/work"
	var got told
	b.ask(t, cmd, &got)
	if got.Dir != "/work" {
		t.Errorf("got working directory %q, want %q", got.Dir, "/work")
	}
}

// Without a pid 1 of unc's there is nobody to ask.
func TestExecWithoutInit(t *testing.T) {
	b := running(t, func(s *Spec) { s.NoInit = true })
	const want = "the container has no process 1 of unc's that could start another command in it (--no-init)"
	if _, err := b.Exec(command("exit", "0")); errText(err) != want {
		t.Errorf("got error %q, want %q", errText(err), want)
	}
}
